"""The pixels of a frame as one list, row after row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def places(pixel: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Columns and rows (N,) float64 of pixels (N,), in which division is faster than in int64.

    Args:
        pixel: indices in the list.
        width: of the frame.
    """
    number = pixel.double()
    row = (number + 0.5).mul_(1 / width).floor_()
    return torch.sub(number, row, alpha=width), row


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
