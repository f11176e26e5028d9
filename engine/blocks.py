"""Long tensors in blocks: what is under way at once bounds the memory that it takes."""

from __future__ import annotations

from collections.abc import Iterator


def blocks(count: int, length: int) -> Iterator[slice]:
    """Slices that cut `count` items into runs of `length` at most."""
    return (slice(i, min(i + length, count)) for i in range(0, count, length))
