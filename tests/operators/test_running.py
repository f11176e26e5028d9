"""A run from its start to its end, whatever the artist does meanwhile."""

import shutil
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import messages, preview, running
from style_transfer_3d.operators.on_objects import OnObjects
from style_transfer_3d.operators.running import Run

from tests.operators.run_requests import given_ones
from tests.operators.scenes import (
    HANGS,
    add_cube,
    dump,
    end_run,
    job_folders,
    painter,
    save_png,
    shown_image,
    stand_in,
    stripes,
)


@pytest.fixture
def operator(scene, style):
    return given_ones(scene.style_transfer_3d, style=str(style))


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    end_run()
    assert not preview.is_shown()


@pytest.fixture
def run(cube, operator, tmp_path, monkeypatch):
    """A run of the cube's whose engine is done at once."""
    texture = save_png(tmp_path / "painted.png", stripes(16, 16))
    stand_in(tmp_path, painter(texture, {}), monkeypatch)
    return Run(operator, bpy.context, OnObjects, watched=True)


def deliver(run):
    """What it tells the artist at the end."""
    *_, done = run.engine.messages()
    said = run.deliver(done)
    run.close()
    return said


def test_a_renamed_object_is_found(run, cube):
    cube.name = "Another"
    add_cube("Cube")
    assert deliver(run) == []
    assert shown_image(cube.active_material).name == "Cube style"


def test_a_deleted_objects_texture_is_kept(run, cube):
    bpy.data.objects.remove(cube)
    (said,) = deliver(run)
    assert said == "'Cube' is gone; its texture is kept as image 'Cube style'"
    image = bpy.data.images["Cube style"]
    assert image.packed_file
    assert image.use_fake_user


@pytest.mark.parametrize("kind", ["CURVE", "POINTCLOUD", "GREASEPENCIL"])
@pytest.mark.parametrize("has_material", [True, False])
def test_an_object_that_is_no_mesh_any_more(run, cube, has_material, kind):
    """The preview that it shows goes as it does from a mesh."""
    if kind != "CURVE" and bpy.app.version < (5, 0, 0):
        pytest.skip("it becomes another object, or does not become that")
    if not has_material:
        cube.data.materials.clear()
    run.subject.show([np.ones((4, 4, 4), np.float32)])
    if kind == "CURVE":  # which only wires become
        cube.data.clear_geometry()
        cube.data.from_pydata([(0, 0, 0), (1, 0, 0)], [(0, 1)], [])
    assert bpy.ops.object.convert(target=kind) == {"FINISHED"}
    assert cube.type == kind
    run.subject.show([np.ones((4, 4, 4), np.float32)])
    (said,) = deliver(run)
    assert said == "'Cube' is gone; its texture is kept as image 'Cube style'"
    assert bpy.data.images["Cube style"].use_fake_user
    assert not preview.is_shown()


def test_a_mesh_that_was_edited(run, cube):
    cube.data.uv_layers.active.uv[0].vector.x += 0.1
    (said,) = deliver(run)
    assert said.startswith("Mesh of 'Cube' has changed meanwhile")
    assert shown_image(cube.active_material).name == "Cube style"


@pytest.mark.parametrize("end", ["EDIT", "OBJECT"])
@pytest.mark.parametrize("start", ["EDIT", "OBJECT"])
@pytest.mark.parametrize("what", ["nothing", "uvs", "faces"])
def test_a_mesh_in_edit_mode(cube, request, start, end, what):
    bpy.ops.object.mode_set(mode=start)
    run = request.getfixturevalue("run")
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    if what == "uvs":
        bpy.ops.uv.cube_project(cube_size=3)
    elif what == "faces":
        bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode=end)
    said = deliver(run)
    assert len(said) == (what != "nothing")
    assert all(text.startswith("Mesh of 'Cube' has changed meanwhile") for text in said)
    assert [mesh.name for mesh in bpy.data.meshes] == [cube.data.name]


def test_undo_meanwhile(operator, cube, run):
    bpy.ops.ed.undo_push(message="start")
    bpy.ops.object.empty_add()
    bpy.ops.ed.undo_push(message="empty")
    bpy.ops.ed.undo()
    assert deliver(run) == []
    assert shown_image(bpy.data.objects["Cube"].active_material).name == "Cube style"


def test_one_at_a_time(run, cube, operator):
    with pytest.raises(JobError) as caught:
        Run(operator, bpy.context, OnObjects, watched=False)
    assert str(caught.value) == (
        "Object 'Cube': it is being painted at the moment. Wait until it is done, or cancel it"
    )
    assert Run.current is run


def test_it_is_cancelled_within_two_seconds(cube, operator, tmp_path, monkeypatch):
    stand_in(tmp_path, HANGS, monkeypatch)
    before = dump()
    run = Run(operator, bpy.context, OnObjects, watched=True)
    pid = run.engine._process.pid
    next(run.engine.messages())
    begun = time.monotonic()
    while not run.stop():
        time.sleep(0.01)
    assert time.monotonic() - begun < 2
    assert Run.current is None
    assert not Path(f"/proc/{pid}").exists()
    assert dump() == before


def test_disabling_the_add_on_ends_it(addon, cube, operator, tmp_path, monkeypatch):
    stand_in(tmp_path, HANGS, monkeypatch)
    run = Run(operator, bpy.context, OnObjects, watched=True)
    addon.unregister()
    try:
        assert Run.current is None
        assert run.engine._process.poll() is not None
    finally:
        addon.register()


def test_a_start_that_fails_leaves_nothing(cube, operator, monkeypatch):
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", "/no/python")
    with pytest.raises(JobError):
        Run(operator, bpy.context, OnObjects, watched=True)
    assert Run.current is None
    assert not job_folders()


def test_a_temporary_folder_that_was_cleared_away(operator, request, tmp_path):
    paths = bpy.context.preferences.filepaths
    before, paths.temporary_directory = paths.temporary_directory, str(tmp_path)
    try:
        folder = Path(bpy.app.tempdir)
        shutil.rmtree(folder)
        run = request.getfixturevalue("run")
        assert deliver(run) == []
        shutil.rmtree(folder)
        folder.write_text("in the way")
        with pytest.raises(JobError, match="nothing can be written to it"):
            Run(operator, bpy.context, OnObjects, watched=True)
        folder.unlink()
    finally:
        paths.temporary_directory = before


def test_what_the_panels_see(run):
    state = running.state(bpy.context)
    assert (state.active, state.stopping, state.subject_name) == (True, False, "Cube")
    state.begin()
    state.hear(messages.Status("Loading torch"))
    assert state.status() == "Loading torch"
    losses = {"style": 0.5, "content": 0.25}
    state.hear(messages.Progress(3, 10, losses, seconds=30.0, share=0.25))
    assert state.status() == "Step 3/10, 1:30 left"
    assert (state.style_loss, state.content_loss, state.share) == (0.5, 0.25, 0.25)
    state.hear(messages.Status("Baking the texture"))
    assert state.status() == "Baking the texture"
    state.begin()
    assert (state.step, state.share, state.seconds_left) == (0, 0.0, -1.0)
    run.close()
    assert (state.active, state.subject_name) == (False, "")
