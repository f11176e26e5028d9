"""What is measured in a process of its own: the peak of a process cannot be reset."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from engine.free_memory import peak_bytes

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 600.0  # seconds


def run_child(name: str, *arguments: object) -> dict[str, Any]:
    """What the module `name` beside this one tells at its end, run with `arguments`.

    Raises:
        RuntimeError: with what it said, if it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.children.{name}", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"benchmark {name} failed: {done.stderr or done.stdout}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def peak() -> int:
    """Bytes that this process has needed at the most."""
    return peak_bytes(torch.device("cpu"))


def resident() -> int:
    """Bytes that this process has now; where only the peak is known, that."""
    if sys.platform != "linux":
        return peak()
    pages = Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]
    return int(pages) * resource.getpagesize()
