"""Freed memory stays with the process for as long as that is asked for."""

import resource
import sys
from pathlib import Path

import pytest
import torch

from engine.allocator import keeping_freed_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="another C library")
SIZE = 1 << 24  # floats


def pages_cleared(rounds: int = 20) -> int:
    """By the system, for tensors that are made and freed one after the other."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        torch.ones(SIZE)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident() -> int:
    """Bytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize()


def test_pages_are_used_again() -> None:
    usually = pages_cleared()
    with keeping_freed_memory():
        assert pages_cleared() < usually / 2


def test_all_is_given_back_at_the_end() -> None:
    before = resident()
    with keeping_freed_memory():
        torch.ones(SIZE)
    assert resident() < before + SIZE  # a quarter of what was asked for
