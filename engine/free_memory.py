"""How much memory a device has left, and what is done when that is too little."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from .errors import JobError

# Who says in torch that the memory is full, without an error of its own for that.
ALLOCATOR = "DefaultCPUAllocator"
PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
RECLAIMED = ("inactive_file", "slab_reclaimable")  # what a group gives back when it has to


def free_bytes(device: torch.device) -> int | None:
    """Memory that `device` has left for this process; None if nobody says.

    A processor's is the machine's, or what is left to the process's control groups (version 2).
    macOS does not say what it would give back: there it is all that the machine has.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    match sys.platform:
        case "linux":
            return _free_on_linux()
        case "win32":
            return _free_on_windows()
        case "darwin":
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _free_on_linux() -> int | None:
    try:
        lines = (PROC / "meminfo").read_text().splitlines()
        (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return min([int(available) * 1024, *_left_to_groups()])
    except (OSError, ValueError):
        return None


def _left_to_groups() -> Iterator[int]:
    """What each control group that holds this process, and has a limit, has left."""
    lines = (PROC / "self" / "cgroup").read_text().splitlines()
    for own in (line.removeprefix("0::/") for line in lines if line.startswith("0::/")):
        for part in (Path(own), *Path(own).parents):
            group = CGROUPS / part
            try:
                limit = int((group / "memory.max").read_text())
                stat = dict(line.split() for line in (group / "memory.stat").open())
                used = int((group / "memory.current").read_text())
            except (OSError, ValueError):  # no such file, or "max"
                continue
            yield limit - used + sum(int(stat.get(name, 0)) for name in RECLAIMED)


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total_physical", ctypes.c_uint64),
        ("free_physical", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("free_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("free_virtual", ctypes.c_uint64),
        ("free_extended_virtual", ctypes.c_uint64),
    )


def _free_on_windows() -> int | None:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - on Windows alone
    return status.free_physical if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def is_full(error: RuntimeError | MemoryError) -> bool:
    """Whether there was too little memory."""
    named = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return named or ALLOCATOR in str(error)


def give_back() -> None:
    """Return to the system what nobody holds any more; the GNU C library keeps much of it."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)


def peak_bytes(device: torch.device) -> int:
    """Of the device where torch counts them, else of this process; 0 if nobody does."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    # `getrusage` would count what the process that started this one had, such as Blender.
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextmanager
def enough_memory(device: torch.device) -> Iterator[None]:
    """Tell as a JobError that the memory of `device` is full."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_full(error):
            raise
        said = str(error).splitlines() or ["no room for Python"]
        larger = "" if device.type == "cpu" else ", or device CPU"
        raise JobError(
            f"Device {device}",
            f"its memory is full ({said[0]})",
            f"Choose a faster preset or a smaller texture{larger}, or close other programs",
        ) from error
