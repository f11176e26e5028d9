"""What is free and what was needed is told; so is a memory that is full, and no other failure."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine import free_memory
from engine.errors import JobError
from engine.free_memory import enough_memory, free_bytes, is_full

CPU = torch.device("cpu")
MEMINFO = "MemTotal: 9000000 kB\nMemFree: 1000 kB\nMemAvailable: 5000000 kB\n"
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


@pytest.fixture
def linux(monkeypatch, tmp_path):
    """A machine with 5 GB left; gives the folder of the process's group, `outer/inner`."""
    monkeypatch.setattr(free_memory.sys, "platform", "linux")
    monkeypatch.setattr(free_memory, "PROC", tmp_path)
    monkeypatch.setattr(free_memory, "CGROUPS", tmp_path / "groups")
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "cgroup").write_text("4:memory:/old\n0::/outer/inner\n")
    inner = tmp_path / "groups" / "outer" / "inner"
    inner.mkdir(parents=True)
    return inner


def limit(group, most: object, used: int, reclaimed: int = 0) -> None:
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon {used - reclaimed}\ninactive_file {reclaimed}\n")


def test_linux_tells_what_is_available(linux) -> None:
    assert free_bytes(CPU) == 5_000_000 * 1024
    limit(linux, "max", 10)
    assert free_bytes(CPU) == 5_000_000 * 1024


def test_each_group_around_the_process_has_its_say(linux) -> None:
    limit(linux, 2_000_000_000, 500_000_000)
    assert free_bytes(CPU) == 1_500_000_000
    limit(linux.parent, 1_000_000_000, 600_000_000, 200_000_000)
    assert free_bytes(CPU) == 600_000_000


def test_where_nobody_tells_it_is_unknown(linux, monkeypatch) -> None:
    (free_memory.PROC / "meminfo").unlink()
    assert free_bytes(CPU) is None
    monkeypatch.setattr(free_memory.sys, "platform", "sunos5")
    assert free_bytes(CPU) is None


def test_this_machine_tells() -> None:
    free = free_bytes(CPU)
    assert free is None or free > 2**24


def test_too_large_a_tensor_is_told_with_a_cure() -> None:
    told = r"Device cpu: its memory is full \(.*close other"
    with pytest.raises(JobError, match=told), enough_memory(CPU):
        torch.empty(1 << 56, dtype=torch.uint8)


def test_each_device_has_words_of_its_own_for_that() -> None:
    said = RuntimeError("DefaultCPUAllocator: can't allocate")
    assert all(is_full(error) for error in (torch.OutOfMemoryError(), said))
    assert not is_full(RuntimeError("shapes cannot be multiplied"))


def test_python_itself_may_run_out() -> None:
    with pytest.raises(JobError, match="its memory is full"), enough_memory(CPU):
        bytearray(1 << 62)


def test_other_failures_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), enough_memory(CPU):
        torch.ones(2, 3) @ torch.ones(2, 3)
