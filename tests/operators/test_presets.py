"""Looks under a name, kept the way Blender keeps presets."""

from pathlib import Path

import bpy
import pytest
from style_transfer_3d.operators import presets
from style_transfer_3d.operators.settings import NAMES

from tests.operators.layouts import Panel


@pytest.fixture(autouse=True)
def user_folder(tmp_path, monkeypatch):
    """Blender's own folders are left alone."""
    monkeypatch.setenv("BLENDER_USER_SCRIPTS", str(tmp_path / "scripts"))
    monkeypatch.setenv("BLENDER_USER_RESOURCES", str(tmp_path))
    return tmp_path


@pytest.fixture
def group(scene):
    return scene.style_transfer_3d


def values(group):
    return {
        name: tuple(value) if name == "layer_weights" else value
        for name in NAMES
        for value in [getattr(group, name)]
    }


def preset_file(name):
    (file,) = (
        Path(folder) / f"{name}.py"
        for folder in bpy.utils.preset_paths(presets.SUBDIR)
        if (Path(folder) / f"{name}.py").exists()
    )
    return file


def load(file):
    bpy.ops.script.execute_preset(filepath=str(file), menu_idname=presets.MENU)


def look(group):
    group.style, group.preset, group.seed = "/pictures/waves.png", "HIGH", 7
    group.style_weight, group.content_weight, group.texture_size = 2.3, 0.1, 2048
    group.layer_weights = (0, 0.1, 2, 3, 1 / 3)
    group.views, group.view_count, group.steps = "CAMERAS", 12, 99
    group.device, group.backbone, group.weights_file = "CPU", "VGG16", "/weights.pth"
    group.output, group.replace = "/results/cube.png", True


def test_a_look_comes_back_whole_in_another_file(group):
    look(group)
    wanted = values(group)
    assert bpy.ops.object.style_transfer_preset_add(name="Stormy Sea") == {"FINISHED"}
    assert values(group) == wanted
    file = preset_file("Stormy_Sea")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    group = bpy.context.scene.style_transfer_3d
    group.output, group.replace = "/another.png", False
    load(file)
    assert values(group) == {**wanted, "output": "/another.png", "replace": False}


def test_paths_are_kept_whole(group, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    group = bpy.context.scene.style_transfer_3d
    group.style = "//waves.png"
    bpy.ops.object.style_transfer_preset_add(name="relative")
    assert group.style == "//waves.png"
    load(preset_file("relative"))
    assert Path(group.style) == tmp_path / "waves.png"


def test_removed(group):
    bpy.ops.object.style_transfer_preset_add(name="passing")
    file = preset_file("passing")
    bpy.ops.object.style_transfer_preset_add(name="passing", remove_name=True)
    assert not file.exists()


def test_the_menu_is_in_the_header():
    panel = Panel(bpy.types.VIEW3D_PT_style_transfer)
    bpy.types.VIEW3D_PT_style_transfer.draw_header_preset(panel, bpy.context)
    assert [what for _kind, what, *_ in panel.layout.drawn] == [presets.MENU]


def test_the_menu_lists_what_is_saved(group):
    menu = Panel.draw(getattr(bpy.types, presets.MENU))
    assert menu.texts() == ""
    assert list(menu.buttons()) == ["object.style_transfer_preset_add"]
    bpy.ops.object.style_transfer_preset_add(name="Stormy Sea")
    menu = Panel.draw(getattr(bpy.types, presets.MENU))
    assert menu.buttons()["script.execute_preset"][0] == "Stormy Sea"
