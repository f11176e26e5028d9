"""object.style_transfer from its call to its end, with stand-ins for the engine."""

import hashlib
import json
import os
import signal
import sys
import threading
import time

import bpy
import pytest
from style_transfer_3d.operators import environment, selection, worker
from style_transfer_3d.operators.recipe import RECIPE

from tests.operators.calling import error_of, paint
from tests.operators.scenes import (
    dump,
    job_folders,
    painter,
    save_png,
    shown_image,
    stand_in,
    stripes,
)
from tests.operators.spoiled_meshes import MESHES
from tests.operators.steps import alive

REPORT = {"style_distance": 0.1}


@pytest.fixture
def painting(tmp_path, monkeypatch):
    """The engine is a stand-in that says it painted this file."""
    texture = save_png(tmp_path / "painted.png", stripes(16, 16))
    stand_in(tmp_path, painter(texture, REPORT), monkeypatch)
    return texture


def test_from_the_active_object_to_its_image(cube, painting, style, capfd):
    assert paint(style=str(style), seed=3, texture_size=64) == {"FINISHED"}
    image = shown_image(cube.active_material)
    recipe = json.loads(image[RECIPE])
    assert (recipe["settings"]["seed"], recipe["settings"]["texture_size"]) == (3, 64)
    assert recipe["report"] == REPORT
    assert recipe["styles"][0]["sha256"] == hashlib.sha256(style.read_bytes()).hexdigest()
    assert image.packed_file
    assert not job_folders()
    said = capfd.readouterr().out
    assert "Painting\nStep 1/1, total 0.5, 1:01\n" in said
    assert "Warning: the paint is still wet" in said


def test_the_scenes_settings_count_where_none_are_given(cube, painting, scene, style, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    group = bpy.context.scene.style_transfer_3d
    group.style, group.preset, group.output = f"//{style.name}", "DRAFT", "//out.png"
    assert paint(seed=9) == {"FINISHED"}
    image = shown_image(bpy.context.object.active_material)
    assert image.filepath == "//out.png"
    assert (tmp_path / "out.png").read_bytes() == painting.read_bytes()
    settings = json.loads(image[RECIPE])["settings"]
    assert (settings["preset"], settings["seed"]) == ("DRAFT", 9)


def test_a_mesh_in_edit_mode_is_painted_as_it_is_now(cube, tmp_path, monkeypatch, style):
    """The stand-in refuses, telling how many faces it was given."""
    script = """
        import json, sys, numpy
        faces = len(numpy.load(sys.argv[-1] + "/arrays.npz")["faces"])
        print(json.dumps({"type": "ERROR", "what": "Faces", "why": str(faces), "cure": "-"}))
    """
    stand_in(tmp_path, script, monkeypatch)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    assert "Faces: 48." in error_of(style=str(style))


def test_a_job_warning_reaches_the_artist(cube, painting, style, capfd):
    cube.data.uv_layers.new(name="Second")
    assert paint(style=str(style), uv_map="Second") == {"FINISHED"}
    assert "Warning: UV map 'Second' of 'Cube' is not the one active" in capfd.readouterr().out


def test_no_object(scene):
    assert "Object: none is active. Select a mesh object" in error_of()


def test_not_a_mesh(scene):
    bpy.ops.object.light_add()
    assert "Object 'Point': it is no mesh but a light. Select a mesh object" in error_of()


def test_an_object_of_another_file(cube, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_there, here):
        here.objects = ["Cube"]
    assert "is linked from another file" in str(selection.refusal(bpy.data.objects["Cube"]))


@pytest.mark.parametrize(("spoil", "message"), MESHES)
def test_a_mesh_that_cannot_be_painted(cube, style, spoil, message):
    spoil(cube)
    assert message in error_of(style=str(style))


def test_a_style_that_is_not_there(cube, tmp_path):
    text = error_of(style=str(tmp_path / "nowhere.png"))
    assert f"Style picture '{tmp_path}/nowhere.png': there is no such file." in text


def test_no_style(cube):
    assert "Style picture: none is chosen." in error_of()


def test_an_output_folder_that_cannot_be_written_to(cube, style):
    text = error_of(style=str(style), output="/proc/out.png")
    assert "Output '/proc/out.png': nothing can be written to folder '/proc'" in text


def test_an_image_whose_file_is_gone(cube, style, tmp_path):
    gone = save_png(tmp_path / "gone.png", stripes(4, 4))
    cube.active_material.node_tree.nodes["Image Texture"].image = bpy.data.images.load(str(gone))
    gone.unlink()
    text = error_of(style=str(style))
    assert f"Image 'gone.png': its file '{gone}' is missing" in text


def test_a_camera_is_asked_for_and_there_is_none(cube, style):
    assert "it has no camera" in error_of(style=str(style), views="CAMERAS")


def test_an_engine_that_is_killed_half_way(cube, style, tmp_path, monkeypatch):
    stand_in(tmp_path, "import os; os.kill(os.getpid(), 9)", monkeypatch)
    assert "Engine: it ended half-way (killed by SIGKILL)." in error_of(style=str(style))


def test_an_engine_that_fails_inside(cube, style, tmp_path, monkeypatch):
    stand_in(tmp_path, "raise ArithmeticError('seven')", monkeypatch)
    text = error_of(style=str(style))
    assert (
        "Engine: it ended half-way (exit code 1), its last words: ArithmeticError: seven." in text
    )


def test_a_python_that_is_not_there(cube, style, monkeypatch):
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", "/no/python")
    text = error_of(style=str(style))
    assert "Engine Python '/no/python': there is no such file." in text


def test_ctrl_c_leaves_no_engine_and_no_change(cube, style, tmp_path, monkeypatch, capfd):
    pid_file = tmp_path / "pid"
    script = f"""
        import os, pathlib, sys
        pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))
        sys.stdin.readline()
    """
    stand_in(tmp_path, script, monkeypatch)

    def interrupt():
        while not (pid_file.exists() and pid_file.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    before = dump()
    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    assert paint(style=str(style)) == {"CANCELLED"}
    thread.join(10)
    assert dump() == before
    assert not alive(int(pid_file.read_text()))
    assert not job_folders()
    assert "cancelled: nothing was changed" in capfd.readouterr().out


def test_the_engine_runs_in_blenders_own_python_unless_told(cube, style, monkeypatch):
    started = []

    def popen(command, **_options):
        started.extend(command)
        raise OSError(2, "no matter")

    monkeypatch.setattr(environment, "has_package", lambda _name: True)
    monkeypatch.setattr(worker.subprocess, "Popen", popen)
    assert "cannot be started (no matter)" in error_of(style=str(style))
    assert started[:6] == [sys.executable, "-s", "-X", "utf8", "-m", "engine"]


def test_blender_never_imports_torch(cube, painting, style):
    assert paint(style=str(style)) == {"FINISHED"}
    assert not [name for name in sys.modules if name.split(".")[0] in ("torch", "torchvision")]
    names = ("contents", "errors", "job", "mesh", "oldest", "settings", "variants")
    inside = [name for name in sys.modules if name.startswith("style_transfer_3d.engine.")]
    assert sorted(inside) == [f"style_transfer_3d.engine.{name}" for name in names]
