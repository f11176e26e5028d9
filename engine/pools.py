"""Threads for what is to go on side by side, each with its share of the processor's cores.

Within an operation torch's own threads share what is long enough. Sorting, searching and all that
is short use one of them, while the others wait to be woken; so several operations at once, with
fewer threads each, use the cores better than one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch


@contextmanager
def pool(name: str, workers: int, threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that work until it ends; what has not begun by then is dropped, the rest waited for.

    Args:
        name: that theirs begin with.
        workers: how many, at least 1.
        threads: that torch uses for each operation of one of them, at least 1.
    """
    before = torch.get_num_threads()
    # It holds for the thread that says it, and for those that come to be later.
    executor = ThreadPoolExecutor(workers, name, torch.set_num_threads, (threads,))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
        torch.set_num_threads(before)
