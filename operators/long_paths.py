"""Whether Windows takes the paths of what is installed: without a switch of its own, only short
ones. No bpy in here."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import PurePath

from ..engine.errors import JobError

LONGEST = 259  # characters of a path that Windows takes without that switch
INSIDE = 140  # of the longest path in the folder that PyTorch is installed in
_KEY = r"SYSTEM\CurrentControlSet\Control\FileSystem"


def are_on() -> bool:
    """Whether that switch is on; on other systems there is none."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - on Windows alone

        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _KEY) as key:
            return winreg.QueryValueEx(key, "LongPathsEnabled")[0] == 1
    return False


def check(folder: PurePath, *, platform: str, on: bool) -> None:
    """Raise JobError if the paths in `folder` get too long.

    Args:
        folder: where PyTorch is to be installed.
        platform: as sys.platform tells it.
        on: what `are_on` tells.
    """
    if platform == "win32" and not on and len(str(folder)) + INSIDE > LONGEST:
        raise too_long(folder)


def too_long(folder: PurePath) -> JobError:
    """What to tell the artist."""
    why = f"Windows takes no paths as long as in {str(folder)!r}"
    return JobError("PyTorch", why, "Turn on long paths in Windows and install again")
