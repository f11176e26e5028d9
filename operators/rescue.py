"""A painting that Blender could not take over: hours of work, kept where the artist finds it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..engine.errors import JobError
from . import engine_python


def rescued(files: Sequence[Path], error: Exception) -> JobError:
    """Move `files` out of the run's folder, which goes, into a new one of the user's.

    Returns:
        What to tell of `error`, and of that folder, or why there is none.
    """
    told = error
    if not isinstance(told, JobError):
        why = f"it cannot be brought into Blender ({type(error).__name__}: {error})"
        told = JobError("Painting", why, "Free some memory and some space, and run it again")
    try:
        user_folder = engine_python.user_folder(create=True)
        folder = Path(tempfile.mkdtemp(prefix="painted_", dir=user_folder))
        for file in files:
            shutil.move(file, folder)
        after = f"What was painted is kept in {str(folder)!r}"
    except (OSError, JobError) as lost:
        after = f"What was painted is lost ({lost})"
    return JobError(told.what, told.why, f"{told.cure}. {after}")
