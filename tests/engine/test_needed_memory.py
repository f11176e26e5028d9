"""What a run needs is foretold; a memory that is full is told as such, and no other failure."""

from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.children import run_child
from engine import free_memory
from engine.errors import JobError
from engine.free_memory import enough_memory, free_bytes, is_full
from engine.job import Job
from engine.needed_memory import Sizes, needed, parts
from engine.picture import read_picture
from engine.schedule import notches, schedule
from tests.engine.test_main import save_job

CPU = torch.device("cpu")
SIZES = Sizes(
    view=256, planned=24 * 256**2, whole=24 * 256**2, covered=0.5, lattices=10, picture=512**2,
    styles=1, samples=2**20, voxels=240_000, faces=6000, weights=15_000_000, originals=512**2,
    textures=1024**2, largest=1024**2, relief=0,
)  # fmt: skip
MEMINFO = "MemTotal: 9000000 kB\nMemFree: 1000 kB\nMemAvailable: 5000000 kB\n"


@pytest.mark.timeout(300)
def test_what_is_foretold_is_what_a_run_needs(tmp_path) -> None:
    folder = save_job(tmp_path / "job", texture_size=1024)
    told = run_child("peak_of_run", folder, 192, 6)
    assert told["needed"] / 1.5 < told["foretold"] < told["needed"] * 1.5


@given(st.sampled_from([field.name for field in fields(Sizes)]), st.floats(1.01, 8))
def test_what_is_larger_needs_more(name, factor) -> None:
    value = getattr(SIZES, name)
    larger = replace(SIZES, **{name: value + 0.1 if name == "covered" else int(value * factor) + 1})
    assert needed(larger) >= needed(SIZES)
    before, after = parts(SIZES), parts(larger)
    assert all(after[part] >= before[part] for part in before)
    assert sum(after.values()) > sum(before.values())


def test_each_notch_needs_less_for_its_steps(tmp_path) -> None:
    job = Job.load(save_job(tmp_path / "job", preset="HIGH", steps=0))
    pictures = [read_picture(job.style.file)]
    count = len(notches(job.settings))
    steps = [parts(Sizes.of(job, pictures, "VGG16", notch))["steps"] for notch in range(count)]
    assert steps == sorted(set(steps), reverse=True)
    smaller, larger = (needed(Sizes.of(job, pictures, name, 0)) for name in ("VGG16", "VGG19"))
    assert smaller < larger


@pytest.mark.parametrize("preset", ["STANDARD", "HIGH"])
def test_a_run_of_one_step_may_have_no_whole_view(tmp_path, preset) -> None:
    job = Job.load(save_job(tmp_path / "job", preset=preset, steps=1, texture_size=2048))
    assert [scale.zoom > 1 for scale in schedule(job.settings)] == [True]
    assert Sizes.of(job, [read_picture(job.style.file)], "VGG16", 0).whole == 0


def test_a_step_of_many_views_needs_them_all_at_once(tmp_path) -> None:
    job = Job.load(save_job(tmp_path / "job", preset="HIGH", steps=0))
    pictures = [read_picture(job.style.file)]
    one, many = (Sizes.of(job, pictures, "VGG16", 2, places=places) for places in (1, 24))
    largest = max(scale.size for scale in schedule(job.settings, notch=2))
    assert one.planned < many.planned == 24 * largest**2


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
