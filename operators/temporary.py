"""Folders for a while, in Blender's temporary folder, which may be cleared in a long session."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from ..engine.errors import JobError


@contextmanager
def temporary_folder(prefix: str = "") -> Iterator[Path]:
    """A new folder whose name begins with `prefix`; it goes with all that is in it.

    Raises:
        JobError: if it cannot be made.
    """
    parent = bpy.app.tempdir or tempfile.gettempdir()
    try:
        Path(parent).mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise JobError(
            f"Temporary folder {parent!r}",
            f"nothing can be written to it ({error.strerror})",
            "Free some space there, or choose another in Blender's preferences (File Paths)",
        ) from error
    with folder as name:
        yield Path(name)
