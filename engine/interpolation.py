"""Between the corners of voxels: weights, sums over lattices, and their way back.

All lattices are summed in one piece, each with its points in the order of their voxels, so that
the way back adds up neighbours in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .columns import picked

CORNERS = ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))


class Lookups(NamedTuple):
    """Where N points fall in L lattices: all that a step needs of them.

    Attributes:
        points: N.
        corners: for each lattice, (R,) int32, which rows of its values the points need.
        rows: (C, 8) int32, of all lattices' voxels, their corners among all that are needed,
            counted from 1; 0 stands for corners that hold no value.
        first: (C,) int32, where in the next three tensors each voxel's points begin.
        voxel: (L N,) int32, not decreasing, the voxel of each point in each lattice.
        point: (L N,) int32, which point that is.
        fraction: (3, L N) float32, its position within the voxel, 0-1.
    """

    points: int
    corners: list[Tensor]
    rows: Tensor
    first: Tensor
    voxel: Tensor
    point: Tensor
    fraction: Tensor

    @classmethod
    def of(
        cls, found: Sequence[tuple[Tensor, Tensor, Tensor]], values: Sequence[Tensor]
    ) -> Lookups:
        """Those of the same points in several lattices.

        Args:
            found: of each lattice, the rows (C, 8) of values around its voxels, the row after the
                last for none; for each point (N,) int32 the voxel among these and its position
                (N, 3) there. Each voxel has a point.
            values: of each lattice, (M + 1, 3); the last row is for none.
        """
        corners: list[Tensor] = []
        parts: list[tuple[Tensor, ...]] = []
        places: list[Tensor] = []
        needed = voxels = placed = 0
        for (rows, voxel, fraction), held in zip(found, values, strict=True):
            seen = torch.zeros(len(held), dtype=torch.bool, device=rows.device)
            seen[rows.flatten().long()] = True
            seen[-1] = False
            own = seen.nonzero()[:, 0].to(torch.int32)
            number = torch.zeros(len(held), dtype=torch.int32, device=rows.device)
            number[own.long()] = torch.arange(
                needed + 1, needed + 1 + len(own), dtype=torch.int32, device=rows.device
            )
            sorted_, order = voxel.sort(stable=True)
            many = torch.bincount(sorted_, minlength=len(rows))
            first = (many.cumsum(0) - many + placed).to(torch.int32)
            local = number.index_select(0, rows.flatten()).view(-1, 8)
            parts.append((local, first, sorted_ + voxels, order.to(torch.int32)))
            places.append(picked(fraction.T, order))
            corners.append(own)
            needed, voxels = needed + len(own), voxels + len(rows)
            placed += len(voxel)
        rows, first, voxel, point = map(torch.cat, zip(*parts, strict=True))
        count = len(found[0][1])
        return cls(count, corners, rows, first, voxel, point, torch.cat(places, 1))

    def gather(self, values: Sequence[Tensor]) -> Tensor:
        """The rows (1 + sum of R, 3) of all lattices' `values` that are needed; the first is 0."""
        pairs = zip(values, self.corners, strict=False)
        needed = [held.index_select(0, rows) for held, rows in pairs]
        return torch.cat((values[0].new_zeros(1, values[0].shape[1]), *needed))

    def parted(self, gathered: Tensor) -> list[Tensor]:
        """For each lattice the rows (R, 3) of what `gather` gave, or of its gradient."""
        return list(gathered[1:].split([len(rows) for rows in self.corners]))

    def interpolate(self, gathered: Tensor) -> Tensor:
        """Values (N, 3) at the points, from those (1 + sum of R, 3) that `gather` gave."""
        return _Interpolation.apply(gathered, self)


class _Interpolation(torch.autograd.Function):
    """Weighted sums (N, 3) of the corners' values of the voxels that each point is in.

    On the way back, points add up in their voxels' corners before voxels add up in the corners
    that they share.
    """

    @staticmethod
    def forward(ctx: Any, gathered: Tensor, lookups: Lookups) -> Tensor:
        weights = _by_corner(lookups.fraction.to(gathered.dtype))  # (8, L N)
        ctx.save_for_backward(weights)
        ctx.lookups, ctx.shape = lookups, gathered.shape
        rows = lookups.rows.index_select(0, lookups.voxel)  # (L N, 8)
        each = weighted_sum(gathered, rows, weights.T.contiguous())
        total = gathered.new_zeros(lookups.points, gathered.shape[1])
        return total.index_add_(0, lookups.point.long(), each)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors
        lookups: Lookups = ctx.lookups
        length = len(lookups.point)
        starts = torch.arange(0, 8 * length, length, dtype=torch.int32, device=weights.device)
        corners = nn.functional.embedding_bag(
            lookups.point.repeat(8),
            grads[0].contiguous(),
            (starts[:, None] + lookups.first).flatten(),
            per_sample_weights=weights.flatten(),
            mode="sum",
        )  # (8 C, 3)
        out = corners.new_zeros(ctx.shape)
        out.index_add_(0, lookups.rows.T.flatten().long(), corners)
        out[0] = 0
        return out, None


def weighted_sum(values: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Of rows (N, 8) of `values` (M, 3) with weights (N, 8), as (N, 3)."""
    # Without `padding_idx`, which takes several times as long: rows for none hold 0.
    return nn.functional.embedding_bag(rows, values, per_sample_weights=weights, mode="sum")


def trilinear(fraction: Tensor) -> Tensor:
    """Weights (N, 8) of a voxel's corners, in the order of CORNERS.

    Args:
        fraction: (N, 3), position within the voxel, 0-1.
    """
    high = fraction.T.contiguous()
    x, y, z = zip(1 - high, high, strict=True)  # (N,) each, at both ends of the voxel
    xy = [[a * b for b in y] for a in x]
    weights = fraction.new_empty(len(fraction), len(CORNERS))
    for corner, (i, j, k) in enumerate(CORNERS):
        torch.mul(xy[i][j], z[k], out=weights[:, corner])
    return weights


def _by_corner(fraction: Tensor) -> Tensor:
    """As `trilinear`, but from (3, N) to (8, N)."""
    x, y, z = torch.stack((1 - fraction, fraction), 1)  # (2, N) each
    xy = (x[:, None] * y).flatten(0, 1)  # (4, N)
    return (xy[:, None] * z).flatten(0, 1)
