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


NOT_IN_PRESETS = {
    "output": "/results/cube.png", "replace": True, "style_region": "Face", "protect": "Hands",
}  # fmt: skip


def values(group):
    found = {name: getattr(group, name) for name in NAMES}
    found["layer_weights"] = tuple(group.layer_weights)
    found["more_styles"] = [(s.file, s.weight, s.region) for s in group.more_styles]
    return found


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
    group.style_loss, group.color, group.start = "NEAREST_FEATURES", "MATCHED", "NOISE"
    group.content_source, group.tv_weight = "BOTH", 0.5
    group.stroke_size, group.stroke_length, group.stroke_rotation = 2.0, 3.0, 0.5
    second = group.more_styles.add()
    second.file, second.weight, second.region = "/pictures/sand.png", 0.5, "Beach"
    for name, value in NOT_IN_PRESETS.items():
        setattr(group, name, value)


def test_a_look_comes_back_whole_in_another_file(group):
    look(group)
    wanted = values(group)
    assert bpy.ops.object.style_transfer_preset_add(name="Stormy Sea") == {"FINISHED"}
    assert values(group) == wanted
    file = preset_file("Stormy_Sea")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    group = bpy.context.scene.style_transfer_3d
    own = {"output": "/another.png", "replace": False, "style_region": "", "protect": "Eyes"}
    for name, value in own.items():
        setattr(group, name, value)
    load(file)
    assert values(group) == {**wanted, **own}


def test_paths_are_kept_whole(group, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    group = bpy.context.scene.style_transfer_3d
    group.style = "//waves.png"
    group.more_styles.add().file = "//sand.png"
    bpy.ops.object.style_transfer_preset_add(name="relative")
    assert (group.style, group.more_styles[0].file) == ("//waves.png", "//sand.png")
    load(preset_file("relative"))
    assert Path(group.style) == tmp_path / "waves.png"
    assert Path(group.more_styles[0].file) == tmp_path / "sand.png"


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
