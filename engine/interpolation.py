"""Weighted sums of the values at lattices' corners, over several lattices, and their way back.

Both ways are one sum over bags of rows: of a point its corners, of a corner its points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .columns import each_at


class Lookups(NamedTuple):
    """Where N points fall in L lattices, between K corners in each: all that a step needs of them.

    Attributes:
        corners: (R,) int32, in their order, which rows of the lattices' joint table of values the
            points need, those for corners that hold no value among them.
        sizes: how many of these are each lattice's.
        rows: (N, L K) int32, the corners of each point, among all that are needed.
        weights: (N, L K) float32, of these; 0 where they hold no value.
        first: (R,) int32, where in the next two tensors the points of each corner begin.
        point: (N L K,) int32, the points of the first corner, of the second, and so on.
        share: (N L K,) float32, the corner's weight at each.
    """

    corners: Tensor
    sizes: list[int]
    rows: Tensor
    weights: Tensor
    first: Tensor
    point: Tensor
    share: Tensor

    @classmethod
    def of(cls, found: Sequence[tuple[Tensor, Tensor]], counts: Sequence[int]) -> Lookups:
        """Those of the same points in several lattices.

        Args:
            found: of each lattice, which of its rows (N, K) int32 are around each point, the last
                for corners that hold none, and their weights (N, K). K is a power of 2.
            counts: rows that each lattice has. The joint table has one lattice's after the other.
        """
        corners: list[Tensor] = []
        sizes: list[int] = []
        points: list[tuple[Tensor, Tensor]] = []  # rows and weights of each
        bags: list[tuple[Tensor, Tensor, Tensor]] = []  # what each corner has
        held = needed = placed = 0
        for (rows, weights), count in zip(found, counts, strict=True):
            of_held = weights.masked_fill(rows == count - 1, 0)
            mine, first, point, share = _bags(rows, of_held, count, placed)
            number = torch.empty(count, dtype=torch.int32, device=rows.device)
            own = torch.arange(needed, needed + len(mine), dtype=torch.int32, device=rows.device)
            number[mine.long()] = own
            points.append((each_at(number, rows), of_held))
            bags.append((first, point, share))
            corners.append(mine + held)
            sizes.append(len(mine))
            held, needed, placed = held + count, needed + len(mine), placed + rows.numel()
        # To join them along that side as they are takes three times as long.
        rows, weights = (torch.stack(parts, 1).flatten(1) for parts in zip(*points, strict=True))
        first, point, share = map(torch.cat, zip(*bags, strict=True))
        return cls(torch.cat(corners), sizes, rows, weights, first, point, share)

    def gather(self, table: Tensor) -> Tensor:
        """The rows (R, 3) of the joint table that are needed."""
        return table.index_select(0, self.corners)

    def interpolate(self, gathered: Tensor) -> Tensor:
        """Values (N, 3) at the points, from those (R, 3) that `gather` gave."""
        return _Interpolation.apply(gathered, self)


class _Interpolation(torch.autograd.Function):
    """Weighted sums (N, 3) of the corners' values at each point.

    What autograd would make of it adds up one row after the other on the way back.
    """

    @staticmethod
    def forward(ctx: Any, gathered: Tensor, lookups: Lookups) -> Tensor:
        ctx.lookups = lookups
        return weighted_sum(gathered.detach(), lookups.rows, lookups.weights.to(gathered.dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        lookups: Lookups = ctx.lookups
        grad = grads[0].contiguous()
        share = lookups.share.to(grad.dtype)
        return nn.functional.embedding_bag(
            lookups.point, grad, lookups.first, per_sample_weights=share, mode="sum"
        ), None


def weighted_sum(values: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Of rows (N, K) of `values` (M, 3) with weights (N, K), as (N, 3)."""
    # Without `padding_idx`, which takes several times as long: rows for none hold 0.
    return nn.functional.embedding_bag(rows, values, per_sample_weights=weights, mode="sum")


def _bags(
    rows: Tensor, weights: Tensor, count: int, start: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The other way round: of each corner its points. As of `Lookups`, of one lattice.

    Args:
        rows, weights: (N, K), the corners of each point.
        count: that the lattice has.
        start: of the first corner's points, among those of all lattices.

    Returns:
        The corners (R,) in their order, `first`, `point` and `share`.
    """
    # Lattice after lattice: what is sorted at once fits processors' caches.
    # Numbers of 16 bits are sorted in two thirds of the time.
    narrow = rows.flatten().to(torch.int16 if count <= 1 << 15 else torch.int32)
    ordered, order = narrow.sort(stable=True)
    corners, many = ordered.unique_consecutive(return_counts=True)
    first = (many.cumsum(0) - many + start).to(torch.int32)
    point = order.to(torch.int32).bitwise_right_shift_(rows.shape[1].bit_length() - 1)
    return corners.to(torch.int32), first, point, weights.flatten().index_select(0, order)
