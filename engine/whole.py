"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def part_of(file: Path) -> Path:
    """The file beside `file` that is written first."""
    return file.with_name(file.name + ".part")


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """What to write to instead of `file`: it takes the place of that if all goes well."""
    yield part_of(file)
    part_of(file).replace(file)
