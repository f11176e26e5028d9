"""From values on the surface to a texture of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .surface import Surface
from .texture import MARGIN, blocks, fill_margin

BLOCK = 1 << 18  # texels baked at once
Tell = Callable[[float], None]  # takes the share that is done, 0-1


@torch.no_grad()
def bake(
    surface: Surface,
    texture: int,
    shape: tuple[int, int],
    channels: int,
    values: Callable[[Tensor, Tensor, Tensor], Tensor],
    tell: Tell,
) -> Tensor:
    """A texture (height, width, channels) of what `values` gives, with margins.

    Texels that no island or margin reaches take the mean of those that are painted.

    Args:
        surface: of the mesh.
        texture: number of the one that is baked.
        shape: height and width in texels.
        channels: of a value.
        values: takes faces (N,), barycentric coordinates (N, 3) and footprints (N,), as
            `Original.albedo` does, and gives (N, channels) float32.
        tell: called now and then; what it raises ends the baking.
    """
    image = torch.zeros(math.prod(shape), channels, device=surface.uvs.device)
    covered = torch.zeros(len(image), dtype=torch.bool, device=image.device)
    for texels in surface.texel_bands(texture, shape):
        for part in blocks(len(texels.texel), BLOCK):
            face, bary = texels.face[part], texels.bary[part]
            footprint = torch.full_like(bary[:, 0], math.prod(shape) ** -0.5)
            image[texels.texel[part]] = values(face, bary, footprint)
            tell(float(texels.texel[part][-1] + 1) / len(image))
        covered[texels.texel] = True
    tell(1.0)
    mean = image.sum(0, dtype=torch.float64) / covered.sum().clamp(min=1)
    image, covered = fill_margin(image.view(*shape, channels), covered.view(shape), MARGIN)
    return image.where(covered[..., None], mean.float())
