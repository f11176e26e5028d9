"""The same work on several parts at once, each by a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import TypeVar

import torch

from .pools import pool

MOST = 4  # parts at once: each has memory of its own
Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(device: torch.device) -> int:
    """How many parts are under way at once on `device`: a GPU does one after the other anyhow."""
    return min(torch.get_num_threads(), MOST) if device.type == "cpu" else 1


def side_by_side(
    work: Callable[[Item], Result], items: Iterable[Item], device: torch.device
) -> Generator[Result, None, None]:
    """What `work` gives for each of `items`, in their order.

    What it raises is raised when its result is due. To be closed: until then threads may go on.

    Args:
        work: computes on `device`, and changes nothing that another call of it uses.
        items: asked for by the caller's thread, at most MOST ahead of the results.
        device: as of `at_once`.
    """
    workers = at_once(device)
    if workers == 1:
        yield from map(work, items)
        return
    under_way = deque[Future[Result]]()
    with pool("side by side", workers, torch.get_num_threads() // workers) as crew:
        for item in items:
            under_way.append(crew.submit(work, item))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
