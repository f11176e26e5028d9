"""Runs that did not come to their end: the last one's checkpoint is kept for the same run again.

A run of the same job paints the same texture, so going on from there only saves time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ..engine.errors import JobError
from .engine_python import user_folder

_CHECKPOINT = Path("result") / "checkpoint.pt"


def name_of(folder: Path) -> str:
    """What tells the job in `folder` from all others: a hash of its files, in hexadecimal."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        name = os.fsencode(file.relative_to(folder).as_posix())  # which may be no text
        digest.update(name + f"\n{content}\n".encode())
    return digest.hexdigest()


def take_up(folder: Path, name: str) -> None:
    """Give the job in `folder` the checkpoint that a run of the same `name` has left, if any."""
    with suppress(OSError):
        kept = _folder() / f"{name}.pt"
        if kept.is_file():
            (folder / _CHECKPOINT).parent.mkdir(exist_ok=True)
            shutil.move(kept, folder / _CHECKPOINT)


def keep(folder: Path, name: str) -> None:
    """Keep the checkpoint in `folder`, if there is one, and none of an earlier run.

    A run that has its result has none. Where it cannot be kept, the next run starts anew.
    """
    with suppress(OSError, JobError):
        if not (folder / _CHECKPOINT).is_file():
            return
        user_folder(create=True)
        shutil.rmtree(_folder(), ignore_errors=True)
        _folder().mkdir()
        shutil.move(folder / _CHECKPOINT, _folder() / f"{name}.pt")


def _folder() -> Path:
    return user_folder() / "unfinished"
