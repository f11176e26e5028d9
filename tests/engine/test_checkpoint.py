"""A run that was ended half-way goes on from its checkpoint, and paints the same picture."""

import json
import math
import pickle
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine import checkpoint
from engine.backbone import Backbone
from engine.checkpoint import ELSEWHERE, Checkpoint, digest_of
from engine.job import Job
from engine.painting import Painting
from engine.picture import read_picture, write_picture
from engine.run import Cancelled, Wishes, run
from engine.schedule import schedule
from engine.state import State
from engine.stylize import optimise, prepare
from tests.engine.hostile import Trap
from tests.engine.images import pixels
from tests.engine.jobs import SIZE, job_of, save_job, straight_on
from tests.engine.processes import ROOT, steps_of

CPU = torch.device("cpu")
STEPS = 14
pytestmark = pytest.mark.usefixtures("tiny")
ALWAYS = """
import sys
from engine import __main__, checkpoint, settings
from tests.engine.few_views import measure_by_few
from tests.engine.jobs import TINY
measure_by_few()
settings.PRESETS["DRAFT"] = TINY
checkpoint.GAP, checkpoint.SHARE = 0, 1e9
sys.exit(__main__.main(sys.argv[1:]))
"""  # the engine, with a checkpoint after each step of TINY


def paint(folder: Path, kill_after: int = 0) -> list[dict]:
    """What the engine says until it ends, or until it is killed after a step."""
    messages = []
    with subprocess.Popen(
        [sys.executable, "-c", ALWAYS, str(folder)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        timer = threading.Timer(100, process.kill)
        timer.start()
        for line in process.stdout:
            messages.append(json.loads(line))
            if kill_after and messages[-1].get("step") == kill_after:
                process.kill()
                break
        process.wait(30)
        timer.cancel()
    return messages


@pytest.fixture
def said() -> list[dict]:
    return []


def begin(job: Job, backbone: Backbone) -> tuple[Painting, State]:
    painting = prepare(job, [read_picture(style.file) for style in job.styles], CPU)
    return painting, State(job.settings, painting, backbone)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("loss", ["GRAM", "SLICED_WASSERSTEIN"])
def test_from_any_step_on_it_paints_the_same(pictures, backbone, tmp_path, loss, said) -> None:
    job = job_of(pictures, steps=STEPS, view_count=3, style_loss=loss, start="NOISE")
    assert [scale.zoom for scale in schedule(job.settings)] == [1, 1, 2, 1]
    cuts = (2, 4, 7, 10, 13, STEPS) if loss == "GRAM" else (6, 11)
    painting, state = begin(job, backbone)
    for progress in optimise(job, painting, backbone, state):
        if progress.step in cuts:
            folder = tmp_path / str(progress.step)
            folder.mkdir()
            Checkpoint(folder, job, "VGG16", said.append).write(state)
    texture = painting.bake(job.texture_shapes[0])
    points = painting.original.surface.used_vertices
    for cut in cuts:
        again, state = begin(job, backbone)
        Checkpoint(tmp_path / str(cut), job, "VGG16", said.append).resume(state)
        assert said.pop() == {"type": "STATUS", "text": f"Going on after step {cut}"}
        told = list(optimise(job, again, backbone, state))
        assert [p.step for p in told] == list(range(cut + 1, STEPS + 1))
        assert state.done == STEPS
        assert not told or told[-1].share == progress.share
        assert not told or told[-1].losses == pytest.approx(progress.losses, rel=1e-4)
        assert torch.allclose(again.bake(job.texture_shapes[0]), texture, rtol=0, atol=1e-5)
        assert again.field.moved(points).equal(painting.field.moved(points))
    assert not said


@pytest.mark.timeout(300)
def test_killed_in_a_whole_view_and_in_a_close_up_it_paints_the_same(tmp_path, backbone) -> None:
    killed = save_job(tmp_path / "killed", steps=STEPS)
    job = Job.load(killed)
    *whole, close, _settling = schedule(job.settings)
    close_from = sum(scale.steps for scale in whole)
    assert close.zoom > 1
    paint(killed, kill_after=3)
    again = paint(killed, kill_after=close_from + 1)
    assert 3 < steps_of(again)[0] < close_from
    last = paint(killed)
    assert close_from + 1 < steps_of(last)[0] <= STEPS
    assert steps_of(last)[-1] == STEPS
    assert {"type": "STATUS", "text": f"Going on after step {steps_of(last)[0] - 1}"} in last
    assert last[-1]["type"] == "DONE"
    swift = backbone.swift()
    painting, state = begin(job, swift)
    assert len(list(optimise(job, painting, swift, state))) == STEPS
    write_picture(painting.bake(job.texture_shapes[0]), tmp_path / "whole.png")
    painted = pixels(killed / "result" / "texture.png")
    assert torch.allclose(painted, pixels(tmp_path / "whole.png"), rtol=0, atol=1e-6)
    names = sorted(file.name for file in (killed / "result").iterdir())
    assert names == ["report.json", "texture.png"]
    assert json.loads((killed / "result" / "report.json").read_text())["steps"] == STEPS


@pytest.fixture
def left(pictures, backbone, tmp_path, said) -> tuple[Job, State, Checkpoint, Path]:
    """A job after its first step, and its checkpoint."""
    job = job_of(pictures, steps=STEPS, view_count=3)
    painting, state = begin(job, backbone)
    next(optimise(job, painting, backbone, state))
    written = Checkpoint(tmp_path, job, "VGG16", said.append)
    written.write(state)
    return job, state, written, tmp_path / "checkpoint.pt"


def ignores(written: Checkpoint, state: State, said: list[dict]) -> bool:
    """Whether the state stays as it is, and one WARN says that."""
    state.done = -1
    written.resume(state)
    (warning,) = said
    assert warning["type"] == "WARN"
    assert "it is ignored" in warning["text"]
    said.clear()
    return state.done == -1


def test_a_damaged_file_is_ignored(left, said) -> None:
    _, state, written, file = left
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (b"", b"my notes", whole[:-100], whole[: len(whole) // 2], bytes(flipped)):
        file.write_bytes(content)
        assert ignores(written, state, said)
    file.write_bytes(whole)
    written.resume(state)
    assert state.done == 1


def test_what_another_job_left_is_ignored(left, said) -> None:
    job, state, _, file = left
    for other in (
        replace(job, settings=replace(job.settings, seed=1)),
        replace(job, originals=(job.originals[0] / 2,)),
        replace(job, style=replace(job.style, weight=0.5)),
        replace(job, protected=np.zeros(job.mesh.faces.shape, np.float32)),
    ):
        assert ignores(Checkpoint(file.parent, other, "VGG16", said.append), state, said)
    assert ignores(Checkpoint(file.parent, job, "VGG19", said.append), state, said)
    torch.save([1, 2], file)
    assert ignores(Checkpoint(file.parent, job, "VGG16", said.append), state, said)


def other(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case np.ndarray():
            value = value.copy()
            value.reshape(-1)[-1] += 1
            return value
        case tuple():
            return value[:-1]
        case str():
            return value + "x"
    return value + 1


def others(whole: Any, *left_out: str) -> dict[str, Any]:
    """For each field of a dataclass but for those, the same with another value in it."""
    names = {field.name for field in fields(whole)}
    assert names >= set(left_out)
    return {
        name: replace(whole, **{name: other(getattr(whole, name))}) for name in names - {*left_out}
    }


@pytest.mark.parametrize("part", ["mesh", "view", "style", "second style", "settings", "job"])
def test_whatever_differs_in_another_job_what_it_left_is_ignored(left, said, part) -> None:
    """But for names, and for where the machine has things."""
    job, state, _, file = left
    region = np.zeros(job.mesh.faces.shape, np.float32)
    job = replace(
        job,
        style=replace(job.style, region=region),
        views=(straight_on(),),
        more_styles=(replace(job.style, weight=0.5, region=region),),
        protected=region,
        shapes=((SIZE, SIZE), (SIZE, SIZE // 2)),
    )
    (view,), (second,) = job.views, job.more_styles
    jobs = {
        "mesh": {n: replace(job, mesh=mesh) for n, mesh in others(job.mesh).items()},
        "view": {n: replace(job, views=(one,)) for n, one in others(view, "name").items()},
        "style": {n: replace(job, style=one) for n, one in others(job.style, "file").items()},
        "second style": {
            n: replace(job, more_styles=(one,)) for n, one in others(second, "file").items()
        },
        "settings": {
            n: replace(job, settings=one) for n, one in others(job.settings, *ELSEWHERE).items()
        },
        "job": others(job, "mesh", "style", "settings"),
    }
    Checkpoint(file.parent, job, "VGG16", said.append).write(state)
    for name, changed in jobs[part].items():
        assert ignores(Checkpoint(file.parent, changed, "VGG16", said.append), state, said), name
    Checkpoint(file.parent, job, "VGG16", said.append).resume(state)
    assert said.pop()["type"] == "STATUS"


def test_the_style_counts_by_its_bytes_and_the_machine_does_not(left, tmp_path) -> None:
    job, *_ = left
    before = digest_of(job, "VGG16")
    elsewhere = replace(job.settings, device="CUDA", weights_file="/away/vgg19.pth")
    assert digest_of(replace(job, settings=elsewhere), "VGG16") == before
    moved = tmp_path / "moved.png"
    moved.write_bytes(job.style.file.read_bytes())
    assert digest_of(replace(job, style=replace(job.style, file=moved)), "VGG16") == before
    Image.new("RGB", (64, 64)).save(moved)
    assert digest_of(replace(job, style=replace(job.style, file=moved)), "VGG16") != before


@pytest.mark.parametrize("kind", ["in torch's archive", "bare"])
def test_code_in_a_file_is_not_run(left, said, tmp_path, kind) -> None:
    _, state, written, file = left
    touched = tmp_path / "touched"
    if kind == "bare":
        file.write_bytes(pickle.dumps(Trap(touched)))
    else:
        torch.save({"job": Trap(touched)}, file)
    assert ignores(written, state, said)
    assert not touched.exists()
    with suppress(RuntimeError):  # a bare pickle is no checkpoint, but has run by then
        torch.load(file, weights_only=False)
    assert touched.exists(), "the trap itself is broken"


def test_it_is_written_now_and_then(left, monkeypatch, said) -> None:
    job, state, _, file = left
    file.unlink()
    monkeypatch.setattr(checkpoint, "GAP", 0.2)
    fresh = Checkpoint(file.parent, job, "VGG16", said.append)
    fresh.due(state)
    assert not file.exists()
    time.sleep(0.25)
    fresh.due(state)
    assert file.exists()
    file.unlink()
    fresh.due(state)
    assert not file.exists()


def test_a_disk_that_is_full_does_not_end_the_run(left, said) -> None:
    _, state, written, file = left
    before = file.read_bytes()
    file.with_name("checkpoint.pt.part").symlink_to("/dev/full")
    written.write(state)
    (warning,) = said
    assert warning["type"] == "WARN"
    assert "cannot be written" in warning["text"]
    assert file.read_bytes() == before
    assert [f.name for f in file.parent.glob("checkpoint*")] == ["checkpoint.pt"]


def test_a_disk_that_has_room_again_is_written_to(left, monkeypatch, said) -> None:
    job, state, _, file = left
    file.unlink()
    part = file.with_name("checkpoint.pt.part")
    monkeypatch.setattr(checkpoint, "GAP", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", math.inf)
    fresh = Checkpoint(file.parent, job, "VGG16", said.append)
    for _ in range(2):
        part.symlink_to("/dev/full")
        fresh.due(state)
        assert not file.exists()
    fresh.due(state)
    assert file.exists()
    assert [message["type"] for message in said] == ["WARN"], "once is enough"


@pytest.mark.timeout(120)
def test_a_cancelled_run_goes_on_too(tmp_path) -> None:
    folder, messages, wishes = save_job(tmp_path / "job", steps=STEPS), list[dict](), Wishes()

    def hear(message: dict) -> None:
        messages.append(message)
        if message["type"] == "PROGRESS" and message["step"] >= 5:
            wishes.cancel.set()

    with pytest.raises(Cancelled):
        run(folder, hear, wishes)
    assert (folder / "result" / "checkpoint.pt").is_file()
    messages.clear()
    wishes.cancel.clear()
    with pytest.raises(Cancelled):
        run(folder, hear, wishes)
    assert steps_of(messages) == [6]
