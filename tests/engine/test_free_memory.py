"""What a process has needed is told of this process alone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOLD = """
import torch
from engine.free_memory import peak_bytes
print(peak_bytes(torch.device("cpu")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no such file here")
def test_what_the_starting_process_has_does_not_count() -> None:
    held = bytearray(1 << 30)
    held[::4096] = b"x" * len(held[::4096])  # so that all its pages are there
    child = subprocess.run(
        [sys.executable, "-c", TOLD],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert 1 << 26 < int(child.stdout) < 900 << 20
