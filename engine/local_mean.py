"""The mean around any point of a surface of values that are known at many of its points."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .blocks import blocks
from .field import Lattice

LATTICES = 3  # each turned otherwise, so that none of them shows
BLOCK = 1 << 18  # points at once


@dataclass(frozen=True)
class LocalMean:
    """Sums over the points near each corner of a few lattices.

    A kernel estimate (Nadaraya 1964, Watson 1964), whose kernel, about a voxel and a half wide,
    is what two points share of a lattice's corners. It knows space alone, so UV seams are
    nothing to it.

    Attributes:
        lattices: with voxels of one size.
        sums: for each lattice (M + 1, C + 1) float32: values, then weights; the last row is 0.
    """

    lattices: tuple[Lattice, ...]
    sums: tuple[Tensor, ...]

    @classmethod
    def of(cls, points: Tensor, values: Tensor, *, cell: float, seed: int) -> LocalMean:
        """The mean of `values` (N, C) at `points` (N, 3) over voxels of side `cell`."""
        generator = torch.Generator().manual_seed(seed)
        lattices = tuple(Lattice.around(points, cell, generator) for _ in range(LATTICES))
        weighted = torch.nn.functional.pad(values, (0, 1), value=1.0)  # (N, C + 1)
        sums = []
        for lattice in lattices:
            total = weighted.new_zeros(len(lattice.corners) + 1, weighted.shape[-1])
            for part in blocks(len(points), BLOCK):
                rows, weights = lattice.locate(points[part]).corners()
                spread = weights[..., None] * weighted[part, None]  # (N, 4, C + 1)
                total.index_add_(0, rows.flatten().long(), spread.flatten(0, 1))
            total[-1] = 0
            sums.append(total)
        return cls(lattices, tuple(sums))

    def __call__(self, points: Tensor) -> Tensor:
        """Means (N, C) at any `points` (N, 3); 0 where no point with a value is near."""
        total = self.sums[0].new_zeros(len(points), self.sums[0].shape[-1])
        for lattice, sums in zip(self.lattices, self.sums, strict=True):
            rows, weights = lattice.locate(points).corners()
            total += (weights[..., None] * sums[rows.long()]).sum(1)
        return total[:, :-1] / total[:, -1:].clamp(min=1e-12)
