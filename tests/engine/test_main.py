"""`python -m engine`: a whole small job in a process of its own, and how it ends otherwise."""

import ast
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.__main__ import COMPARE, HELP, PREVIEWS, VIEWS
from engine.backbone import Backbone, find_weights
from engine.critic import LAYERS
from engine.errors import JobError
from engine.job import Job
from engine.picture import read_picture, write_picture
from engine.run import Wishes
from engine.run import run as work
from engine.stylize import optimise, prepare
from tests.engine.jobs import STEPS, save_job
from tests.engine.processes import FEW_VIEWS, ROOT, Outcome, command, error_of, run, started

MEASURES = {
    "style_distance", "style_gap_closed", "content_distance", "seam_ratio", "coverage",
    "palette_distance", "off_palette", "speckle",
}  # fmt: skip
COSTS = {"seconds", "seconds_per_step", "vgg_share", "peak_memory_mb"}


@pytest.fixture(scope="session")
def outcome(tmp_path_factory) -> Outcome:
    return run(save_job(tmp_path_factory.mktemp("job") / "job"))


@pytest.mark.timeout(300)
def test_help_tells_every_option() -> None:
    done = subprocess.run(
        command("--help"), cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    for option in (COMPARE, PREVIEWS, VIEWS, HELP):
        assert option in done.stdout


def test_a_job_is_done(outcome) -> None:
    assert outcome.code == 0, outcome.errors
    writing = outcome.messages.index({"type": "STATUS", "text": "Writing texture.png"})
    before, after = outcome.messages[writing - 1], outcome.messages[writing + 1]
    assert before == {"type": "STATUS", "text": "Baking the texture: 100%"}
    assert after == {"type": "STATUS", "text": "Measuring the result: 0%"}, "or it seems to hang"
    measuring, done = outcome.messages[-2:]
    assert measuring["text"].startswith("Measuring the result: ")
    assert done["type"] == "DONE"


def test_messages_come_in_order(outcome) -> None:
    kinds = [message["type"] for message in outcome.messages]
    assert kinds[0] == "STATUS"
    assert kinds.count("DONE") == 1
    first = kinds.index("PROGRESS")
    assert kinds[first : first + STEPS] == ["PROGRESS"] * STEPS
    assert set(kinds[:first] + kinds[first + STEPS : -1]) == {"STATUS"}
    assert all(m["text"] for m in outcome.messages if m["type"] == "STATUS")
    steps = outcome.messages[first : first + STEPS]
    assert [m["step"] for m in steps] == list(range(1, STEPS + 1))
    assert {m["steps"] for m in steps} == {STEPS}
    assert [m["seconds"] for m in steps] == sorted(m["seconds"] for m in steps)
    shares = [m["share"] for m in steps]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == 1
    for message in steps:
        assert set(message["losses"]) == {"content", "style", "total"}
        assert np.isfinite(list(message["losses"].values())).all()


def test_the_files_are_where_it_says(outcome) -> None:
    done = outcome.messages[-1]
    assert Path(done["textures"][0]) == outcome.folder / "result" / "texture.png"
    assert Path(done["report"]) == outcome.folder / "result" / "report.json"
    assert sorted(f.name for f in (outcome.folder / "result").iterdir()) == [
        "report.json",
        "texture.png",
    ]


def test_the_texture_is_painted(outcome) -> None:
    with Image.open(outcome.messages[-1]["textures"][0]) as picture:
        assert picture.size == (64, 64)
        assert picture.mode == "RGB"
        assert np.asarray(picture).std() > 5


def test_the_report_has_every_measure(outcome) -> None:
    report = json.loads(Path(outcome.messages[-1]["report"]).read_text())
    assert set(report) >= MEASURES | COSTS
    assert np.isfinite([report[name] for name in MEASURES | COSTS]).all()
    assert 0 <= report["coverage"] <= 1
    assert 0 <= report["off_palette"] <= 1
    assert 0 < report["vgg_share"] < 1
    assert report["steps"] == STEPS
    assert report["backbone"] == "VGG16"
    assert report["device"] == "cpu"


def test_the_same_seed_gives_the_same_texture_bit_for_bit(outcome, tmp_path) -> None:
    """Painted once more, in this process; measuring it again would tell nothing new."""
    job = Job.load(outcome.folder)
    style = read_picture(job.style.file)
    painting = prepare(job, [style], torch.device("cpu"))
    backbone = Backbone(find_weights("VGG16", ""), LAYERS).swift()
    assert len(list(optimise(job, painting, backbone))) == STEPS
    again = tmp_path / "again.png"
    write_picture(painting.bake(job.texture_shapes[0]), again)
    assert again.read_bytes() == Path(outcome.messages[-1]["textures"][0]).read_bytes()


def test_cancel_on_stdin_ends_it_soon(tmp_path) -> None:
    folder = save_job(tmp_path / "job", steps=100_000)
    with started(*command(folder), errors=subprocess.DEVNULL) as process:
        last = {}
        while last.get("type") != "PROGRESS":
            last = json.loads(process.stdout.readline())
        began = time.monotonic()
        process.stdin.write("cancel\n")
        process.stdin.flush()
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(30) == 3
        assert time.monotonic() - began < 15
        assert rest[-1]["type"] == "STATUS"
        assert "ancel" in rest[-1]["text"]
        assert not list((folder / "result").glob("*.png*"))


def test_a_folder_without_a_job(tmp_path) -> None:
    assert str(tmp_path) in error_of(run(tmp_path))["what"]


def refusal(folder: Path) -> str:
    """What is wrong with the job there, as it is told in this process."""
    with pytest.raises(JobError) as caught:
        work(folder, list[dict]().append, Wishes())
    return caught.value.what


def test_a_result_folder_that_cannot_be_written(tmp_path) -> None:
    folder = save_job(tmp_path / "job")
    (folder / "result").write_text("in the way")
    assert refusal(folder) == f"Result folder {str(folder / 'result')!r}"


def test_a_result_folder_that_is_deleted_ends_the_run_soon(tmp_path) -> None:
    save_job(tmp_path, steps=5000)
    with subprocess.Popen(
        command(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout
            for line in process.stdout:
                if json.loads(line)["type"] == "PROGRESS":
                    shutil.rmtree(tmp_path)
                    break
            told, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    error = json.loads(told.splitlines()[-1])
    assert error["type"] == "ERROR"
    assert "cannot be written to" in error["why"]


def test_a_style_picture_that_is_none(tmp_path) -> None:
    folder = save_job(tmp_path / "job")
    (folder / "style" / "style.png").write_text("my notes")
    assert "style.png" in refusal(folder)


@pytest.mark.parametrize("arguments", [(), ("a", "b")])
def test_other_arguments_than_a_folder(arguments) -> None:
    assert "one job folder" in error_of(run(*arguments))["cure"]


@pytest.mark.parametrize("kind", ["ImportError", "OSError"])
def test_a_python_whose_torch_does_not_load(tmp_path, kind) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(f"raise {kind}('libgone.so: not found')")
    error = error_of(run(tmp_path, PYTHONPATH=str(tmp_path)))
    assert sys.executable in error["what"]
    assert "torch" in error["why"]
    assert "libgone.so" in error["why"]
    assert "STYLE_TRANSFER_3D_PYTHON" in error["cure"]


def test_a_torch_that_is_too_old(tmp_path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("__version__ = '2.4.1+cu121'")
    error = error_of(run(tmp_path, PYTHONPATH=str(tmp_path)))
    assert sys.executable in error["what"]
    assert "PyTorch 2.4.1+cu121, and the engine needs 2.5" in error["why"]


def test_a_python_that_is_too_old(tmp_path) -> None:
    """This one, which takes itself for another; it gets no farther than such a one can read."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, platform, sys\n"
        "platform.python_version = lambda: '3.10.14'\n"
        "read = lambda: [m.__file__ for n, m in sys.modules.items() if n.startswith('engine')]\n"
        "atexit.register(lambda: print(*read(), sep='\\n', file=sys.stderr))\n"
    )
    outcome = run(tmp_path, PYTHONPATH=str(tmp_path))
    assert "Python 3.10.14, and the engine needs 3.11" in error_of(outcome)["why"]
    read = [*outcome.errors.splitlines(), ROOT / "engine" / "__main__.py"]
    assert len(read) > 3
    for file in read:
        ast.parse(Path(file).read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.fixture(scope="module", params=["BUMP", "NORMAL"])
def watched(request, tmp_path_factory) -> Outcome:
    """The same job with a relief, and with previews on the way."""
    folder = tmp_path_factory.mktemp("watched") / "job"
    return run("--previews", save_job(folder, relief=request.param), module=FEW_VIEWS)


def test_neither_previews_nor_a_relief_change_the_texture(outcome, watched) -> None:
    assert watched.code == 0, watched.errors
    texture = Path(watched.messages[-1]["textures"][0]).read_bytes()
    assert texture == (outcome.folder / "result" / "texture.png").read_bytes()


def test_previews_show_it_on_the_way(outcome, watched) -> None:
    shown = [
        m["previews"][0] for m in watched.messages if m["type"] == "PROGRESS" and m["previews"]
    ]
    assert shown
    pixels = np.load(shown[0])
    assert (pixels.shape, pixels.dtype) == ((64, 64, 4), np.float32)
    assert 0 <= pixels.min() <= pixels.max() <= 1
    assert not any(m["previews"] for m in outcome.messages if m["type"] == "PROGRESS")


def test_a_relief_is_written_beside_the_texture(outcome, watched) -> None:
    for doing in ("Baking the relief: 0%", "Baking the relief: 100%", "Writing relief.png"):
        assert {"type": "STATUS", "text": doing} in watched.messages
    done = watched.messages[-1]
    result = watched.folder / "result"
    assert done["textures"][0] == str(result / "texture.png")
    assert done["reliefs"][0] == str(result / "relief.png")
    assert done["relief_height"] > 0
    kind = Job.load(watched.folder).settings.relief
    with Image.open(done["reliefs"][0]) as picture:
        assert picture.size == (64, 64)
        assert picture.mode == {"BUMP": "I;16", "NORMAL": "RGB"}[kind]
    assert "reliefs" not in outcome.messages[-1]


@pytest.mark.timeout(300)
def test_finish_on_stdin_keeps_what_is_painted(tmp_path) -> None:
    folder = save_job(tmp_path / "job", steps=5000)
    with started(*command(folder, module=FEW_VIEWS), errors=subprocess.DEVNULL) as process:
        steps = 0
        for line in process.stdout:
            message = json.loads(line)
            steps += message["type"] == "PROGRESS"
            if steps == 3:
                process.stdin.write("finish\n")
                process.stdin.flush()
                steps += 1
        assert process.wait(60) == 0
    assert message["type"] == "DONE"
    assert (folder / "result" / "texture.png").is_file()
    report = json.loads((folder / "result" / "report.json").read_text())
    assert 3 <= report["steps"] < 100
