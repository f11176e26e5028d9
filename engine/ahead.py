"""What comes next is made while what is there is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import TypeVar

import torch

from .pools import pool

Item = TypeVar("Item")


def ahead(items: Iterator[Item], count: int) -> Generator[Item, None, None]:
    """The same items, of which up to `count` are made before they are asked for, by a thread.

    What making one raises is raised when it is asked for. To be closed: until then the thread may
    go on.

    Args:
        items: none of them is None.
        count: at least 1.
    """
    # The caller works meanwhile, with all threads that torch has.
    with pool("ahead", 1, max(1, torch.get_num_threads() // 2)) as maker:
        coming = deque(maker.submit(next, items, None) for _ in range(count))
        while (item := coming.popleft().result()) is not None:
            coming.append(maker.submit(next, items, None))
            yield item
            del item
