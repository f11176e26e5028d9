"""One Blender at a time changes what the extension has installed and fetched. No bpy in here.

The system itself holds the lock, so that a Blender that is gone holds none.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..engine.errors import JobError
from .child import Steps

LOCK = "lock"
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


def steps_alone(folder: Path, name: str, steps: Steps) -> Steps:
    """`steps`, with the lock in `folder` from the first to the last; raises as `alone` does."""
    with alone(folder, name):
        return (yield from steps)


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock in `folder` meanwhile.

    Raises:
        JobError: about `name`, if another process holds it or it cannot be made.
    """
    file = folder / LOCK
    try:
        stream = file.open("a")
    except OSError as error:
        why = f"nothing can be written to {str(folder)!r} ({error.strerror})"
        raise JobError(
            name, why, "Check that you may write there and that there is room"
        ) from error
    with stream:
        if not _take(stream.fileno()) or not _is(file, stream.fileno()):
            why = "another Blender is installing, fetching or removing something"
            raise JobError(name, why, "Wait until that is done, or cancel it there")
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps what is open
                file.unlink()


def _is(file: Path, descriptor: int) -> bool:
    """Whether that file is still the one at its place, and not one that was taken away."""
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _take(descriptor: int) -> bool:
    """Lock that file until it is closed; False if another process has. Some disks know no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - on Windows alone

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - everywhere else

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _HELD
    return True
