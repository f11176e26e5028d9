"""Adam for values of which a step sees a few: the others stand still until they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

BETAS = (0.9, 0.99)
EPSILON = 1e-8


class Gradient(NamedTuple):
    """What a step asks of some rows of a parameter.

    Attributes:
        rows: (R,) int32 or int64, none of them twice.
        grad: (R, C).
    """

    rows: Tensor
    grad: Tensor


class _Memory(NamedTuple):
    """Running moments of the rows of one parameter, and running means of ones (N, 2).

    The latter are what the former lack of their size while a row was seen a few times only:
    1 - beta^n after n times, for each of BETAS.
    """

    mean: Tensor
    square: Tensor
    ones: Tensor


class VisitedAdam:
    """Adam (Kingma and Ba 2015) with moments and bias correction per row.

    Plain Adam goes on moving what it no longer sees, and moves what it sees for the first time
    late in a run by its rate over sqrt(1 - beta2), ten times as far as meant: a close-up's
    colours would run away. Here a row moves only in the steps that see it, by about its rate.

    Args:
        values: parameters (N, C).
    """

    def __init__(self, values: Sequence[Tensor]) -> None:
        self._values = list(values)
        self._memories = [
            _Memory(torch.zeros_like(v), torch.zeros_like(v), v.new_zeros(len(v), 2))
            for v in values
        ]

    @torch.no_grad()
    def step(self, gradients: Sequence[Gradient], rates: Sequence[float]) -> None:
        """Move the first parameters, each by its gradient and at its rate."""
        parameters = zip(self._values, self._memories, rates, strict=True)
        for gradient, (value, memory, rate) in zip(gradients, parameters, strict=False):
            rows, grad = gradient.rows.long(), gradient.grad
            rows = rows.long()
            mean, square, ones = (kept.index_select(0, rows) for kept in memory)
            mean.lerp_(grad, 1 - BETAS[0])
            square.lerp_(grad.square(), 1 - BETAS[1])
            ones.lerp_(torch.ones_like(ones), ones.new_tensor([1 - beta for beta in BETAS]))
            spread = (square / ones[:, 1:]).sqrt_().add_(EPSILON)
            moved = value.index_select(0, rows) - rate * mean / ones[:, :1] / spread
            for kept, new in zip((value, *memory), (moved, mean, square, ones), strict=True):
                kept.index_copy_(0, rows, new)

    def unmoved(self) -> list[Tensor]:
        """For each parameter, its rows (N,) that no step has moved."""
        return [memory.ones[:, 0] == 0 for memory in self._memories]

    def kept(self) -> list[list[Tensor]]:
        """For each parameter, what is remembered of it: three tensors, not copied."""
        return [list(memory) for memory in self._memories]

    def restore(self, kept: Sequence[Sequence[Tensor]]) -> None:
        """Remember what `kept` told of parameters of the same shapes."""
        self._memories = [
            _Memory(*(part.to(value.device) for part in parts))
            for value, parts in zip(self._values, kept, strict=True)
        ]
