"""Rectangles of a view that hold all it shows and little else: only they go through the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from torch import Tensor

BLOCK = 16  # pixels: crops begin at multiples of it, as pixels of the network's deepest layer do
LEAST = 2  # blocks along each side of a crop that is cut off
WORTH = 8  # blocks that a cut must save: about what the network takes for one more picture


class Crop(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right` of a view, the last ones excluded."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, image: Tensor) -> Tensor:
        """That part of `image` (..., H, W)."""
        return image[..., self.top : self.bottom, self.left : self.right]


def box_of(mask: Tensor) -> Crop:
    """The crop that holds all that is not 0 in `mask` (H, W); the whole view where nothing is."""
    blocks = _blocks(mask)
    rows, columns = blocks.any(1).nonzero()[0], blocks.any(0).nonzero()[0]
    if not len(rows):
        return Crop(0, mask.shape[0], 0, mask.shape[1])
    return _crop(mask, rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)


def crops_of(mask: Tensor) -> list[Crop]:
    """Crops that do not overlap and together hold all that is not 0 in `mask` (H, W).

    The whole view where that is nothing.
    """
    boxes = list(_boxes(_blocks(mask), 0, 0))
    return [_crop(mask, *box) for box in boxes] or [box_of(mask)]


def _blocks(mask: Tensor) -> np.ndarray:
    """Which blocks (h, w) of `mask` (H, W) have anything set."""
    height, width = mask.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    pixels: np.ndarray = np.zeros((rows * BLOCK, columns * BLOCK), bool)
    pixels[:height, :width] = (mask > 0).cpu().numpy()
    return pixels.reshape(rows, BLOCK, columns, BLOCK).any((1, 3))


def _crop(mask: Tensor, top: int, bottom: int, left: int, right: int) -> Crop:
    """From blocks to pixels of `mask` (H, W)."""
    height, width = mask.shape
    return Crop(
        int(top) * BLOCK,
        min(int(bottom) * BLOCK, height),
        int(left) * BLOCK,
        min(int(right) * BLOCK, width),
    )


def _boxes(blocks: np.ndarray, top: int, left: int) -> Iterator[tuple[int, int, int, int]]:
    """Boxes, as in `Crop`, around what is set of `blocks` (h, w), cut where that saves enough.

    Args:
        blocks: those of a part of the view, which begins at `top` and `left`.
    """
    rows, columns = blocks.any(1).nonzero()[0], blocks.any(0).nonzero()[0]
    if not len(rows):
        return
    top, left = top + int(rows[0]), left + int(columns[0])
    blocks = blocks[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    saved, cut, axis = max(_cuts(blocks), default=(0, 0, 0))
    if saved < WORTH:
        yield top, top + blocks.shape[0], left, left + blocks.shape[1]
        return
    first, second = np.split(blocks, [cut], axis)
    yield from _boxes(first, top, left)
    yield from _boxes(second, top + cut * (axis == 0), left + cut * (axis == 1))


def _cuts(blocks: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """For each cut of `blocks` in two: blocks saved, where, and along which axis."""
    for axis in (0, 1):
        for cut in range(LEAST, blocks.shape[axis] - LEAST + 1):
            parts = np.split(blocks, [cut], axis)
            yield blocks.size - sum(_area(part) for part in parts), cut, axis


def _area(blocks: np.ndarray) -> int:
    """Of the smallest box around what is set."""
    sides = (np.flatnonzero(blocks.any(axis)) for axis in (0, 1))
    spans = [int(set_[-1] - set_[0] + 1) if len(set_) else 0 for set_ in sides]
    return spans[0] * spans[1]
