"""Margins around UV islands: what is next to them takes the colors of their rims."""

from __future__ import annotations

import torch
from torch import Tensor

MARGIN = 16  # texels painted beyond the islands, so that no mip level shows the background


def grow_margin(image: Tensor, covered: Tensor, width: int = MARGIN) -> None:
    """Carry the colors at the islands' rims outwards, a texel at a time, in place.

    Only the texels at the front of the growing margin are looked at, so the cost follows the
    length of the rims. Colors do not wrap round the image's edges.

    Args:
        image: (H, W, C) float, contiguous; gets its margin.
        covered: (H, W) bool, the texels that hold a color; those of the margin do afterwards.
        width: texels to add.
    """
    height, columns = covered.shape
    front = _rim(covered).flatten().nonzero()[:, 0]
    image, covered = image.view(-1, image.shape[-1]), covered.view(-1)
    for _ in range(width):
        near, inside = _neighbours(front, height, columns)
        fresh = near[inside & ~covered[near]].unique()
        if not len(fresh):
            break
        near, inside = _neighbours(fresh, height, columns)
        weight = (inside & covered[near]).to(image.dtype)  # (N, 8)
        image[fresh] = (image[near] * weight[..., None]).sum(1) / weight.sum(1, keepdim=True)
        covered[fresh] = True
        front = fresh


def fill_rest(image: Tensor, covered: Tensor, color: Tensor) -> None:
    """Give the texels of `image` (H, W, C) that are not `covered` (H, W) a `color` (C,)."""
    empty = ~covered
    for channel, value in zip(image.unbind(-1), color, strict=True):
        channel.masked_fill_(empty, value)


def _rim(covered: Tensor) -> Tensor:
    """Those of the texels `covered` (H, W) bool that have a neighbour which is not."""
    empty = torch.nn.functional.pad(~covered, (1, 1, 1, 1))
    wide = empty[:, :-2] | empty[:, 1:-1] | empty[:, 2:]
    return (wide[:-2] | wide[1:-1] | wide[2:]) & covered


def _neighbours(index: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The 8 neighbours of texels (N,): indices (N, 8), and whether each is in the image."""
    offsets = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
    step = torch.tensor(offsets, device=index.device)
    y, x = (index // width)[:, None] + step[:, 0], (index % width)[:, None] + step[:, 1]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)), inside
