"""Arithmetic progressions of integers, laid one after the other without a loop.

Sums of differences: several times as fast as to look up which progression each element is of.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Progressions(NamedTuple):
    """How many elements each progression has.

    Attributes:
        counts: (S,) int64, >= 0.
        before: (S,) int64, elements of those before.
        total: N, elements of all.
    """

    counts: Tensor
    before: Tensor
    total: int

    @classmethod
    def of(cls, counts: Tensor) -> Progressions:
        """Lay out progressions of so many elements (S,) int64 each."""
        until = counts.cumsum(0)
        return cls(counts, until - counts, int(until[-1]) if len(until) else 0)

    def in_steps(self, first: Tensor, step: int) -> Tensor:
        """Elements (N,) int64 of progressions that start at `first` (S,) and go on by `step`."""
        out = first.new_full((self.total + 1,), step)
        ahead = torch.sub(first, self.before, alpha=step)  # of steps from 0 on
        out.scatter_add_(0, self.before, torch.diff(ahead, prepend=first.new_full((1,), step)))
        return out.cumsum_(0)[:-1]

    def in_own_steps(self, first: Tensor, steps: Tensor) -> Tensor:
        """The same where each progression has a step of its own, (S,) int64."""
        out = first.new_zeros(self.total + 2)
        none = out[:1].clone()
        out[1:].scatter_add_(0, self.before, torch.diff(steps, prepend=none))
        out.cumsum_(0)  # the step that leads from each element to the next
        after = torch.addcmul(first, steps, self.counts)
        out.scatter_add_(0, self.before, first - torch.cat((none, after[:-1])))
        return out.cumsum_(0)[:-2]
