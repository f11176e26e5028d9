"""From values on the surface to a texture of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .texture import MARGIN, blocks, fill_margin, rasterize_texels

BLOCK = 1 << 18  # texels baked at once
Tell = Callable[[float], None]  # takes the share that is done, 0-1


@torch.no_grad()
def bake(
    uvs: Tensor,
    size: int,
    channels: int,
    values: Callable[[Tensor, Tensor, Tensor], Tensor],
    tell: Tell,
) -> Tensor:
    """A texture (size, size, channels) of what `values` gives, with margins.

    Texels that no island or margin reaches take the mean of those that are painted.

    Args:
        uvs: (F, 3, 2) float32, of the faces.
        size: of the square texture, in texels.
        channels: of a value.
        values: takes faces (N,), barycentric coordinates (N, 3) and footprints (N,), as
            `Original.albedo` does, and gives (N, channels) float32.
        tell: called after each block.
    """
    texels = rasterize_texels(uvs, (size, size))
    image = torch.zeros(size * size, channels, device=uvs.device)
    for part in blocks(len(texels.texel), BLOCK):
        face, bary = texels.face[part], texels.bary[part]
        footprint = torch.full_like(bary[:, 0], 1 / size)
        image[texels.texel[part]] = values(face, bary, footprint)
        tell(part.stop / len(texels.texel))
    covered = torch.zeros(size * size, dtype=torch.bool, device=image.device)
    covered[texels.texel] = True
    mean = image[texels.texel].mean(0) if len(texels.texel) else image[0]
    image, covered = fill_margin(image.view(size, size, channels), covered.view(size, size), MARGIN)
    return image.where(covered[..., None], mean)
