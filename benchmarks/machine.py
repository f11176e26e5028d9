"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from engine.backbone import fast_format


def describe() -> dict[str, str | int | float]:
    """Processor, memory and versions; nothing that says whose machine it is."""
    return {
        "processor": _field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": os.cpu_count() or 0,
        "threads of torch": torch.get_num_threads(),
        "VGG computes in": str(fast_format(torch.device("cpu"))).removeprefix("torch."),
        "memory, GB": round(int(_field(Path("/proc/meminfo"), "MemTotal")[:-3] or 0) / 2**20, 1),
        "system": platform.system(),
        "Python": platform.python_version(),
        "torch": torch.__version__,
    }


def _field(file: Path, name: str) -> str:
    """The value of the first line `name: value` of a file of Linux'; else ''."""
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""
