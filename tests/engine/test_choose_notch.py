"""Where the memory does not suffice, a run goes on with less, and says so."""

from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from engine import checkpoint, choose_notch
from engine.checkpoint import Checkpoint
from engine.critic import Critic
from engine.errors import JobError
from engine.job import Job
from engine.needed_memory import Sizes, needed
from engine.picture import read_picture
from engine.run import Wishes, run
from engine.schedule import notches
from engine.settings import PRESETS, Preset
from engine.state import State
from engine.stylize import optimise, prepare
from engine.team import ALONE, Team
from tests.engine.jobs import save_job

CPU = torch.device("cpu")
SMALL = Preset(scales=(64, 91), steps=(6, 5), close_ups=0, nearer=0, settling=0, views=6)
STEPS = SMALL.all_steps(1024)
SIZE = 256  # texels on a side
LAST = 3  # notch: views of 64 pixels
SOME = 70  # pixels: more than such a view has on a side, and less than a larger one


class Begun(NamedTuple):
    """A job, and what `run` said of it."""

    folder: Path
    said: list[dict]

    def run(self) -> None:
        run(self.folder, self.said.append, Wishes())

    def told(self, kind: str) -> list[str]:
        return [m["text"] for m in self.said if m["type"] == kind]

    @property
    def steps(self) -> list[int]:
        return [m["step"] for m in self.said if m["type"] == "PROGRESS"]

    def sizes(self, notch: int) -> Sizes:
        job = Job.load(self.folder)
        return Sizes.of(job, [read_picture(job.style.file)], "VGG16", notch)

    def fit(self, least: int = 0, team: Team = ALONE) -> int:
        job = Job.load(self.folder)
        picture = read_picture(job.style.file)
        return choose_notch.choose_notch(
            job, [picture], "VGG16", CPU, least, team, self.said.append, places=1
        )


@pytest.fixture(autouse=True)
def small(monkeypatch, few_small_views) -> None:
    monkeypatch.setitem(PRESETS, "DRAFT", SMALL)
    monkeypatch.setattr(checkpoint, "GAP", 0)
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)


@pytest.fixture
def begun(tmp_path) -> Begun:
    return Begun(save_job(tmp_path / "job", steps=0, texture_size=SIZE), [])


def leave(monkeypatch, free: float | None) -> None:
    """Pretend that the device has `free` bytes left."""
    monkeypatch.setattr(choose_notch, "free_bytes", lambda _device: free)


def full_above(monkeypatch, side: int, error: Exception) -> list[int]:
    """Let no view fit that has a side above `side` pixels; gives the sides of those that did."""
    judge, seen = Critic.judge, []

    def judge_if_it_fits(critic, image, *others):
        if max(image.shape) > side:
            raise error
        seen.append(max(image.shape))
        return judge(critic, image, *others)

    monkeypatch.setattr(Critic, "judge", judge_if_it_fits)
    return seen


@pytest.mark.timeout(120)
def test_less_is_free_than_needed(begun, monkeypatch) -> None:
    monkeypatch.setattr(choose_notch, "needed", lambda sizes: sizes.view * 10**8)
    leave(monkeypatch, 7e9)
    seen = full_above(monkeypatch, SOME, AssertionError("larger than is told"))
    begun.run()
    (warning,) = begun.told("WARN")
    assert warning == (
        "Memory of cpu: about 9.1 GB are needed and 7.0 GB are free: views of 64 pixels instead"
        " of 91, 4 views planned at once instead of 48"
    )
    assert begun.steps == list(range(1, STEPS + 1))
    assert begun.said[-1]["type"] == "DONE"
    assert len(seen) == STEPS


def test_what_is_free_decides(begun, monkeypatch) -> None:
    monkeypatch.setattr(choose_notch, "needed", lambda sizes: sizes.planned)
    some = ((10**12, 0), (5 * 91**2, 0), (5 * 91**2 - 1, 2), (4 * 91**2, 2), (4 * 64**2, LAST))
    for free, notch in some:
        leave(monkeypatch, free)
        assert begun.fit() == notch
    begun.said.clear()
    leave(monkeypatch, None)
    assert begun.fit() == 0
    assert not begun.said


def test_if_nothing_fits_it_says_what_would(begun, monkeypatch) -> None:
    leave(monkeypatch, needed(begun.sizes(LAST)) - 1)
    with pytest.raises(JobError, match=r"are needed at the least.*lose other programs"):
        begun.run()
    monkeypatch.setattr(choose_notch, "needed", lambda sizes: sizes.textures * 1000)
    leave(monkeypatch, (SIZE // 2) ** 2 * 1000)
    with pytest.raises(JobError, match=f"Choose a texture size of {SIZE // 2} at most, or close"):
        begun.run()
    monkeypatch.setattr(choose_notch, "needed", lambda sizes: sizes.near)
    leave(monkeypatch, 1000)
    with pytest.raises(JobError, match="Choose a smaller stroke size, or a style picture that is"):
        begun.run()


def test_a_team_takes_the_notch_of_who_has_least(begun, monkeypatch) -> None:
    class Other(Team):
        def most(self, numbers):
            return [max(number, 2) for number in numbers]

    leave(monkeypatch, 10**12)
    assert begun.fit(team=Other()) == 2
    (warning,) = begun.told("WARN")
    assert "another process" in warning


def test_processes_on_one_machine_share_its_memory(begun, monkeypatch) -> None:
    leave(monkeypatch, needed(begun.sizes(0)))
    assert begun.fit() == 0
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    with pytest.raises(JobError, match="needed at the least"):
        begun.fit()


@pytest.mark.timeout(180)
def test_full_at_a_step_it_goes_on_from_the_checkpoint(begun, monkeypatch) -> None:
    seen = full_above(monkeypatch, SOME, torch.OutOfMemoryError("no room"))
    begun.run()
    warnings = begun.told("WARN")
    assert len(warnings) == LAST
    assert "full, so the run goes on with views of 64 pixels instead of 91" in warnings[-1]
    assert begun.told("STATUS").count("Going on after step 6") == LAST
    assert begun.steps == list(range(1, STEPS + 1))
    assert len(seen) == STEPS
    assert begun.said[-1]["type"] == "DONE"


@pytest.mark.timeout(60)
def test_full_with_no_notch_left_it_ends(begun, monkeypatch) -> None:
    full_above(monkeypatch, 0, MemoryError())
    with pytest.raises(JobError, match="its memory is full"):
        begun.run()
    assert len(begun.told("WARN")) == LAST


def test_other_failures_end_the_run(begun, monkeypatch) -> None:
    full_above(monkeypatch, 0, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="multiplied"):
        begun.run()
    assert not begun.told("WARN")


@pytest.mark.timeout(60)
def test_a_checkpoint_remembers_its_notch(begun, backbone) -> None:
    job = Job.load(begun.folder)
    picture = read_picture(job.style.file)
    painting = prepare(job, [picture], CPU, LAST)
    state = State(job.settings, painting, backbone, notch=LAST)
    next(optimise(job, painting, backbone, state))
    kept = Checkpoint(begun.folder, job, "VGG16", begun.said.append)
    kept.write(state)
    assert kept.notch() == LAST
    assert Checkpoint(begun.folder, job, "VGG19", begun.said.append).notch() == 0
    assert begun.fit(least=kept.notch()) == LAST
    (warning,) = begun.told("WARN")
    assert "goes on as it began: views of 64 pixels" in warning
    assert begun.fit(least=10**9) == len(notches(job.settings)) - 1


@pytest.mark.timeout(60)
def test_lattices_that_smaller_views_leave_out_are_dropped(begun, backbone) -> None:
    """Where texels are so small that the views decide which lattice is the finest."""
    job = Job.load(save_job(begun.folder, steps=0, texture_size=2 * SIZE))
    picture = read_picture(job.style.file)
    painting = prepare(job, [picture], CPU)
    state = State(job.settings, painting, backbone)
    for _ in zip(range(STEPS - 1), optimise(job, painting, backbone, state), strict=False):
        pass
    kept = Checkpoint(begun.folder, job, "VGG16", begun.said.append)
    kept.write(state)
    again = prepare(job, [picture], CPU, LAST)
    state = State(job.settings, again, backbone, notch=LAST)
    kept.resume(state)
    cells = [lattice.cell for lattice in painting.field.lattices]
    assert [lattice.cell for lattice in again.field.lattices] == cells[:-1]
    points = again.original.surface.used_vertices
    assert painting.field.moved(points).max() == 0
    assert again.field.moved(points).max() > 0.5
    *_, last = optimise(job, again, backbone, state)
    assert last.step == STEPS
    assert all(values.isfinite().all() for values in again.field.values)
