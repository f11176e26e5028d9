"""From values on the surface to a texture of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .allocator import keeping_freed_memory
from .surface import Surface
from .texture import blocks, fill_rest, grow_margin

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
    total, painted = torch.zeros(channels, dtype=torch.float64, device=image.device), 0
    with keeping_freed_memory():
        for texels in surface.texel_bands(texture, shape):
            for part in blocks(len(texels.texel), BLOCK):
                face, bary = texels.face[part], texels.bary[part]
                footprint = torch.full_like(bary[:, 0], math.prod(shape) ** -0.5)
                found = values(face, bary, footprint)
                image[texels.texel[part]] = found
                total += found.sum(0, dtype=torch.float64)
                tell(float(texels.texel[part][-1] + 1) / len(image))
            covered[texels.texel] = True
            painted += len(texels.texel)
    tell(1.0)
    image, covered = image.view(*shape, channels), covered.view(shape)
    grow_margin(image, covered)
    fill_rest(image, covered, (total / max(painted, 1)).float())
    return image
