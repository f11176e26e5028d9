"""How the C library deals with memory that torch frees."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .free_memory import give_back

# What <malloc.h> of the GNU C library calls them, and what they are at its start.
M_TRIM_THRESHOLD, TRIM_THRESHOLD = -1, 128 * 1024  # bytes
M_MMAP_MAX, MMAP_MAX = -4, 65536  # blocks
NEVER = -1


@contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """Keep freed memory in this process for so long, rather than give it back to the system.

    Each step frees as many large tensors as it makes. By default the GNU C library returns each
    to the system, which clears every page before it gives it out again.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:  # another C library, with ways of its own
        yield
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        mallopt(M_MMAP_MAX, MMAP_MAX)
        mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD)
        give_back()
