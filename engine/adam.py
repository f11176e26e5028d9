"""Adam for values of which a step sees a few: the others stand still until they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BETAS = (0.9, 0.99)
EPSILON = 1e-8


@dataclass(frozen=True)
class _Memory:
    """Running moments of the rows of one parameter, and how often each was seen (N, 1)."""

    mean: Tensor
    square: Tensor
    seen: Tensor


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
            _Memory(torch.zeros_like(v), torch.zeros_like(v), torch.zeros_like(v[:, :1]))
            for v in values
        ]

    @torch.no_grad()
    def step(self, rates: Sequence[float]) -> None:
        """Move what has gradient, each parameter at its rate, and forget the gradients."""
        for value, memory, rate in zip(self._values, self._memories, rates, strict=True):
            if value.grad is None:
                continue
            rows = (value.grad != 0).any(-1).nonzero()[:, 0]
            grad = value.grad.index_select(0, rows)
            seen = memory.seen.index_select(0, rows) + 1
            mean = memory.mean.index_select(0, rows).lerp_(grad, 1 - BETAS[0])
            square = memory.square.index_select(0, rows).lerp_(grad.square_(), 1 - BETAS[1])
            spread = (square / (1 - BETAS[1] ** seen)).sqrt_() + EPSILON
            moved = value.index_select(0, rows) - rate * mean / (1 - BETAS[0] ** seen) / spread
            updates = (value, moved), (memory.mean, mean), (memory.square, square)
            for kept, new in (*updates, (memory.seen, seen)):
                kept.index_copy_(0, rows, new)
            value.grad = None

    def unmoved(self) -> list[Tensor]:
        """For each parameter, its rows (N,) that no step has moved."""
        return [memory.seen[:, 0] == 0 for memory in self._memories]

    def kept(self) -> list[list[Tensor]]:
        """For each parameter, what is remembered of it: three tensors, not copied."""
        return [[memory.mean, memory.square, memory.seen] for memory in self._memories]

    def restore(self, kept: Sequence[Sequence[Tensor]]) -> None:
        """Remember what `kept` told of parameters of the same shapes."""
        self._memories = [
            _Memory(*(part.to(value.device) for part in parts))
            for value, parts in zip(self._values, kept, strict=True)
        ]
