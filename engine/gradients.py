"""What the views of a step ask of the field's values, added up over views and processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .adam import Gradient
from .team import Team


def together(
    views: Sequence[Gradient], table: Tensor, lattices: Sequence[int], team: Team
) -> Gradient:
    """The sum over the `views` of this process and of the others of its team.

    Args:
        views: the gradient of each; its parts are the lattices that it looks up.
        table: (M, 3), the values of all lattices, from the coarsest.
        lattices: how many of these each has.
        team: shares the step.
    """
    if team.size == 1 and len(views) == 1:
        return views[0]
    (used,) = team.most([max((len(view.sizes) for view in views), default=0)])
    sizes = list(lattices[:used])
    total = torch.zeros_like(table[: sum(sizes)])
    for view in views:
        total.index_add_(0, view.rows, view.grad)
    team.sum_([total])
    asked = (total != 0).any(-1)
    rows = asked.nonzero()[:, 0]
    many = torch.stack([part.sum() for part in asked.split(sizes)])
    held, grad = (every.index_select(0, rows) for every in (table, total))
    return Gradient(rows, held, grad, many.tolist())
