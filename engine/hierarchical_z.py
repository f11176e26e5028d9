"""Which triangles are hidden for certain by what has been drawn before, told from tiles."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .columns import rows_at

TILE = 3  # side of the finest tiles, as a power of 2 pixels
COARSER = 1  # how much more that of the next level is


class Tiles(NamedTuple):
    """Of several levels, the coarsest one tile (Greene et al. 1993, "Hierarchical Z-buffer").

    Attributes:
        farthest: (N,) int64, the farthest depth in each, level after level, row after row.
        levels: (3, L) int64: side, as a power of 2 pixels; columns; tiles of the levels before.
    """

    farthest: Tensor
    levels: Tensor

    @classmethod
    def of(cls, depths: Tensor) -> Tiles:
        """Of what has been drawn.

        Args:
            depths: (H, W) int64, >= 0; larger is farther.
        """
        power, before = TILE, 0
        grids, levels = [_farthest(depths, 1 << TILE)], []
        while True:
            levels.append((power, grids[-1].shape[1], before))
            if grids[-1].numel() == 1:
                break
            power, before = power + COARSER, before + grids[-1].numel()
            grids.append(_farthest(grids[-1], 1 << COARSER))
        farthest = torch.cat([grid.flatten() for grid in grids])
        return cls(farthest, torch.tensor(levels, device=depths.device).T.contiguous())

    def hide(self, boxes: Tensor, nearest: Tensor) -> Tensor:
        """Which triangles lie behind all that is in the tiles that they touch, (T,) bool.

        Of each triangle four tiles are looked at, the finest of which no more can be touched.

        Args:
            boxes: (4, T) int64, the first column and row that a triangle may touch, and the last.
            nearest: (T,) int64, its least depth.
        """
        left, top, right, bottom = boxes
        extent = torch.maximum(right - left, bottom - top)
        level = torch.bucketize(extent, 1 << self.levels[0, :-1])
        power, columns, before = rows_at(self.levels, level)
        left, top, right, bottom = boxes >> power
        out = torch.ones_like(nearest, dtype=torch.bool)
        for row in (before + top * columns, before + bottom * columns):
            for column in (left, right):
                out &= nearest > self.farthest.index_select(0, row + column)
        return out


def _farthest(depths: Tensor, side: int) -> Tensor:
    """The farthest depth in each tile of `side` x `side`."""
    height, width = depths.shape
    if height % side or width % side:
        depths = torch.nn.functional.pad(depths, (0, -width % side, 0, -height % side))
    rows, columns = len(depths) // side, depths.shape[1] // side
    return depths.view(rows, side, -1).amax(1).view(rows, columns, side).amax(-1)
