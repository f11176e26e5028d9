"""Adam for values of which a step sees a few: the others stand still until they are seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .columns import across

BETAS = (0.9, 0.99)
EPSILON = 1e-8


class Gradient(NamedTuple):
    """What a step asks of some rows of a parameter.

    Attributes:
        rows: (R,) int32 or int64, none of them twice.
        held: (R, C), what they hold.
        grad: (R, C).
        sizes: how many rows each part of the parameter has that is moved at a rate of its own.
    """

    rows: Tensor
    held: Tensor
    grad: Tensor
    sizes: Sequence[int]


class VisitedAdam:
    """Adam (Kingma and Ba 2015) with moments and bias correction per row.

    Plain Adam goes on moving what it no longer sees, and moves what it sees for the first time
    late in a run by its rate over sqrt(1 - beta2), ten times as far as meant: a close-up's
    colors would run away. Here a row moves only in the steps that see it, by about its rate.

    Args:
        values: parameter (N, C).
    """

    def __init__(self, values: Tensor) -> None:
        self._values = values
        # Means, mean squares, and how often a row was seen, one after the other in memory: a
        # step's columns are found in half the time that rows of three would take.
        self._memory = values.new_zeros(2 * values.shape[1] + 1, len(values))

    @torch.no_grad()
    def step(self, gradient: Gradient, rates: Sequence[float]) -> None:
        """Move what has a gradient, each part at its rate.

        The moments are kept as their means over what was seen: m / (1 - beta^n) after n times,
        which the newest moves by (1 - beta) / (1 - beta^n) of the way to itself.
        """
        rows, grad = gradient.rows.long(), across(gradient.grad)  # (R,), (C, R)
        channels = len(grad)
        memory = self._memory.gather(1, rows.expand(len(self._memory), -1))
        mean, square, seen = memory.split([channels, channels, 1])
        seen += 1
        shares = [(1 - beta) / (1 - (seen * math.log(beta)).exp_()) for beta in BETAS]  # (1, R)
        mean.lerp_(grad, shares[0])
        square.lerp_(grad.square(), shares[1])
        self._memory.scatter_(1, rows.expand(len(memory), -1), memory)
        moved = across(gradient.held)
        spread = square.sqrt_().add_(EPSILON)
        parts = [each.split(list(gradient.sizes), 1) for each in (moved, mean, spread)]
        for value, way, by, rate in zip(*parts, rates, strict=False):
            value.addcdiv_(way, by, value=-rate)
        self._values.T.scatter_(1, rows.expand(channels, -1), moved)

    def unmoved(self) -> Tensor:
        """The rows that no step has moved, (N,) bool."""
        return self._memory[-1] == 0

    def kept(self) -> Tensor:
        """What is remembered of each row, (N, 2 C + 1), not copied: 0 at the end if it rests."""
        return self._memory.T

    def restore(self, kept: Tensor) -> None:
        """Remember what `kept` told of a parameter of the same shape.

        Raises:
            ValueError: if it was of another shape.
        """
        if kept.shape != self._memory.T.shape:
            raise ValueError(f"of {len(kept)} rows, not of {len(self._values)}")
        self._memory = kept.to(self._values.device).T.contiguous()
