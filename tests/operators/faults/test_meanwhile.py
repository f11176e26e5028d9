"""What the artist does during runs and between them."""

import random
import time

import bpy
import pytest
from style_transfer_3d.operators import messages

from tests.operators.calling import paint
from tests.operators.datablocks import difference, dump_all
from tests.operators.faults.faulty import NIGHTLY, begin, engine
from tests.operators.scenes import dump, job_folders, save_png, stripes


@pytest.mark.parametrize("gone", ["the style", "the image"])
def test_a_file_that_is_removed_meanwhile_is_not_missed(
    cube, style, texture, tmp_path, monkeypatch, gone
):
    look = save_png(tmp_path / "look.png", stripes(8, 8))
    cube.active_material.node_tree.nodes["Image Texture"].image = bpy.data.images.load(str(look))
    file = {"the style": style, "the image": look}[gone]
    engine(tmp_path, monkeypatch, texture, f"os.remove({str(file)!r})", 1)
    assert paint(style=str(style)) == {"FINISHED"}
    assert not file.exists()


def test_undo_and_redo_across_runs(cube, style, texture, tmp_path, monkeypatch):
    engine(tmp_path, monkeypatch, texture)
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    found = [dump()]
    for number in range(3):
        assert paint(style=str(style), seed=number, replace=number == 2) == {"FINISHED"}
        bpy.ops.ed.undo_push(message=f"painted {number}")
        found.append(dump())
    for before in reversed(found[:-1]):
        bpy.ops.ed.undo()
        assert dump() == before
    for after in found[1:]:
        bpy.ops.ed.redo()
        assert dump() == after
    bpy.ops.ed.undo()
    assert paint(style=str(style)) == {"FINISHED"}


def test_saved_and_opened_between_runs(cube, style, texture, tmp_path, monkeypatch):
    engine(tmp_path, monkeypatch, texture)
    file, held = tmp_path / "scene.blend", []
    for number in range(3):
        assert paint(style=str(style), replace=True, seed=number) == {"FINISHED"}
        bpy.ops.wm.save_as_mainfile(filepath=str(file))
        before = dump()
        bpy.ops.wm.open_mainfile(filepath=str(file))
        assert dump() == before
        held.append(before)
    assert held[0] == held[1] == held[2]


def test_cancelled_at_any_moment(cube, scene, style, texture, tmp_path, monkeypatch):
    """Ten times, and a hundred in the nightly size."""
    engine(tmp_path, monkeypatch, texture, pause=0.04)
    chance, seen = random.Random(1), set()
    group = scene.style_transfer_3d
    group.style = str(style)
    before = dump_all()
    for _ in range(100 if NIGHTLY else 10):
        run = begin(scene, style)
        process, end = run.engine._process, time.monotonic() + chance.uniform(0, 0.8)
        while time.monotonic() < end and messages.Done not in seen:
            for message in run.engine.poll():
                seen.add(type(message))
                for file in getattr(message, "previews", ()):
                    run.subject.preview([file])
            time.sleep(chance.uniform(0, 0.02))
        seen.discard(messages.Done)
        while not run.stop():
            time.sleep(0.005)
        assert process.returncode is not None
        assert difference(before, dump_all()) == []
        assert not job_folders()
    assert {messages.Status, messages.Progress} <= seen
