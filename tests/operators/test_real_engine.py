"""object.style_transfer with the real engine: short runs, and what the engine refuses."""

import json
import os
import signal
import struct
import zlib
from itertools import combinations

import bpy
import numpy as np
import pytest
from style_transfer_3d.operators import command, stylize, udim
from style_transfer_3d.operators.image_pixels import pixels
from style_transfer_3d.operators.recipe import RECIPE

from tests.operators.calling import refusal_of
from tests.operators.scenes import (
    ENGINE_PYTHON,
    add_cube,
    add_material,
    bare_python,
    dump,
    principled,
    quoted,
    save_png,
    select,
    shown_image,
    stand_in_python,
    stripes,
)

pytestmark = pytest.mark.usefixtures("python_with_torch")

SHORT = {"preset": "DRAFT", "steps": 4, "texture_size": 64, "device": "CPU", "backbone": "VGG16"}


def paint(style, **properties):
    return bpy.ops.object.style_transfer(style=str(style), **{**SHORT, **properties})


def error_of(style, **properties):
    return refusal_of(lambda: paint(style, **properties))


def blank_png(path, width, height):
    """A valid black PNG of any size, a few kB even when it is huge."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress(b"\0" * (height * (1 + width)), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.timeout(600)
def test_the_command_on_a_textured_cube(cube, style, tmp_path, capfd):
    output, report = tmp_path / "o.png", tmp_path / "r.json"
    options = {**SHORT, "style": style, "output": output, "report": report}
    arguments = [f"--{k.replace('_', '-')}={v}" for k, v in options.items()]
    assert command.run(["--object", "Cube", *arguments]) == 0
    said = capfd.readouterr().out
    for words in ("Step 4/4", f"Saved: '{output}'", f"Saved: '{report}'"):
        assert words in said
    image = shown_image(cube.active_material)
    assert tuple(image.size) == (64, 64)
    assert pixels(image).std() > 0.01
    measures = json.loads(report.read_text())
    assert measures == json.loads(image[RECIPE])["report"]
    assert {"style_distance", "style_gap_closed", "coverage", "seam_ratio"} < set(measures)


@pytest.mark.usefixtures("few_views")
def test_a_relief_and_its_undo(cube, style, tmp_path, capfd):
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    output = tmp_path / "o.png"
    options = {**SHORT, "style": style, "output": output, "relief": "BUMP", "relief-strength": 0.25}
    arguments = [f"--{k.replace('_', '-')}={v}" for k, v in options.items()]
    before = dump()
    assert command.run(["--object", "Cube", *arguments]) == 0
    bpy.ops.ed.undo_push(message="painted")
    said = capfd.readouterr().out
    assert said.index(f"Saved: '{tmp_path / 'o_relief.png'}'") < said.index(f"Saved: '{output}'")
    (link,) = principled(cube.active_material).inputs["Normal"].links
    assert link.from_node.inputs["Strength"].default_value == 0.25
    bpy.ops.ed.undo()
    assert dump() == before


@pytest.mark.usefixtures("few_views")
def test_two_flat_materials_seen_by_the_scenes_camera(style):
    bpy.ops.object.camera_add(location=(0, -6, 0), rotation=(np.pi / 2, 0, 0))
    obj = add_cube()
    red, grey = add_material(obj, "red", color=(1, 0, 0)), add_material(obj, "grey")
    obj.data.polygons.foreach_set("material_index", [0, 0, 0, 1, 1, 1])
    assert paint(style, views="CAMERAS") == {"FINISHED"}
    assert shown_image(red) == shown_image(grey) == bpy.data.images["Cube style"]


def test_a_style_that_is_no_image(cube, tmp_path):
    style = tmp_path / "notes.png"
    style.write_text("my notes")
    assert "notes.png" in error_of(style)


def test_a_style_that_is_truncated(cube, tmp_path):
    style = save_png(tmp_path / "half.png", np.random.default_rng(0).random((64, 64, 3)))
    style.write_bytes(style.read_bytes()[: style.stat().st_size // 2])
    assert "half.png" in error_of(style)


def test_a_style_of_an_odd_size(cube, tmp_path):
    text = error_of(blank_png(tmp_path / "odd.png", 20_000, 64))
    assert "odd.png" in text
    assert "20000 x 64" in text


def test_weights_that_are_not_there(cube, style, tmp_path):
    text = error_of(style, backbone="VGG19", weights_file=str(tmp_path / "vgg19.pth"))
    assert "vgg19.pth" in text


def test_weights_that_are_none(cube, style, tmp_path):
    weights = tmp_path / "vgg19.pth"
    weights.write_text("heavy")
    assert "vgg19.pth" in error_of(style, backbone="VGG19", weights_file=str(weights))


@pytest.mark.parametrize("with_packages", [False, True])
def test_a_python_whose_torch_is_missing_or_broken(
    cube, style, tmp_path, monkeypatch, with_packages
):
    python, site = bare_python(tmp_path / "bare", with_packages=with_packages)
    if with_packages:
        (site / "torch").mkdir()
        (site / "torch" / "__init__.py").write_text("raise OSError('libgone.so: not found')")
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", str(python))
    text = error_of(style)
    assert ("libgone.so" if with_packages else "No module named") in text
    assert "torch" in text


def test_an_engine_that_is_killed_half_way(cube, style, tmp_path, monkeypatch):
    pid_file = tmp_path / "pid"
    shell = f'echo $$ > {quoted(pid_file)}; exec {quoted(ENGINE_PYTHON)} "$@"'
    stand_in_python(tmp_path, shell, monkeypatch)
    line = stylize.progress_line

    def kill_at_step_1(message):
        if line(message).startswith("Step 1/"):
            os.kill(int(pid_file.read_text()), signal.SIGKILL)
        return line(message)

    monkeypatch.setattr(stylize, "progress_line", kill_at_step_1)
    assert "Engine: it ended half-way (killed by SIGKILL)" in error_of(style, steps=100_000)


@pytest.mark.usefixtures("few_views")
def test_two_objects_and_udim_tiles_in_one_run(cube, style, tmp_path):
    """Each object and each tile gets a texture that is no other one's; all share one report."""
    for number, level in ((1001, 0.2), (1002, 0.9)):
        save_png(tmp_path / f"skin.{number}.png", stripes(16, 16) * level)
    other = add_cube("Other", location=(3, 0, 0))
    add_material(other, "n", udim.load(tmp_path / "skin.<UDIM>.png"))
    uvs = np.empty((6, 4, 2), np.float32)
    other.data.uv_layers[0].uv.foreach_get("vector", uvs.reshape(-1))
    uvs[:3, :, 0] = uvs[:3, :, 0] * 0.9 + 1.05
    other.data.uv_layers[0].uv.foreach_set("vector", uvs.reshape(-1))
    select(cube, other)
    assert paint(style, relief="BUMP") == {"FINISHED"}
    images = [shown_image(obj.active_material) for obj in (cube, other)]
    assert [image.name for image in images] == ["Cube style", "Other style"]
    with udim.single_images(images[1]) as tiles:
        found = [pixels(images[0]), *(pixels(tiles[n]) for n in (1001, 1002))]
    assert [one.shape for one in found] == [(64, 64, 3)] * 3
    assert min(one.std() for one in found) > 0.01
    assert min(np.abs(a - b).mean() for a, b in combinations(found, 2)) > 0.01
    assert bpy.data.images["Other relief"].source == "TILED"
    assert images[0][RECIPE] == images[1][RECIPE]
