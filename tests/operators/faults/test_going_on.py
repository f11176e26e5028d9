"""A run that was ended goes on when the same one is started again."""

import os
import time

import pytest
from style_transfer_3d.operators import messages

from tests.operators.calling import paint
from tests.operators.faults.faulty import (
    NIGHTLY,
    SHORT,
    begin,
    children,
    engine,
    refused,
    stand_in_of_engine,
)


def kept_by(own_folder):
    return sorted(path.name for path in own_folder.rglob("*.pt"))


def leaver(texture, tmp_path, monkeypatch, *, fault):
    """A stand-in that tells its checkpoint, leaves one, and then comes to an end or not."""
    leave = """
import hashlib
file = result / "checkpoint.pt"
print(json.dumps(dict(type="WARN", text=file.read_text() if file.exists() else "none")), flush=True)
file.write_text("state")
"""
    engine(tmp_path, monkeypatch, texture, leave + fault, 4)


def test_the_same_run_again_goes_on_and_no_other(
    cube, style, texture, own_folder, tmp_path, monkeypatch, capfd
):
    def warned():
        (line,) = [line for line in capfd.readouterr().out.splitlines() if "Warning" in line]
        return line.removeprefix("Warning: ")

    leaver(texture, tmp_path, monkeypatch, fault="os.kill(os.getpid(), 9)")
    assert "SIGKILL" in refused(style=str(style))
    assert warned() == "none"
    (first,) = kept_by(own_folder)
    assert "SIGKILL" in refused(style=str(style), seed=1)
    assert warned() == "none"
    (second,) = kept_by(own_folder)
    assert second != first, "no more than one is kept"
    assert "SIGKILL" in refused(style=str(style), seed=1)
    assert warned() == "state"
    assert kept_by(own_folder) == [second]
    leaver(texture, tmp_path, monkeypatch, fault="file.unlink()")
    assert paint(style=str(style), seed=1) == {"FINISHED"}
    assert warned() == "state"
    assert kept_by(own_folder) == []


def test_a_cancelled_run_is_kept_too(
    cube, scene, style, texture, own_folder, tmp_path, monkeypatch
):
    leaver(texture, tmp_path, monkeypatch, fault="time.sleep(1000)")
    run = begin(scene, style)
    until = time.monotonic() + 20
    while not any(isinstance(message, messages.Warn) for message in run.engine.poll()):
        assert time.monotonic() < until
    time.sleep(0.2)
    while not run.stop():
        time.sleep(0.01)
    assert len(kept_by(own_folder)) == 1


def test_a_picture_whose_name_is_no_text(cube, style, texture, tmp_path, monkeypatch):
    odd = style.with_name(os.fsdecode(b"sk\xfcre.png"))
    style.rename(odd)
    engine(tmp_path, monkeypatch, texture)
    assert paint(style=os.fsencode(odd)) == {"FINISHED"}


def test_a_checkpoint_that_cannot_be_kept_is_no_fault(
    cube, style, texture, own_folder, tmp_path, monkeypatch
):
    own_folder.write_text("in the way")
    leaver(texture, tmp_path, monkeypatch, fault="os.kill(os.getpid(), 9)")
    assert "SIGKILL" in refused(style=str(style))


@pytest.mark.timeout(200)
@pytest.mark.skipif(not NIGHTLY, reason="takes a minute")
def test_the_real_engine_killed_goes_on(cube, style, tmp_path, own_folder, monkeypatch, capfd):
    from style_transfer_3d.operators import stylize  # noqa: PLC0415

    stand_in_of_engine(tmp_path, monkeypatch)
    line = stylize.progress_line

    def kill_at_step_3(message):
        if line(message).startswith("Step 3/"):
            os.kill(children()[0], 9)
        return line(message)

    monkeypatch.setattr(stylize, "progress_line", kill_at_step_3)
    assert "SIGKILL" in refused(style=str(style), **SHORT)
    monkeypatch.setattr(stylize, "progress_line", line)
    capfd.readouterr()
    assert paint(style=str(style), **SHORT) == {"FINISHED"}
    said = capfd.readouterr().out
    assert "Going on after step" in said
    assert "Step 1/" not in said
    assert kept_by(own_folder) == []
