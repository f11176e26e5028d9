"""The oldest Python and PyTorch that the engine runs on. An older Python can read this file too."""

from __future__ import annotations

import re
import sys

from .errors import JobError

PYTHON, TORCH = (3, 11), (2, 5)


def check(name: str, version: str, oldest: tuple[int, int]) -> None:
    """Raise JobError if `version` of `name`, such as `2.9.1+cu128`, is older than `oldest`."""
    major, minor = (int(number) for number in re.findall(r"\d+", version)[:2])
    if (major, minor) < oldest:
        raise JobError(
            f"Engine Python {sys.executable!r}",
            f"it has {name} {version}, and the engine needs {oldest[0]}.{oldest[1]} or later",
            f"Install a later {name} for it, or name another Python in the add-on's preferences or"
            " in STYLE_TRANSFER_3D_PYTHON",
        )
