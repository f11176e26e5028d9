"""image.style_transfer with the real engine: short runs on small pictures, and what is refused."""

import json
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from style_transfer_3d.operators import command
from style_transfer_3d.operators.image_pixels import pixels
from style_transfer_3d.operators.on_image import refusal
from style_transfer_3d.operators.recipe import RECIPE

from tests.operators.calling import refusal_of
from tests.operators.image_editor import open_editor
from tests.operators.scenes import (
    new_image,
    painter,
    save_layers,
    save_png,
    stand_in,
    stripes,
)

pytestmark = pytest.mark.usefixtures("python_with_torch")

SHORT = {"preset": "DRAFT", "steps": 4, "device": "CPU", "backbone": "VGG16"}
SIZES = [(64, 100), (90, 64), (64, 640)]  # heights and widths


def quarters(height, width):
    """(H, W, 3): four colors, and lines of other colors along all four edges."""
    image = np.empty((height, width, 3), np.float32)
    top, left = slice(0, height // 2), slice(0, width // 2)
    bottom, right = slice(height // 2, None), slice(width // 2, None)
    image[top, left], image[top, right] = (0.8, 0.2, 0.2), (0.2, 0.8, 0.2)
    image[bottom, left], image[bottom, right] = (0.2, 0.2, 0.8), (0.7, 0.7, 0.2)
    image[0], image[-1] = 0.15, 0.85
    image[:, 0], image[:, -1] = (0.85, 0.5, 0.15), (0.15, 0.5, 0.85)
    return image


def values(image):
    """(H, W, 4) as Blender stores them."""
    found = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(found)
    return found.reshape(image.size[1], image.size[0], 4)


def paint(image, style, **properties):
    """The new image."""
    settings = {"style": str(style), **SHORT, **properties}
    assert bpy.ops.image.style_transfer(image=image.name, **settings) == {"FINISHED"}
    return bpy.data.images[f"{image.name} style"]


def error_of(**properties):
    return refusal_of(lambda: bpy.ops.image.style_transfer(**{**SHORT, **properties}))


@pytest.mark.usefixtures("few_views")
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_without_style_it_stays_what_it_is(tmp_path, height, width):
    """Every pixel in its place to the very edge; its own colors are taken for the style's."""
    look = quarters(height, width)
    style = save_png(tmp_path / "same.png", look)
    result = paint(new_image("a", look), style, style_weight=0.0)
    assert tuple(result.size) == (width, height)
    away = np.abs(pixels(result) - look)
    assert away.max() < 0.1
    assert away.mean() < 0.03
    assert result.packed_file
    recipe = json.loads(result[RECIPE])
    assert (recipe["image"], recipe["settings"]["texture_size"]) == ("a", max(height, width))


@pytest.mark.timeout(600)
def test_it_comes_nearer_to_the_style_and_leaves_the_original(style):
    noise = np.random.default_rng(0).random((8, 6, 3)).repeat(16, 0).repeat(16, 1)
    original = new_image("a", np.float32(noise))
    before = values(original)
    near = json.loads(paint(original, style, steps=40)[RECIPE])["report"]
    assert near["style_gap_closed"] > 0.3
    assert np.array_equal(values(original), before)
    assert bpy.data.images["a"] == original


@pytest.fixture
def painting(tmp_path, monkeypatch):
    """A stand-in for the engine, that painted a picture of 100 x 64."""
    texture = save_png(tmp_path / "painted.png", stripes(64, 100))
    stand_in(tmp_path, painter(texture, {"style_distance": 0.1}), monkeypatch)
    return texture


def test_alpha_is_kept(painting, style, tmp_path):
    original = new_image("a", stripes(64, 100))
    given = values(original)
    given[..., 3] = np.linspace(0, 1, 100)
    original.pixels.foreach_set(given.ravel())
    output = tmp_path / "out.png"
    result = paint(original, style, output=str(output))
    assert result.filepath == str(output)
    saved = bpy.data.images.load(str(output))
    for image in (result, saved):
        assert np.abs(pixels(image) - stripes(64, 100)).max() <= 0.51 / 255
        assert np.abs(values(image)[..., 3] - given[..., 3]).max() <= 0.51 / 255
    assert {i.name for i in bpy.data.images} == {"a", "a style", "out.png"}


def test_an_opaque_picture_is_saved_as_the_engine_made_it(painting, style, tmp_path):
    output = tmp_path / "out.png"
    paint(new_image("a", stripes(64, 100)), style, output=str(output))
    assert output.read_bytes() == painting.read_bytes()


def test_a_second_picture_into_the_same_file(painting, style, tmp_path):
    """There is no Replace; what the refusal names can be done."""
    original, output = new_image("a", stripes(64, 100)), str(tmp_path / "out.png")
    result = paint(original, style, output=output)
    text = error_of(image="a", style=str(style), output=output)
    assert "it is the file of image 'a style'. Choose another file, or delete that image" in text
    bpy.data.images.remove(result)
    paint(original, style, output=output)


def test_it_takes_the_editors_image_and_shows_the_new_one(painting, style):
    original, other = new_image("a", stripes(64, 100)), new_image("b", stripes(64, 64))
    with open_editor(original) as editor:
        assert bpy.ops.image.style_transfer(style=str(style)) == {"FINISHED"}
        assert editor.image == bpy.data.images["a style"]
        editor.image = other
        paint(original, style)
        assert editor.image == other


def test_the_result_outlives_the_file_though_no_editor_shows_it(painting, style, tmp_path):
    paint(new_image("a", stripes(64, 100)), style)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "it.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "it.blend"))
    assert np.abs(pixels(bpy.data.images["a style"]) - stripes(64, 100)).max() <= 0.51 / 255


def test_no_image():
    assert "Image: none is shown. Open one in the Image Editor" in error_of(style=__file__)


def test_a_name_that_is_none(style):
    text = error_of(image="gone", style=str(style))
    assert "Image 'gone': there is none of that name in the file." in text


def test_a_missing_file(style, tmp_path):
    gone = save_png(tmp_path / "gone.png", stripes(64, 64))
    bpy.data.images.load(str(gone))
    gone.unlink()
    text = error_of(image="gone.png", style=str(style))
    assert f"Image 'gone.png': its file '{gone}' is missing or is no picture." in text


def test_a_file_of_several_layers(tmp_path):
    image = bpy.data.images.load(str(save_layers(tmp_path / "layers.exr")))
    text = str(refusal(image))
    assert "Image 'layers.exr': its file has several layers" in text
    assert "Missing" not in text


@pytest.mark.parametrize(("height", "width"), [(63, 64), (64, 20), (8193, 64)])
def test_too_small_or_too_large(style, height, width):
    bpy.data.images.new("a", width, height)
    text = error_of(image="a", style=str(style))
    assert f"Image 'a': it has {width} x {height} pixels. Scale it" in text


@pytest.mark.parametrize(
    ("source", "why"),
    [("MOVIE", "it is a movie"), ("SEQUENCE", "an image sequence"), ("TILED", "it has UDIM tiles")],
)
def test_sources_that_are_refused(source, why):
    image = new_image("a", stripes(64, 64))
    image.source = source
    assert why in str(refusal(image))


def test_a_render_result(scene):
    bpy.ops.object.camera_add()
    scene.camera = bpy.context.object
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.render.resolution_x = scene.render.resolution_y = 64
    bpy.ops.render.render()
    assert "it is a render result" in str(refusal(bpy.data.images["Render Result"]))


@pytest.mark.usefixtures("few_views")
def test_the_command(style, tmp_path, capfd):
    file, output = save_png(tmp_path / "photo.png", stripes(64, 100)), tmp_path / "out.png"
    arguments = [f"--{k}={v}" for k, v in {**SHORT, "style": style, "output": output}.items()]
    assert command.run(["--image", str(file), *arguments]) == 0
    assert f"Saved: '{output}'" in capfd.readouterr().out
    (result,) = bpy.data.images
    assert (result.name, tuple(result.size)) == ("photo.png style", (100, 64))
    before = file.read_bytes()
    assert command.run(["--image", str(file), *arguments, f"--output={file}"]) == 1
    assert "it is the file of image 'photo.png'" in "".join(capfd.readouterr())
    assert file.read_bytes() == before


def test_a_command_for_no_picture(style, tmp_path, capfd):
    (tmp_path / "notes.png").write_text("my notes")
    assert command.run(["--image", str(tmp_path / "notes.png"), f"--style={style}"]) == 1
    assert "is missing or is no picture" in "".join(capfd.readouterr())
    assert not bpy.data.images


def test_a_command_for_a_file_that_must_not_be_read(style, tmp_path, capfd, monkeypatch):
    """Its error is Blender's own, for who runs the tests may be one who may read everything."""
    file = save_png(tmp_path / "secret.png", stripes(64, 64))

    def load(path):
        raise RuntimeError(f"Error: Cannot read '{path}': Permission denied\n")

    data = SimpleNamespace(images=SimpleNamespace(load=load))
    monkeypatch.setattr(command, "bpy", SimpleNamespace(data=data, ops=bpy.ops))
    assert command.run(["--image", str(file), f"--style={style}"]) == 1
    (line,) = "".join(capfd.readouterr()).splitlines()
    assert line.startswith(f"Error: Image '{file}': it cannot be read (")
    assert "Permission denied" in line
