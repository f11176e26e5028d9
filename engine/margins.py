"""Margins around UV islands: what is next to them takes the colors of their rims."""

from __future__ import annotations

import torch
from torch import Tensor

from .columns import each_at
from .interpolation import weighted_sum

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
        fresh = near.masked_select(inside & ~each_at(covered, near)).unique()
        if not len(fresh):
            break
        near, inside = _neighbours(fresh, height, columns)
        weight = (inside & each_at(covered, near)).to(image.dtype)  # (N, 8)
        colors = weighted_sum(image, near, weight / weight.sum(1, keepdim=True))
        image.index_copy_(0, fresh, colors)
        covered.index_fill_(0, fresh, True)
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
    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
    near = index[:, None] + torch.tensor([dy * width + dx for dy, dx in around]).to(index)
    column = index % width
    edge = (column == 0).to(torch.int32) + 2 * (column == width - 1).to(torch.int32)
    beside = [
        [not (first and dx < 0) and not (last and dx > 0) for _, dx in around]
        for last in (False, True)
        for first in (False, True)
    ]  # which of them a row has, by `edge`
    inside = torch.tensor(beside, device=index.device).index_select(0, edge)
    inside &= (near >= 0) & (near < height * width)
    return near.clamp_(0, height * width - 1), inside
