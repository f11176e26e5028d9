"""`python -m engine --compare`: small drafts on one sheet, and how it ends otherwise."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.compare import compare
from engine.errors import JobError
from engine.run import Wishes
from engine.settings import Settings
from engine.sheet import CAPTION, CELL, GAP, sheet_size
from engine.state import State
from engine.variants import Comparison, Variant, compare_seeds, compare_styles
from tests.engine.jobs import save_job
from tests.engine.processes import ROOT, command, error_of, run

STEPS = 6
MIDDLE = slice(CELL // 4, 3 * CELL // 4)


def save(folder, comparison, **settings):
    comparison.save(save_job(folder, **{"steps": STEPS, "view_count": 4, **settings}))
    return folder


def paint(folder, *, previews=False):
    """What `compare` tells, in this process."""
    said = []
    compare(folder, said.append, Wishes(), previews=previews)
    assert said[-1]["type"] == "DONE"
    return said


def picture(sheet, row, column):
    """The middle of a cell of the sheet; the references stand in column 0."""
    top, left = GAP + row * (CELL + CAPTION), GAP + column * (CELL + GAP)
    return np.asarray(sheet, np.float32)[top : top + CELL, left : left + CELL][MIDDLE, MIDDLE]


def is_empty(cell):
    return (cell == cell[0, 0]).all()


def distance(a, b):
    return float(np.abs(a - b).mean())


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Three content weights below each other, painted."""
    variants = tuple(Variant(f"content {w:g}", {"content_weight": w}) for w in (0.0, 3.0, 300.0))
    folder = save(tmp_path_factory.mktemp("weights") / "job", Comparison(1, variants))
    return folder, run("--compare", "--previews", folder, timeout=280)


def test_more_content_weight_is_nearer_to_the_original(weights):
    folder, outcome = weights
    assert outcome.code == 0, outcome.errors
    sheet = Image.open(folder / "result" / "sheet.png")
    assert sheet.size == sheet_size(1, 3)
    original = picture(sheet, 0, 0)
    free, held, tight = (distance(picture(sheet, row, 1), original) for row in range(3))
    assert free > held > tight


def test_it_tells_of_all_variants_together(weights):
    folder, outcome = weights
    *_, done = outcome.messages
    assert done == {"type": "DONE", "sheet": str(folder / "result" / "sheet.png")}
    steps = [m for m in outcome.messages if m["type"] == "PROGRESS"]
    assert [m["step"] for m in steps] == list(range(1, 3 * STEPS + 1))
    assert {m["steps"] for m in steps} == {3 * STEPS}
    shares = [m["share"] for m in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert shares[STEPS - 1] == pytest.approx(1 / 3, abs=1e-3)
    assert [m["seconds"] for m in steps] == sorted(m["seconds"] for m in steps)


def test_the_sheet_grows_a_cell_at_a_time(weights):
    _folder, outcome = weights
    shown = [
        m["previews"][0] for m in outcome.messages if m["type"] == "PROGRESS" and m["previews"]
    ]
    assert len(shown) == 3 - 1
    first = Image.open(shown[0])
    assert first.size == sheet_size(1, 3)
    assert not is_empty(picture(first, 0, 1))
    assert is_empty(picture(first, 1, 1))


@pytest.mark.usefixtures("tiny")
def test_other_seeds_differ_and_the_same_one_does_not(tmp_path):
    variants = (*(Variant("", {"seed": n}) for n in (1, 2, 1)),)
    folder = save(tmp_path / "job", Comparison(3, variants), steps=6)
    assert not any(m.get("previews") for m in paint(folder))
    assert [f.name for f in (folder / "result").iterdir()] == ["sheet.png"]
    sheet = Image.open(folder / "result" / "sheet.png")
    one, two, again = (picture(sheet, 0, column) for column in (1, 2, 3))
    assert distance(one, two) > 1
    assert distance(one, again) == 0


@pytest.mark.usefixtures("tiny")
def test_each_picture_gives_its_colors(tmp_path):
    pictures = []
    for name, color in (("red", (230, 20, 20)), ("blue", (20, 20, 230))):
        noise = np.random.default_rng(0).integers(-20, 20, (64, 64, 3))
        Image.fromarray(np.uint8((np.array(color) + noise).clip(0, 255))).save(
            tmp_path / f"{name}.png"
        )
        pictures.append(tmp_path / f"{name}.png")
    folder = save(tmp_path / "job", compare_styles(pictures, columns=2), content_weight=0.0)
    paint(folder)
    sheet = Image.open(folder / "result" / "sheet.png")
    red, blue = (picture(sheet, 0, column).mean((0, 1)) for column in (1, 2))
    assert red[0] > 1.5 * red[2]
    assert blue[2] > 1.5 * blue[0]


def stopped_by(word, folder):
    """The exit code and the last message, after `word` was said when the second cell had begun."""
    with subprocess.Popen(
        command("--compare", "--previews", folder),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said = False
            for line in process.stdout:
                message = json.loads(line)
                if message.get("previews") and not said:
                    said = True
                    process.stdin.write(word + "\n")
                    process.stdin.flush()
            return process.wait(60), message
        finally:
            process.kill()


def test_cancelled_leaves_no_sheet(tmp_path):
    folder = save(tmp_path / "job", compare_seeds(Settings(), columns=3, rows=3), steps=6)
    code, message = stopped_by("cancel", folder)
    assert code == 3
    assert message == {"type": "STATUS", "text": "Cancelled"}
    assert not (folder / "result" / "sheet.png").exists()


def test_finish_keeps_the_cells_so_far(tmp_path):
    folder = save(tmp_path / "job", compare_seeds(Settings(), columns=3, rows=3), steps=6)
    code, message = stopped_by("finish", folder)
    assert code == 0
    sheet = Image.open(message["sheet"])
    assert sheet.size == sheet_size(3, 9)
    assert not is_empty(picture(sheet, 0, 1))
    assert is_empty(picture(sheet, 2, 3))


def test_a_cell_that_is_finished_early_keeps_no_grain(tmp_path, monkeypatch):
    """What no view has seen is as at the end of a whole run."""
    settled, wishes = [], Wishes()
    monkeypatch.setattr(State, "settle", lambda state: settled.append(state.done))
    folder = save(tmp_path / "job", compare_seeds(Settings(), columns=1, rows=1), steps=100)

    def send(message):
        if message["type"] == "PROGRESS":
            wishes.finish.set()

    compare(folder, send, wishes)
    assert settled == [1]


def refusal(folder):
    """Why it cannot be painted; nothing is by then."""
    said = []
    with pytest.raises(JobError) as caught:
        compare(folder, said.append, Wishes())
    assert not any(m["type"] == "PROGRESS" for m in said)
    assert not (folder / "result" / "sheet.png").exists()
    return caught.value.what


def test_a_picture_that_is_none_is_told_before_the_first_step(tmp_path):
    bad = tmp_path / "notes.png"
    bad.write_text("my notes")
    save_job(tmp_path / "job")  # which makes style.png
    folder = save(tmp_path / "job", compare_styles([tmp_path / "style.png", bad], columns=2))
    assert "notes.png" in refusal(folder)


def test_a_job_without_variants(tmp_path):
    assert "variants.json" in error_of(run("--compare", save_job(tmp_path / "job")))["what"]


@pytest.mark.usefixtures("tiny")
def test_captions_too_long_for_their_cell_do_not_fail(tmp_path):
    variants = (Variant("x" * 200, {"seed": 1}), Variant("", {"seed": 2}))
    paint(save(tmp_path / "job", Comparison(2, variants), steps=1))


@pytest.mark.usefixtures("tiny")
def test_a_sheet_on_the_way_that_cannot_be_written_is_left_out(tmp_path):
    variants = tuple(Variant("", {"seed": number}) for number in range(3))
    folder = save(tmp_path / "job", Comparison(3, variants), steps=1)
    (folder / "result" / "sheet_0.png").mkdir(parents=True)
    said = paint(folder, previews=True)
    shown = [Path(file).name for m in said for file in m.get("previews", ())]
    assert shown == ["sheet_1.png"]
