"""Between the corners of voxels: weights, sums over lattices, and their way back.

All lattices are summed in one piece, each with its points in the order of their voxels, so that
the way back adds up neighbours in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .columns import across, picked

CORNERS = ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))


class Lookups(NamedTuple):
    """Where N points fall in L lattices: all that a step needs of them.

    Attributes:
        points: N.
        corners: (1 + R,) int32, which rows of the lattices' joint table of values the points need,
            first of all one for corners that hold no value.
        sizes: how many of these are each lattice's.
        rows: (C, 8) int32, of all lattices' voxels, their corners among all that are needed.
        first: (C,) int32, where in the next two tensors each voxel's points begin.
        point: (L N,) int32, the points of each voxel, one lattice after the other.
        fraction: (3, L N) float32, their positions within the voxel, 0-1.
        place: (N, L) int32, where in these two each point is.
    """

    points: int
    corners: Tensor
    sizes: list[int]
    rows: Tensor
    first: Tensor
    point: Tensor
    fraction: Tensor
    place: Tensor

    @classmethod
    def of(
        cls, found: Sequence[tuple[Tensor, Tensor, Tensor]], values: Sequence[Tensor]
    ) -> Lookups:
        """Those of the same points in several lattices.

        Args:
            found: of each lattice, the rows (C, 8) of values around its voxels, the row after the
                last for none; for each point (N,) int32 the voxel among these and its position
                (N, 3) there. Each voxel has a point.
            values: of each lattice, (M + 1, 3); the last row is for none. The joint table has
                one after the other.
        """
        device = found[0][0].device
        corners = [torch.tensor([len(values[0]) - 1], dtype=torch.int32, device=device)]
        sizes: list[int] = []
        parts: list[tuple[Tensor, ...]] = []
        fractions: list[Tensor] = []
        needed = held = placed = 0
        for (rows, voxel, fraction), own in zip(found, values, strict=True):
            seen = torch.zeros(len(own), dtype=torch.bool, device=device)
            seen[rows.flatten().long()] = True
            seen[-1] = False
            mine = seen.nonzero()[:, 0]
            number = torch.zeros(len(own), dtype=torch.int32, device=device)
            number.scatter_(0, mine, _count(needed + 1, len(mine), device))
            sorted_, order = voxel.sort(stable=True)
            many = torch.bincount(sorted_, minlength=len(rows))
            first = (many.cumsum(0) - many + placed).to(torch.int32)
            local = number.index_select(0, rows.flatten()).view(-1, 8)
            place = torch.empty_like(order, dtype=torch.int32)
            place.scatter_(0, order, _count(placed, len(order), device))
            parts.append((local, first, order.to(torch.int32), place))
            fractions.append(picked(fraction.T, order))
            corners.append((mine + held).to(torch.int32))
            sizes.append(len(mine))
            needed, held, placed = needed + len(mine), held + len(own), placed + len(voxel)
        sizes[0] += 1  # none
        rows, first, point, place = map(torch.cat, zip(*parts, strict=True))
        count = len(found[0][1])
        place = place.view(-1, count).T.contiguous()
        fraction = torch.cat(fractions, 1)
        return cls(count, torch.cat(corners), sizes, rows, first, point, fraction, place)

    def gather(self, table: Tensor) -> Tensor:
        """The rows (1 + R, 3) of the joint table that are needed; the first is 0."""
        return table.index_select(0, self.corners)

    def interpolate(self, gathered: Tensor) -> Tensor:
        """Values (N, 3) at the points, from those (1 + R, 3) that `gather` gave."""
        return _Interpolation.apply(gathered, self)


class _Interpolation(torch.autograd.Function):
    """Weighted sums (N, 3) of the corners' values of the voxels that each point is in.

    On the way back, points add up in their voxels' corners before voxels add up in the corners
    that they share. The gradient has one channel after the other in memory: adding up takes half
    as long there, and so does what follows.
    """

    @staticmethod
    def forward(ctx: Any, gathered: Tensor, lookups: Lookups) -> Tensor:
        ctx.lookups = lookups
        many = lookups.first.diff(append=lookups.first.new_full((1,), len(lookups.point)))
        rows = lookups.rows.repeat_interleave(many, 0, output_size=len(lookups.point))  # (L N, 8)
        weights = trilinear(lookups.fraction.T.to(gathered.dtype))  # (L N, 8)
        each = weighted_sum(gathered.detach(), rows, weights)
        return nn.functional.embedding_bag(lookups.place, each, mode="sum")

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        lookups: Lookups = ctx.lookups
        grad = grads[0].contiguous()
        out = grad.new_zeros(grad.shape[1], len(lookups.corners))
        factors = _factors(lookups.fraction.to(grad.dtype))
        for rows, (xy, z) in zip(lookups.rows.T, factors, strict=True):
            sums = nn.functional.embedding_bag(
                lookups.point, grad, lookups.first, per_sample_weights=xy * z, mode="sum"
            )  # (C, 3)
            out.scatter_add_(1, rows.long().expand(len(out), -1), across(sums))
        out[:, 0] = 0
        return out.T, None


def weighted_sum(values: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Of rows (N, 8) of `values` (M, 3) with weights (N, 8), as (N, 3)."""
    # Without `padding_idx`, which takes several times as long: rows for none hold 0.
    return nn.functional.embedding_bag(rows, values, per_sample_weights=weights, mode="sum")


def trilinear(fraction: Tensor) -> Tensor:
    """Weights (N, 8) of a voxel's corners, in the order of CORNERS.

    Args:
        fraction: (N, 3), position within the voxel, 0-1.
    """
    weights = fraction.new_empty(len(fraction), len(CORNERS))
    for weight, (xy, z) in zip(weights.T, _factors(fraction.T.contiguous()), strict=True):
        torch.mul(xy, z, out=weight)
    return weights


def _factors(fraction: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Of each of CORNERS two factors (N,) of its weight, from (3, N)."""
    x, y, z = zip(1 - fraction, fraction, strict=True)  # (N,) each, at both ends of the voxel
    for one in x:
        for other in y:
            xy = one * other
            yield xy, z[0]
            yield xy, z[1]


def _count(start: int, many: int, device: torch.device) -> Tensor:
    """So `many` numbers from `start` on, int32."""
    return torch.arange(start, start + many, dtype=torch.int32, device=device)
