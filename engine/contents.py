"""What files that somebody else made may hold: looked at before they are read."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from pickle import UnpicklingError
from struct import error as StructError
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

LARGEST_TEXT = 1 << 24  # bytes of a JSON file, which holds no more than numbers and names
# What torch.load raises over a file that was made by nobody for this purpose, and what is raised
# by looking into its archive before.
UNLOADABLE = (
    OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError,
    ImportError, AssertionError, ArithmeticError, MemoryError, SyntaxError, UnpicklingError,
    StructError, BadZipFile, zlib.error,
)  # fmt: skip


def read_json(file: Path) -> Any:
    """What a JSON file says.

    Raises:
        OSError, ValueError, RecursionError: if it says nothing, or too much.
    """
    size = file.stat().st_size
    if size > LARGEST_TEXT:
        raise ValueError(f"its {file.name!r} has {size} bytes instead of {LARGEST_TEXT} at most")
    return json.loads(file.read_text(encoding="utf-8"))


def is_file(path: Path) -> bool:
    """Whether there is a file of that name, even if there cannot be one."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or of letters that no file name has
        return False


def check_links(folder: Path) -> None:
    """Raise ValueError if `folder` holds a link out of it, or a pipe or device.

    So that what is read and written in there stays in there, and reading it comes to an end.
    """
    root = folder.resolve()
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise ValueError(f"its link {name!r} leads out of the folder")
        if not (path.is_file() or path.is_dir()):
            raise ValueError(f"its {name!r} is neither a file nor a folder")


def check_packed(file: Path) -> None:
    """Raise ValueError if the zip archive `file` unpacks to more than it is: a bomb.

    Neither numpy nor torch compresses what it saves.

    Raises:
        OSError, BadZipFile, RuntimeError: also, if it is none.
    """
    with ZipFile(file) as archive:
        entries = archive.infolist()
    stored = all(entry.compress_type == ZIP_STORED for entry in entries)
    if not stored or sum(entry.file_size for entry in entries) > file.stat().st_size:
        raise ValueError(f"its {file.name!r} unpacks to more than it is")
