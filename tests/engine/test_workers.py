"""Several processes: they paint what one paints with as many views a step, and end together."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from engine.backbone import BUNDLED, Backbone, Weights
from engine.checkpoint import Checkpoint
from engine.critic import LAYERS
from engine.job import Job
from engine.painting import Painting
from engine.picture import read_picture, write_picture
from engine.schedule import schedule
from engine.settings import Settings
from engine.start import views_of_step
from engine.state import State
from engine.stylize import optimise, prepare
from engine.team import ALONE
from tests.engine.images import pixels
from tests.engine.jobs import save_job
from tests.engine.processes import Outcome, started, steps_of

CPU = torch.device("cpu")
SCRIPT = Path(__file__).with_name("in_a_team.py")
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
VIEWS, STEPS = 2, 9
pytestmark = pytest.mark.usefixtures("tiny")


def outcome(process: subprocess.Popen, folder: Path, before: list[dict]) -> Outcome:
    """What the process said `before` and says until it ends."""
    said, errors = process.communicate(timeout=100)
    messages = [json.loads(line) for line in said.splitlines()]
    return Outcome(process.returncode, before + messages, errors, folder)


def listen(process: subprocess.Popen, step: int) -> list[dict]:
    """What the process says until it has done that step."""
    messages: list[dict] = []
    while step not in steps_of(messages):
        messages.append(json.loads(process.stdout.readline()))
    return messages


def error_of(ended: Outcome) -> dict:
    """The one error, which is the last that was said."""
    assert ended.code != 0
    assert [m["type"] for m in ended.messages].count("ERROR") == 1, ended.errors
    return ended.messages[-1]


def begin(folder: Path, network: Backbone) -> tuple[Job, Painting, State]:
    """One process, before the first step."""
    job = Job.load(folder)
    painting = prepare(job, [read_picture(job.style.file)], CPU)
    return job, painting, State(job.settings, painting, network, VIEWS)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """As the processes have it."""
    return Backbone(Weights("VGG16", BUNDLED), LAYERS).swift()


@pytest.fixture(scope="module")
def painted(tmp_path_factory) -> Outcome:
    """By two processes; the style's features are drawn by chance, from a start by chance."""
    parts = {"style_loss": "SLICED_WASSERSTEIN", "start": "NOISE"}
    folder = save_job(tmp_path_factory.mktemp("job") / "job", steps=STEPS * VIEWS, **parts)
    with started(*TORCHRUN, SCRIPT, folder) as process:
        return outcome(process, folder, [])


@pytest.mark.timeout(150)
def test_two_processes_paint_what_one_paints(painted, backbone, tmp_path) -> None:
    assert painted.messages[-1]["type"] == "DONE", painted.errors
    job, painting, state = begin(painted.folder, backbone)
    *_, last = optimise(job, painting, backbone, state)
    assert last.step == STEPS
    write_picture(painting.bake(job.texture_shapes[0]), tmp_path / "alone.png")
    alone = pixels(tmp_path / "alone.png")
    assert torch.allclose(pixels(painted.folder / "result" / "texture.png"), alone, atol=1.1 / 255)
    told = [m for m in painted.messages if m["type"] == "PROGRESS"][-1]
    assert told["losses"] == pytest.approx(last.losses, rel=1e-3)


@pytest.mark.timeout(150)
def test_the_first_alone_tells(painted) -> None:
    assert painted.code == 0
    assert steps_of(painted.messages) == list(range(1, STEPS + 1))
    assert [m["type"] for m in painted.messages].count("DONE") == 1
    report = json.loads((painted.folder / "result" / "report.json").read_text())
    assert (report["steps"], report["views_per_step"]) == (STEPS, VIEWS)
    assert "Process 1" not in painted.errors


@pytest.mark.timeout(150)
def test_when_one_is_killed_all_end_and_one_process_goes_on(painted, backbone, tmp_path) -> None:
    folder = tmp_path / "job"
    shutil.copytree(painted.folder, folder, ignore=shutil.ignore_patterns("result"))
    with started(*TORCHRUN, SCRIPT, folder) as process:
        before = listen(process, 5)
        os.kill(int((tmp_path / "1.pid").read_text()), signal.SIGKILL)
        began = time.monotonic()
        error = error_of(outcome(process, folder, before))
        assert time.monotonic() - began < 40
    assert error["what"] == "Team of 2 processes"
    assert "lost" in error["why"]
    job, painting, state = begin(folder, backbone)
    Checkpoint(folder / "result", job, "VGG16", list[dict]().append).resume(state)
    assert 4 <= state.done < STEPS
    for _ in optimise(job, painting, backbone, state):
        pass
    write_picture(painting.bake(job.texture_shapes[0]), tmp_path / "alone.png")
    both = pixels(painted.folder / "result" / "texture.png")
    assert torch.allclose(both, pixels(tmp_path / "alone.png"), atol=1.1 / 255)


@pytest.mark.timeout(150)
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no way to halt a process here")
def test_one_that_does_not_answer_is_not_waited_for_for_ever(tmp_path) -> None:
    """Without torchrun, which would wait for what is halted."""
    folder = save_job(tmp_path / "job", steps=100_000)
    with socket.create_server(("localhost", 0)) as free:
        port = str(free.getsockname()[1])
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    command = (sys.executable, SCRIPT, "--patience=5", folder)
    with (
        started(*command, RANK="0", **place) as first,
        started(*command, RANK="1", **place) as other,
    ):
        before = listen(first, 2)
        other.send_signal(signal.SIGSTOP)
        error = error_of(outcome(first, folder, before))
    assert error["what"] == "Team of 2 processes"
    assert (folder / "result" / "checkpoint.pt").is_file()


@pytest.mark.timeout(150)
def test_why_another_left_is_told_by_the_first(painted, tmp_path) -> None:
    other = save_job(tmp_path / "other", seed=6)
    folder = tmp_path / "job"
    shutil.copytree(painted.folder, folder, ignore=shutil.ignore_patterns("result"))
    with started(*TORCHRUN, SCRIPT, "--others", other, folder) as process:
        ended = outcome(process, folder, [])
    assert error_of(ended)["what"] == "Process 1"
    assert "Process 1: Process 1: its job" in ended.errors


@pytest.mark.timeout(150)
def test_cancel_reaches_all(tmp_path) -> None:
    folder = save_job(tmp_path / "job", steps=100_000)
    with started(*TORCHRUN, SCRIPT, folder) as process:
        before = listen(process, 2)
        process.stdin.write("cancel\n")
        process.stdin.flush()
        ended = outcome(process, folder, before)
    assert ended.messages[-1] == {"type": "STATUS", "text": "Cancelled"}
    assert (folder / "result" / "checkpoint.pt").is_file()
    assert "exitcode  : 3" in ended.errors


def test_a_step_sees_no_more_views_than_there_are(tmp_path) -> None:
    job = Job.load(save_job(tmp_path / "job", view_count=3))
    assert [views_of_step(job, asked, ALONE) for asked in (1, 2, 9)] == [1, 2, 3]


def test_more_views_a_step_are_as_many_times_fewer_steps(tmp_path) -> None:
    settings = Settings(preset="STANDARD")
    one, three = ([s.steps for s in schedule(settings, views)] for views in (1, 3))
    assert len(one) == len(three)
    assert sum(three) == sum(one) / 3
    assert all(abs(few - many / 3) <= 1 for few, many in zip(three, one, strict=True))
