"""What the views of a step ask of the field's values, added up over views and processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .adam import Gradient
from .interpolation import Lookups
from .team import Team


def gradients_of(lookups: Lookups, gathered: Tensor) -> list[Gradient]:
    """Of each lattice that a view looks up, from the gradient of what it has `gathered`."""
    assert gathered.grad is not None
    return list(map(Gradient, lookups.corners, lookups.parted(gathered.grad)))


def together(
    views: Sequence[Sequence[Gradient]], values: Sequence[Tensor], team: Team
) -> Sequence[Gradient]:
    """For each lattice the sum over the `views` of this process and of the others of its team.

    Args:
        views: of each, the gradients of the lattices that it looks up, from the coarsest.
        values: of all lattices, (M, 3) each.
        team: shares the step.
    """
    if team.size == 1 and len(views) == 1:
        return views[0]
    (lattices,) = team.most([max(map(len, views), default=0)])
    sums = [torch.zeros_like(held) for held in values[:lattices]]
    for gradients in views:
        for total, (rows, grad) in zip(sums, gradients, strict=False):
            total.index_add_(0, rows.long(), grad)
    team.sum_(sums)
    moved = [(total != 0).any(-1).nonzero()[:, 0] for total in sums]
    return [Gradient(rows, total[rows]) for rows, total in zip(moved, sums, strict=True)]
