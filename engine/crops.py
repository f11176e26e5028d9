"""Rectangles of a view that hold all it shows and little else: only they go through the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from torch import Tensor

LEAST = 32  # pixels along each side of a crop that is cut off, where the view has as many
WORTH = 1024  # pixels that a cut must save: one more picture costs shallow layers less than that


class Crop(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right` of a view, the last ones excluded."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, image: Tensor) -> Tensor:
        """That part of `image` (..., H, W)."""
        return image[..., self.top : self.bottom, self.left : self.right]


def box_of(mask: Tensor, step: int) -> Crop:
    """The crop that holds all that is not 0 in `mask` (H, W); the whole view where nothing is.

    Its sides are multiples of `step` pixels, as the network halves pictures and drops what is
    left over; where the view is not large enough for that they are the view's.
    """
    shown = (mask > 0).cpu().numpy()
    sides = (_side(shown.any(axis), step) for axis in (1, 0))
    return Crop(*(end for side in sides for end in side))


def _side(shown: np.ndarray, step: int) -> tuple[int, int]:
    """Where along one side (N,) of a view a crop begins and ends."""
    places = np.flatnonzero(shown)
    if not len(places):
        return 0, len(shown)
    first = int(places[0])
    length = min(-(-(int(places[-1]) + 1 - first) // step) * step, len(shown))
    first = min(first, len(shown) - length)
    return first, first + length


def crops_of(mask: Tensor, step: int) -> list[Crop]:
    """Crops that do not overlap and together hold all that is not 0 in `mask` (H, W).

    They begin and end at multiples of `step` pixels or the view's end. The whole view where
    nothing is.
    """
    boxes = list(_boxes(_blocks(mask, step), 0, 0, step))
    return [_crop(mask, box, step) for box in boxes] or [box_of(mask, step)]


def _blocks(mask: Tensor, step: int) -> np.ndarray:
    """Which blocks (h, w), `step` pixels wide and high, of `mask` (H, W) have anything set."""
    height, width = mask.shape
    rows, columns = -(-height // step), -(-width // step)
    pixels: np.ndarray = np.zeros((rows * step, columns * step), bool)
    pixels[:height, :width] = (mask > 0).cpu().numpy()
    return pixels.reshape(rows, step, columns, step).any((1, 3))


def _crop(mask: Tensor, box: tuple[int, int, int, int], step: int) -> Crop:
    """From blocks to pixels of `mask` (H, W)."""
    top, bottom, left, right = (step * edge for edge in box)
    return Crop(top, min(bottom, mask.shape[0]), left, min(right, mask.shape[1]))


def _boxes(
    blocks: np.ndarray, top: int, left: int, step: int
) -> Iterator[tuple[int, int, int, int]]:
    """Boxes, as in `Crop`, around what is set of `blocks` (h, w), cut where that saves enough.

    Args:
        blocks: those of a part of the view, which begins at `top` and `left`.
        top, left: in blocks.
        step: side of a block, in pixels.
    """
    rows, columns = (np.flatnonzero(blocks.any(axis)) for axis in (1, 0))
    if not len(rows):
        return
    top, left = top + int(rows[0]), left + int(columns[0])
    blocks = blocks[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    saved, cut, axis = max(_cuts(blocks, -(-LEAST // step)), default=(0, 0, 0))
    if saved * step**2 < WORTH:
        yield top, top + blocks.shape[0], left, left + blocks.shape[1]
        return
    first, second = np.split(blocks, [cut], axis)
    yield from _boxes(first, top, left, step)
    yield from _boxes(second, top + cut * (axis == 0), left + cut * (axis == 1), step)


def _cuts(blocks: np.ndarray, least: int) -> Iterator[tuple[int, int, int]]:
    """For each cut of `blocks` in two, `least` from the ends: saved, where, along which axis.

    Something is set along each side of `blocks`.
    """
    for axis, lines in enumerate((blocks, blocks.T)):
        cuts = np.arange(least, len(lines) - least + 1)
        if len(cuts):
            areas = _areas(lines)[cuts - 1] + _areas(lines[::-1])[len(lines) - cuts - 1]
            for saved, cut in zip((blocks.size - areas).tolist(), cuts.tolist(), strict=True):
                yield saved, cut, axis


def _areas(lines: np.ndarray) -> np.ndarray:
    """Of the smallest boxes around what is set in the first line, in the first two, and so on.

    Args:
        lines: (N, M) bool; something is set in the first.

    Returns:
        (N,) int64.
    """
    count, length = lines.shape
    set_ = lines.any(1)
    last = np.maximum.accumulate(np.where(set_, np.arange(count), 0))
    left = np.minimum.accumulate(np.where(set_, lines.argmax(1), length))
    right = np.minimum.accumulate(np.where(set_, lines[:, ::-1].argmax(1), length))
    return (last + 1) * (length - left - right)
