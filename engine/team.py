"""Who shares the work of a run, as the run sees it: one process alone has all of it.

Needs the standard library alone; what several processes say to each other is in `workers`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from .errors import JobError


class Team:
    """One process that works alone.

    Attributes:
        rank: of this process, from 0; the first one writes the files and the messages.
        size: processes in all.
    """

    rank = 0
    size = 1

    def places(self, views: int) -> range:
        """Which of the `views` of a step, counted from 0, are for this process."""
        return range(self.rank, views, self.size)

    def device(self, kind: torch.device) -> torch.device:
        """The device of that kind that this process has for itself.

        Raises:
            JobError: if there are not enough of them.
        """
        return kind

    def sum_(self, tensors: Iterable[torch.Tensor]) -> None:
        """Make each of `tensors`, which have the same shapes everywhere, the sum of all."""

    def most(self, numbers: Sequence[int]) -> Sequence[int]:
        """Of each of `numbers` the largest that a process has."""
        return numbers

    def first(self, told: bytes) -> bytes:
        """What the first process tells."""
        return told

    def part(self) -> None:
        """Say good-bye: each process goes on alone."""

    def leave(self, error: JobError) -> None:
        """Tell the others why this process ends."""


ALONE = Team()


def rank_and_size() -> tuple[int, int]:
    """Of this process among those that torchrun has started; (0, 1) where it has not."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def processes_here() -> int:
    """How many of them share this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
