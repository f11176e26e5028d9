"""Which builds of PyTorch fit this machine, and where they come from. No bpy in here."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

KINDS = {
    "AUTO": "What fits this machine's graphics card, else the build for the processor",
    "CPU": "For the processor: the smallest download and the slowest to paint, runs everywhere",
    "CUDA": "For NVIDIA cards: several gigabytes to download, and many times as fast",
    "ROCM": "For AMD cards on Linux: several gigabytes to download, and many times as fast",
}
INDEX = "https://download.pytorch.org/whl/"
# What nvidia-smi is asked for, one line a card.
CUDA_QUESTION = ("nvidia-smi", "--query-gpu=driver_version,compute_cap", "--format=csv,noheader")
_CUDA_13_DRIVER = 580  # the oldest that runs builds for CUDA 13
_TURING = 7.5  # the oldest cards that builds for CUDA 12.8 and later know


def detect() -> str:
    """The kind that fits this machine: CPU, CUDA or ROCM. Looks at files, starts nothing."""
    if sys.platform == "darwin":
        return "CPU"
    if shutil.which("nvidia-smi") or _has_cuda_driver():
        return "CUDA"
    amd = Path("/dev/kfd").exists() or Path("/opt/rocm").is_dir()
    return "ROCM" if sys.platform == "linux" and amd else "CPU"


def _has_cuda_driver() -> bool:
    if sys.platform == "win32":
        root = os.environ.get("SYSTEMROOT", r"C:\Windows")
        return Path(root, "System32", "nvcuda.dll").is_file()
    return Path("/proc/driver/nvidia/version").is_file()


def index(kind: str, cards: list[str]) -> str | None:
    """The address of PyTorch's own package index for `kind`; None for the default index.

    Args:
        kind: CPU, CUDA or ROCM.
        cards: what CUDA_QUESTION got for an answer, empty if nothing.
    """
    if sys.platform == "darwin":
        return None
    return INDEX + {"CPU": "cpu", "CUDA": _cuda(cards), "ROCM": "rocm7.2"}[kind]


def _cuda(cards: list[str]) -> str:
    """The build that the oldest card and the driver can run."""
    known = [card for line in cards if (card := _card(line))]
    if not known:
        return "cu128"  # the widest: cards from 2018 to 2025, drivers from 2023 on
    driver, oldest = min(d for d, _ in known), min(c for _, c in known)
    if oldest < _TURING:
        return "cu126"
    return "cu130" if driver >= _CUDA_13_DRIVER else "cu128"


def _card(line: str) -> tuple[int, float] | None:
    """Driver and compute capability, from such as `580.95.05, 8.9`."""
    driver, _, capability = line.partition(",")
    try:
        return int(driver.split(".")[0]), float(capability)
    except ValueError:
        return None
