"""From values on the surface to a texture of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .texture import MARGIN, blocks, fill_margin, rasterize_texels

BLOCK = 1 << 18  # texels baked at once
Tell = Callable[[float], None]  # takes the share that is done, 0-1


@torch.no_grad()
def bake(
    uvs: Tensor,
    shape: tuple[int, int],
    channels: int,
    values: Callable[[Tensor, Tensor, Tensor], Tensor],
    tell: Tell,
) -> Tensor:
    """A texture (height, width, channels) of what `values` gives, with margins.

    Texels that no island or margin reaches take the mean of those that are painted.

    Args:
        uvs: (F, 3, 2) float32, of the faces.
        shape: height and width in texels.
        channels: of a value.
        values: takes faces (N,), barycentric coordinates (N, 3) and footprints (N,), as
            `Original.albedo` does, and gives (N, channels) float32.
        tell: called after each block.
    """
    texels = rasterize_texels(uvs, shape)
    image = torch.zeros(math.prod(shape), channels, device=uvs.device)
    for part in blocks(len(texels.texel), BLOCK):
        face, bary = texels.face[part], texels.bary[part]
        footprint = torch.full_like(bary[:, 0], math.prod(shape) ** -0.5)
        image[texels.texel[part]] = values(face, bary, footprint)
        tell(part.stop / len(texels.texel))
    covered = torch.zeros(math.prod(shape), dtype=torch.bool, device=image.device)
    covered[texels.texel] = True
    mean = image[texels.texel].mean(0) if len(texels.texel) else image[0]
    image, covered = fill_margin(image.view(*shape, channels), covered.view(shape), MARGIN)
    return image.where(covered[..., None], mean)
