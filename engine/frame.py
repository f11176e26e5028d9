"""The pixels of a frame as one list, row after row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def places(pixel: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Columns and rows (N,) float64 of pixels (N,), looked up: integers divide slowly.

    Args:
        pixel: indices in the list.
        size: height and width.
    """
    height, width = size
    column, row = (
        torch.arange(side, dtype=torch.float64, device=pixel.device) for side in (width, height)
    )
    return (
        column.repeat(height).index_select(0, pixel),
        row.repeat_interleave(width).index_select(0, pixel),
    )


def spread(rows: Sequence[Tensor], place: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Put values into an array of -1.

    Args:
        rows: C of values (N,).
        place: (N,) int64, where, in the list of all in `shape`.
        shape: of the array.

    Returns:
        (C, *shape).
    """
    out = rows[0].new_full((len(rows), math.prod(shape)), -1)
    for number, values in enumerate(rows):
        out[number].scatter_(0, place, values)
    return out.view(-1, *shape)
