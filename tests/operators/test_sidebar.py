"""The tab Style: what it shows and offers in each state, without a window."""

import json
import os
import time

import bpy
import pytest
from style_transfer_3d.operators import (
    engine_python,
    environment,
    install,
    look_settings,
    messages,
    running,
    settings,
    worker,
)
from style_transfer_3d.operators.on_objects import OnObjects
from style_transfer_3d.operators.running import Run
from style_transfer_3d.operators.task import Task
from style_transfer_3d.panels import result, thumbnail
from style_transfer_3d.panels.problem import problem

from tests.operators.layouts import Panel
from tests.operators.run_requests import given_ones
from tests.operators.scenes import (
    ENGINE_PYTHON,
    HANGS,
    add_cube,
    add_material,
    new_image,
    painter,
    save_png,
    stand_in,
    stripes,
)

START, CANCEL, KEEP = (f"object.style_transfer{end}" for end in ("", "_cancel", "_keep"))
SUBPANELS = ("strokes", "regions", "views", "texture", "advanced")
ADD, REMOVE = (f"object.style_transfer_style_{end}" for end in ("add", "remove"))
UNWRAP, CHOOSE = "object.style_transfer_unwrap", "object.style_transfer_choose"


@pytest.fixture
def cube(scene, style, monkeypatch):
    """All that a run needs."""
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", ENGINE_PYTHON)
    obj = add_cube()
    add_material(obj, "m", new_image("artist", stripes(8, 8)))
    scene.style_transfer_3d.style = str(style)
    return obj


@pytest.fixture
def group(cube):
    return bpy.context.scene.style_transfer_3d


def draw(name=""):
    """What the panel, or one of its sub-panels, draws."""
    return Panel.draw(getattr(bpy.types, f"VIEW3D_PT_style_transfer{name and '_' + name}"))


def refused(*buttons):
    """What the panel says when nothing can be painted; it offers these buttons."""
    panel = draw()
    assert panel.buttons().pop(START)[1] is False
    assert {name for name in panel.buttons() if name != START} == set(buttons)
    return panel.texts()


def test_ready(cube):
    panel = draw()
    assert panel.buttons() == {START: ("Paint Cube", True)}
    assert panel.props() == {
        "style": True, "preset": True, "style_weight": True, "content_weight": True,
        "texture_size": True,
    }  # fmt: skip
    assert panel.texts() == ""


def test_ready_by_modifiers(cube):
    """A mesh may get its faces and UVs from modifiers alone."""
    bare = bpy.data.objects.new("Bare", bpy.data.meshes.new("Bare"))
    bpy.context.scene.collection.objects.link(bare)
    bpy.context.view_layer.objects.active = bare
    cube.select_set(False)
    assert str(problem(bpy.context).error).endswith("it has no faces. Select a mesh with faces")
    tree = bpy.data.node_groups.new("Nodes", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    info, out = tree.nodes.new("GeometryNodeObjectInfo"), tree.nodes.new("NodeGroupOutput")
    info.inputs["Object"].default_value = cube
    tree.links.new(info.outputs["Geometry"], out.inputs[0])
    bare.modifiers.new("Nodes", "NODES").node_group = tree
    bpy.context.view_layer.update()
    assert problem(bpy.context) is None
    info.inputs["As Instance"].default_value = True
    bpy.context.view_layer.update()
    assert "add a Realize Instances node" in problem(bpy.context).error.cure


def test_no_object(cube):
    bpy.context.view_layer.objects.active = None
    cube.select_set(False)
    assert refused() == "Object: none is active. Select a mesh object"


def test_no_mesh(cube):
    bpy.ops.object.light_add()
    assert "it is no mesh but a light" in refused()


def test_no_faces(cube):
    cube.data.clear_geometry()
    assert refused() == "Mesh of 'Cube': it has no faces. Select a mesh with faces"


def test_multires_in_sculpt_mode(cube):
    cube.modifiers.new("Multires", "MULTIRES")
    bpy.ops.object.multires_subdivide(modifier="Multires")
    assert problem(bpy.context) is None
    bpy.ops.object.mode_set(mode="SCULPT")
    text = refused()
    assert text.startswith("Object 'Cube': it is in Sculpt Mode")
    assert text.endswith("Leave Sculpt Mode")


@pytest.mark.parametrize("mode", ["OBJECT", "EDIT"])
def test_no_uv_map(cube, mode):
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    bpy.ops.object.mode_set(mode=mode)
    assert refused(UNWRAP).startswith("Mesh of 'Cube': it has no UV map. Unwrap it")
    bpy.ops.object.style_transfer_unwrap()
    assert problem(bpy.context) is None


def test_no_style(group):
    group.style = ""
    assert refused(CHOOSE).startswith("Style picture: none is chosen.")


def test_a_missing_style(group):
    group.style = "/no/such/picture.png"
    assert "'/no/such/picture.png': there is no such file." in refused(CHOOSE)


def test_a_style_beside_an_unsaved_file(group):
    group.style = "//picture.png"
    assert "// stands for the folder of the .blend file" in refused(CHOOSE)


def test_settings_that_make_no_sense(group):
    group.style_weight = group.content_weight = 0
    assert refused() == "Settings: the style and the content weight are both 0. Raise one of them"


def test_no_camera(group):
    group.views = "CAMERAS"
    assert "it has no camera that is enabled in renders." in refused()
    assert ("prop_enum", "views=SPHERE", "Set Views to Sphere", True) in draw().drawn
    assert "0 cameras" in draw("views").texts()
    bpy.ops.object.camera_add()
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    assert "1 camera" in draw("views").texts()
    assert problem(bpy.context) is None


def test_an_engine_that_is_not_there(cube, monkeypatch):
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", "/no/python")
    assert "'/no/python': there is no such file." in refused("preferences.addon_show")


@pytest.fixture
def nothing_installed(cube, monkeypatch):
    monkeypatch.delenv("STYLE_TRANSFER_3D_PYTHON")
    monkeypatch.setattr(environment, "has_package", lambda _name: False)


def test_no_engine(nothing_installed, monkeypatch):
    name = "wm.style_transfer_3d_install"
    assert refused(name).startswith("PyTorch: it is not installed")
    assert "use_online_access" in draw().props()
    monkeypatch.setitem(Task.failures, install.INSTALL, "pip: it is on strike. Wait")
    assert refused(name).endswith("pip: it is on strike. Wait")


def test_no_engine_in_a_blender_that_was_started_offline(nothing_installed, started_offline):
    text = refused("wm.style_transfer_3d_install")
    assert "started in offline mode: start it without --offline-mode" in text
    assert "use_online_access" not in draw().props()


def test_an_engine_on_its_way(nothing_installed):
    def steps():
        while True:
            yield type("Step", (), {"text": "Downloading torch", "share": 0.25})

    task = Task(install.INSTALL, steps)
    try:
        task.advance()
        assert "it is being installed" in refused("wm.style_transfer_3d_cancel")
        assert ("progress", 0.25, "", True) in draw().drawn
        assert "Downloading torch" in draw().texts()
    finally:
        task.close()


@pytest.fixture
def run(cube, scene, style, tmp_path, monkeypatch):
    stand_in(tmp_path, HANGS, monkeypatch)
    with Run(given_ones(scene.style_transfer_3d), bpy.context, OnObjects, watched=True) as run:
        running.state(bpy.context).begin()
        yield run


def test_a_run(run):
    state = running.state(bpy.context)
    state.hear(messages.Status("Loading torch"))
    panel = draw()
    assert ("progress", 0.0, "Loading torch", True) in panel.drawn
    assert set(panel.buttons()) == {CANCEL, KEEP}
    assert not any(panel.props().values())
    losses = {"style": 0.5, "content": 0.25}
    state.hear(messages.Progress(3, 10, losses, seconds=30.0, share=0.25))
    panel = draw()
    assert ("progress", 0.25, "Step 3/10, 1:30 left", True) in panel.drawn
    assert "From Picture 0.50 (0: the same) From Original 0.25 (0: the same)" in panel.texts()
    bpy.context.view_layer.objects.active = None  # another, or none, is selected meanwhile
    assert "Painting Cube" in draw().texts()
    for name in SUBPANELS:
        assert not any(draw(name).props().values())
    run.stop()
    assert ("progress", 0.25, "Stopping", True) in draw().drawn


def test_views(group):
    assert "24 by preset Standard" in draw("views").texts()
    assert draw("views").props() == {"views": True, "view_count": True}
    group.view_count = 5
    assert draw("views").texts() == ""
    group.views = "VIEWPORT"
    assert "view_count" not in draw("views").props()


def test_texture(cube):
    cube.data.uv_layers.new(name="Second").active_render = True
    names = {"output", "assign", "replace", "relief", "relief_strength", "uv_map"}
    assert set(draw("texture").props()) == names
    assert "Second, as rendered" in draw("texture").texts()
    bpy.context.scene.style_transfer_3d.uv_map = "UVMap"
    assert draw("texture").texts() == ""
    bpy.context.view_layer.objects.active = None
    assert draw("texture").texts() == ""


def test_advanced(group):
    panel = draw("advanced")
    assert set(panel.props()) == {
        "steps", "seed", "device", "backbone", "weights_file",
        *(f"layer_weights[{index}]" for index in range(5)),
    }  # fmt: skip
    assert "864 by preset Standard" in panel.texts()
    for name in ("relu1_1", "relu5_1"):
        assert name in panel.texts()
    group.steps = 7
    assert "by preset" not in draw("advanced").texts()


def test_every_setting_is_in_one_place(group):
    places = [
        *draw().props(),
        *(p for n in SUBPANELS for p in draw(n).props()),
    ]
    places = [
        name.partition("[")[0] for name in places if not name.endswith(("[1]", "[2]", "[3]", "[4]"))
    ]
    assert sorted([*places, "more_styles"]) == sorted(settings.NAMES)


def test_strokes(group):
    assert set(draw("strokes").props()) == {
        "color", "stroke_size", "stroke_length", "stroke_rotation", "tv_weight", "start",
        "content_source", "style_loss",
    }  # fmt: skip


def test_more_styles_come_and_go(group):
    assert draw("regions").props() == {"protect": True, "style_region": True}
    assert list(draw("regions").buttons()) == [ADD]
    bpy.ops.object.style_transfer_style_add()
    bpy.ops.object.style_transfer_style_add()
    group.more_styles[1].file = "//second.png"
    assert set(draw("regions").props()) >= {"file", "weight", "region"}
    bpy.ops.object.style_transfer_style_remove(index=0)
    assert [style.file for style in group.more_styles] == ["//second.png"]
    assert bpy.ops.object.style_transfer_style_remove(index=5) == {"CANCELLED"}


def test_regions_are_chosen_from_what_the_mesh_has(group, cube):
    """Vertex groups and color attributes, of all objects that are selected."""
    cube.vertex_groups.new(name="Face")
    cube.data.color_attributes.new("Mask", "FLOAT_COLOR", "CORNER")
    other = add_cube("Other")
    other.vertex_groups.new(name="Face")
    other.vertex_groups.new(name="Feet")
    cube.select_set(True)
    assert set(look_settings.find_regions(group, bpy.context, "")) == {"Face", "Mask", "Feet"}
    assert set(look_settings.find_regions(group, bpy.context, "f")) == {"Face", "Feet"}
    other.select_set(False)
    assert look_settings.find_regions(group, bpy.context, "F") == ["Face"]


def test_result(cube, tmp_path, monkeypatch):
    assert draw("result") is None
    report = {
        "style_distance": 0.126, "content_distance": 0.4, "seam_ratio": 1.01, "coverage": 0.984,
        "seconds": 125.2, "steps": 150,
    }  # fmt: skip
    texture = save_png(tmp_path / "painted.png", stripes(16, 16))
    stand_in(tmp_path, painter(texture, report), monkeypatch)
    bpy.ops.object.style_transfer(preset="DRAFT")
    assert draw("result").texts() == (
        "Cube style Picture stripes.png Preset Draft Steps 150 Painted in 2:05 "
        "From Picture 0.13 (0: the same) From Original 0.40 (0: the same) Seams Nothing to see "
        "Cameras Saw 98% of the surface"
    )
    add_cube("Another")
    assert draw("result") is None


@pytest.mark.parametrize(
    "recipe",
    ["", "{", "[]", "null", 3, '{"report": 3, "styles": [3]}', '{"styles": 3}',
     '{"report": {"seconds": "long"}}',
     '{"report": {"seconds": NaN, "coverage": Infinity, "seam_ratio": true}}'],
)  # fmt: skip
def test_a_recipe_that_is_none(recipe):
    assert result.facts(recipe) == []


def test_seams_in_words():
    words = [
        dict(result.facts(json.dumps({"report": {"seam_ratio": ratio}})))["Seams"]
        for ratio in (0.9, 1.5, 3.0)
    ]
    assert words == ["Nothing to see", "Faint", "Can be seen"]


def test_the_thumbnail_follows_its_file(tmp_path):
    """Without a window Blender gives no icon; what is read is known by its key."""
    previews = thumbnail._state["previews"]
    file = save_png(tmp_path / "one.png", stripes(8, 8))
    thumbnail.icon(file)
    (first,) = previews
    thumbnail.icon(file)
    assert list(previews) == [first]
    os.utime(file, (time.time(), time.time() + 5))
    thumbnail.icon(file)
    assert first not in previews
    assert len(previews) == 1


@pytest.mark.parametrize("name", ["missing.png", ".", "a\0b", "corrupt.png"])
def test_a_thumbnail_of_nothing(tmp_path, name):
    (tmp_path / "corrupt.png").write_text("no picture")
    assert thumbnail.icon(tmp_path / name) == 0


def test_choose(scene, style):
    bpy.ops.object.style_transfer_choose(filepath=str(style))
    assert scene.style_transfer_3d.style == str(style)


def test_choose_relative(scene, style, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    group = bpy.context.scene.style_transfer_3d
    bpy.ops.object.style_transfer_choose(filepath=str(style))
    assert group.style == f"//{style.name}"
    bpy.ops.object.style_transfer_choose(filepath=str(style), relative_path=False)
    assert group.style == str(style)


def test_the_panel_asks_no_process(cube, monkeypatch):
    def forbidden(*_args, **_kwargs):
        raise AssertionError("a process, at a redraw")

    monkeypatch.setattr(worker.subprocess, "Popen", forbidden)
    draw()
    assert engine_python.find().path


def test_drawing_is_quick(cube):
    took = []
    for _ in range(20):
        begun = time.perf_counter()
        draw()
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.01
