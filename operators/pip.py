"""What pip says, in words for artists: how far it is, and why it failed. No bpy in here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..engine.errors import JobError
from . import long_paths
from .child import Step
from .needs import ANOTHER_PYTHON

RAW_PROGRESS = (24, 1)  # the first pip that tells its progress in numbers
_MEGA = 1e6
_DISK_FULL = re.compile(r"Errno 28\b|WinError 112\b|No space left on device|Errno 122\b")
_FORBIDDEN = re.compile(r"Errno (?:13|1|30)\]|WinError 5\b|Permission denied|Access is denied")
_UNREACHABLE = re.compile(
    r"connection broken by|Max retries exceeded|NewConnectionError|NameResolutionError"
    r"|ConnectTimeoutError|ReadTimeoutError|ProxyError|IncompleteRead"
)
_NO_MATCH = re.compile(r"No matching distribution found for (\S+)")
_LONG_PATHS = re.compile(r"enable-long-paths")


def version(words: Sequence[str]) -> tuple[int, int]:
    """From what `pip --version` says; (0, 0) if that is not to be understood."""
    found = re.match(r"pip (\d+)\.(\d+)", words[-1]) if words else None
    return (int(found[1]), int(found[2])) if found else (0, 0)


def read(line: str, step: Step) -> Step:
    """What pip is at after a line, given what it was at before."""
    line = line.strip()
    if found := re.fullmatch(r"Progress (\d+) of (\d+)", line):
        done, total = int(found[1]), int(found[2])
        name = step.text.partition(":")[0]
        size = f"{done / _MEGA:.0f} of {total / _MEGA:.0f} MB"
        return Step(f"{name}: {size}", min(done / total, 1.0) if total else 0.0)
    if found := re.match(r"Collecting ([\w.-]+)", line):
        return Step(f"Looking for {found[1]}")
    if found := re.match(r"(?:Downloading|Using cached) (\S+)", line):
        return Step(f"Downloading {_package(found[1])}")
    if line.startswith("Installing collected packages"):
        return Step("Unpacking, which takes some minutes")
    return step


def _package(address: str) -> str:
    """`torch` from such as `https://…/torch-2.9.0%2Bcpu-cp311-….whl.metadata`."""
    return address.rpartition("/")[2].partition("-")[0]


def is_the_machines(lines: Sequence[str]) -> bool:
    """Whether pip failed for a reason that another package index cannot mend."""
    text = "\n".join(lines)
    return bool(_DISK_FULL.search(text) or _FORBIDDEN.search(text) or _LONG_PATHS.search(text))


def failure(lines: Sequence[str], folder: Path, log: Path) -> JobError:
    """Why pip failed.

    Args:
        lines: all that it said.
        folder: where it installs.
        log: the file that keeps what it said.
    """
    text = "\n".join(lines)
    what, see = "PyTorch", f"All that pip said is in {str(log)!r}"
    if _DISK_FULL.search(text):
        why = f"there is no room for it in {str(folder)!r}"
        return JobError(what, why, f"Free some gigabytes there and install again. {see}")
    if found := _FORBIDDEN.search(text):
        why = f"it may not be written to {str(folder)!r} ({found[0].rstrip(']')})"
        return JobError(what, why, f"Check the folder's permissions and install again. {see}")
    if _LONG_PATHS.search(text):
        error = long_paths.too_long(folder)
        return JobError(what, error.why, f"{error.cure}. {see}")
    if _UNREACHABLE.search(text):
        why = "the package index cannot be reached, or the connection broke off"
        cure = "Check the network (pip's own settings for proxies hold) and install again"
        return JobError(what, why, f"{cure}. {see}")
    if found := _NO_MATCH.search(text):
        why = f"the package index has no {found[1]!r} for Blender's Python on this machine"
        return JobError(what, why, f"Name {ANOTHER_PYTHON}. {see}")
    why = f"it could not be installed ({last_words(lines)})"
    return JobError(what, why, f"Install again. {see}")


def last_words(lines: Sequence[str]) -> str:
    """The last line that means something: pip's last error, else whatever it said last."""
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if line.startswith("ERROR:")]
    return (errors or said or ["it said nothing"])[-1].removeprefix("ERROR:").strip()[:200]
