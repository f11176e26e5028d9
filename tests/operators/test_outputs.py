"""What becomes of a texture: an image alone, an EXR file, one with alpha, one on linked data.

The libraries are .blend files that the tests make.
"""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import saved_files, udim
from style_transfer_3d.operators.image_files import resized, with_alphas
from style_transfer_3d.operators.image_pixels import decode, opacity, pixels
from style_transfer_3d.operators.output_checks import check_output

from tests.operators.readings import made_of
from tests.operators.results import done, painted
from tests.operators.run_requests import request
from tests.operators.scenes import (
    add_cube,
    add_material,
    dump,
    new_image,
    painter,
    principled,
    save_png,
    shown_image,
    stand_in,
    stripes,
)

EIGHT_BITS = 0.51 / 255


def cut_out(result, alpha):
    """A result of the engine's with `alpha`."""
    return replace(result, textures=with_alphas(result.textures, (alpha,)))


def test_an_image_alone(texture):
    obj = add_cube()
    add_material(obj, "m", new_image("artist", stripes(4, 4)))
    before = dump()[1:3]
    image = painted(obj, (0,), done(texture), "{}", request(assign="IMAGE_ONLY"))
    assert dump()[1:3] == before
    assert image.use_fake_user
    assert image.packed_file
    assert np.abs(pixels(image) - stripes(16, 16)).max() <= EIGHT_BITS


@pytest.mark.parametrize("with_alpha", [False, True])
def test_exr(texture, tmp_path, with_alpha):
    obj, output = add_cube(), tmp_path / "out.exr"
    check_output(output, [])
    alpha = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16) if with_alpha else None
    result = cut_out(done(texture), alpha)
    image = painted(obj, (0,), result, "{}", request(output=output))
    assert (image.filepath, image.is_float) == (str(output), True)
    assert np.abs(pixels(image) - stripes(16, 16)).max() < EIGHT_BITS + 1e-3
    raw = np.empty(16 * 16 * 4, np.float32)
    image.pixels.foreach_get(raw)
    rows = raw.reshape(16, 16, 4)[::-1]
    assert np.abs(rows[..., :3] - decode(stripes(16, 16))).max() < 0.01
    assert with_alpha == (opacity(image) is not None)
    assert output.read_bytes()[:4] == bytes.fromhex("762f3101")
    assert b"channels\0chlist\0" in output.read_bytes()[:400]
    assert b"R\0\1\0\0\0" in output.read_bytes()[:400]  # its pixel type: 16-bit floats
    names = {p.name for p in tmp_path.iterdir()}
    assert names - {"texture_alpha.png"} == {"out.exr", "texture.png"}


def test_alpha_in_the_painted_image(texture):
    """It is the original's, enlarged, and what shows in the material is the color without it."""
    obj = add_cube()
    material = add_material(obj, "m", new_image("artist", stripes(4, 4)))
    alpha = np.float32([[0, 1], [1, 0.5]])
    image = painted(obj, (0,), cut_out(done(texture), alpha), "{}", request())
    assert shown_image(material) == image
    assert image.alpha_mode == "CHANNEL_PACKED"
    assert np.abs(opacity(image) - resized(alpha, (16, 16))).max() <= EIGHT_BITS
    assert opacity(image)[0, 0] == 0
    assert np.abs(pixels(image) - stripes(16, 16)).max() <= EIGHT_BITS


def test_resized_keeps_the_mean():
    image = np.random.default_rng(0).random((12, 8), np.float32)
    assert resized(image, (3, 2)).mean() == pytest.approx(image.mean(), abs=1e-3)
    assert resized(image, (12, 8)) is image
    assert resized(image, (24, 16)).shape == (24, 16)
    assert np.allclose(resized(np.full((5, 3), 0.25, np.float32), (7, 11)), 0.25)


def veiled(name, alpha):
    """An image of 4 x 4 texels of one color, with `alpha` everywhere."""
    image = bpy.data.images.new(name, 4, 4, alpha=True)
    image.pixels.foreach_set(np.tile(np.float32((0.4, 0.3, 0.2, alpha)), 16))
    return image


def test_an_exr_file_that_cannot_be_written_is_packed(style, texture, tmp_path, monkeypatch):
    def fail(file, _texture):
        file.write_bytes(b"a part")
        raise JobError(f"File {str(file)!r}", "it cannot be written (full)", "Free some space")

    stand_in(tmp_path, painter(texture, {}), monkeypatch)
    monkeypatch.setattr(saved_files, "save_exr", fail)
    bpy.context.scene.style_transfer_3d.style = str(style)
    material = add_material(add_cube(), "m")
    before = sorted(tmp_path.iterdir())
    bpy.ops.object.style_transfer(output=str(tmp_path / "out.exr"))
    assert shown_image(material).packed_file
    assert sorted(tmp_path.iterdir()) == before


def test_each_texture_has_the_alpha_of_its_image(style):
    bpy.context.scene.style_transfer_3d.style = str(style)
    objects = [add_cube(name) for name in "abc"]
    add_material(objects[0], "opaque", new_image("i", stripes(4, 4)))
    add_material(objects[1], "half", veiled("j", 0.5))
    made = made_of(*objects)
    alphas = {target.name: made.alphas[target.textures[0]] for target in made.targets}
    assert alphas["a"] is None
    assert alphas["c"] is None
    assert np.allclose(alphas["b"], 0.5, atol=0.01)


@pytest.mark.parametrize("output", ["", "out.png", "out.exr"])
def test_udim_tiles_keep_their_alphas(style, tmp_path, monkeypatch, output):
    """The tile at the left is opaque, the one at the right is not."""
    bpy.context.scene.style_transfer_3d.style = str(style)
    for number, alpha in {1001: 1.0, 1002: 0.5}.items():
        tile = veiled(str(number), alpha)
        tile.filepath_raw, tile.file_format = str(tmp_path / f"skin.{number}.png"), "PNG"
        tile.save()
        bpy.data.images.remove(tile)
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=2, y_subdivisions=1)
    obj = bpy.context.object
    for loop in obj.data.uv_layers[0].uv:
        loop.vector = (2 * loop.vector[0], loop.vector[1])
    material = add_material(obj, "m", udim.load(tmp_path / "skin.<UDIM>.png"))
    files = [save_png(tmp_path / f"t{n}.png", stripes(64, 64)) for n in range(2)]
    stand_in(tmp_path, painter(files, {}), monkeypatch)
    path = str(tmp_path / output) if output else ""
    assert bpy.ops.object.style_transfer(output=path) == {"FINISHED"}
    image = shown_image(material)
    assert [tile.number for tile in image.tiles] == [1001, 1002]
    with udim.single_images(image) as singles:
        assert opacity(singles[1001]) is None
        assert np.allclose(opacity(singles[1002]), 0.5, atol=0.01)
        for single in singles.values():
            single.alpha_mode = "CHANNEL_PACKED"
            assert np.abs(pixels(single) - stripes(64, 64)).max() < EIGHT_BITS + 1e-3


def library(tmp_path):
    """A .blend file with an object, its mesh and its material; the present file is empty again."""
    path = tmp_path / "library.blend"
    obj = add_cube("Linked")
    add_material(obj, "m", color=(1, 0, 0))
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return path


def reopened(tmp_path, name):
    """The object after the file was saved and opened again."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    return bpy.data.objects[name]


def test_a_linked_material_is_copied(texture, tmp_path):
    path = library(tmp_path)
    with bpy.data.libraries.load(str(path), link=True) as (_, into):
        into.materials = ["m"]
    (linked,) = bpy.data.materials
    obj = add_cube("Mine")
    obj.data.materials.append(linked)
    image = painted(obj, (0,), done(texture), "{}", request())
    assert obj.active_material != linked
    assert shown_image(linked) is None
    assert not obj.active_material.library
    name = image.name
    obj = reopened(tmp_path, "Mine")
    assert shown_image(obj.active_material).name == name


def test_an_override_of_a_library_object(texture, tmp_path):
    """Its mesh and material are the library's; it gets a material of its own that stays."""
    path = library(tmp_path)
    with bpy.data.libraries.load(str(path), link=True) as (_, into):
        into.objects = ["Linked"]
    linked = bpy.data.objects["Linked"]
    obj = linked.override_create(remap_local_usages=True)
    bpy.context.collection.objects.link(obj)
    obj.name = "Over"
    image = painted(obj, (0,), done(texture), "{}", request())
    assert shown_image(obj.active_material) == image
    assert not obj.active_material.library
    name = image.name
    obj = reopened(tmp_path, "Over")
    assert shown_image(obj.active_material).name == name
    assert principled(linked_material()).inputs["Base Color"].links[:] == ()


def linked_material():
    return next(m for m in bpy.data.materials if m.library)


def test_an_override_of_a_material(texture, tmp_path):
    """Blender does not keep new nodes in one, so it is copied."""
    path = library(tmp_path)
    with bpy.data.libraries.load(str(path), link=True) as (_, into):
        into.materials = ["m"]
    override = bpy.data.materials[0].override_create(remap_local_usages=True)
    obj = add_cube("Mine")
    obj.data.materials.append(override)
    image = painted(obj, (0,), done(texture), "{}", request())
    assert shown_image(obj.active_material) == image
    assert not obj.active_material.override_library
    name = image.name
    obj = reopened(tmp_path, "Mine")
    assert shown_image(obj.active_material).name == name
