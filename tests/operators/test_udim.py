"""UDIM tiles: each read as it is, painted as a texture of its own, and written as one image."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import preview, udim
from style_transfer_3d.operators.image_pixels import decode, encode, pixels
from style_transfer_3d.operators.messages import Done
from style_transfer_3d.operators.outputs import target_requests
from style_transfer_3d.operators.recipe import RECIPE, RELIEF
from style_transfer_3d.operators.targets import Target
from style_transfer_3d.operators.write_back import write_back

from tests.operators.calling import error_of
from tests.operators.readings import made_of
from tests.operators.run_requests import request
from tests.operators.scenes import (
    add_cube,
    add_material,
    dump,
    new_image,
    painter,
    principled,
    save_png,
    select,
    shown_image,
    stand_in,
    stripes,
    surface,
    whole_dump,
)

COLORS = {1001: (1, 0, 0), 1002: (0, 1, 0), 1012: (0, 0, 1)}
SIZES = {1001: (8, 8), 1002: (4, 16), 1012: (2, 2)}


def flat(number):
    """(H, W, 3): what the artist has on a tile."""
    return np.full((*SIZES[number], 3), COLORS[number], np.float32)


@pytest.fixture
def tiled(tmp_path):
    """An image with three tiles of different sizes."""
    for number in SIZES:
        save_png(tmp_path / f"skin.{number}.png", flat(number))
    return udim.load(tmp_path / "skin.<UDIM>.png")


@pytest.fixture
def cube(tiled, scene, style):
    """A cube with four faces on tile 1001, one on 1002 and one on 1012."""
    obj = add_cube()
    add_material(obj, "m", tiled)
    uvs = np.empty((6, 4, 2), np.float32)
    obj.data.uv_layers[0].uv.foreach_get("vector", uvs.reshape(-1))
    uvs = uvs * 0.9 + 0.05
    uvs[4] += (1, 0)
    uvs[5] += (1, 1)
    obj.data.uv_layers[0].uv.foreach_set("vector", uvs.reshape(-1))
    scene.style_transfer_3d.style = str(style)
    return obj


@pytest.fixture
def textures(tmp_path):
    """What the engine paints: three PNG files, no two alike."""
    (tmp_path / "result").mkdir()
    return [
        save_png(tmp_path / "result" / f"texture_{n}.png", stripes(16, 16) * (n + 1) / 3)
        for n in range(3)
    ]


def tiles_of(image):
    """The pixels of each tile as they are shown, by number."""
    with udim.single_images(image) as singles:
        return {number: pixels(single) for number, single in singles.items()}


def is_painted(image, textures):
    """Whether the tiles of `image` are what is in these files."""
    found = tiles_of(image)
    assert sorted(found) == sorted(COLORS)
    for number, file in zip(sorted(COLORS), textures, strict=True):
        single = bpy.data.images.load(str(file))
        assert np.array_equal(found[number], pixels(single))
        bpy.data.images.remove(single)
    return True


@given(st.floats(0, 9.99), st.floats(0, 99.9))
def test_numbers_are_blenders(u, v):
    middle = np.float32([u, v])
    uvs = np.repeat(middle[None, None], 3, 1)  # (1, 3, 2)
    expected = 1001 + int(np.floor(middle[0])) + 10 * int(np.floor(middle[1]))
    assert udim.numbers(uvs, "Cube").tolist() == [expected]


@pytest.mark.parametrize("place", [(-0.5, 0.5), (10.5, 0.5), (0.5, -0.5), (0.5, 100.5)])
def test_where_no_tile_can_be(place):
    uvs = np.float32([[place] * 3, [(0.5, 0.5)] * 3])
    with pytest.raises(JobError, match="UV map of 'Cube': 1 of its triangles lie on no UDIM tile"):
        udim.numbers(uvs, "Cube")


@pytest.mark.parametrize("space", ["sRGB", "Non-Color"])
@pytest.mark.parametrize("packed", [False, True])
def test_each_tile_is_read_as_an_image_would_be(tiled, tmp_path, packed, space):
    if packed:
        tiled.pack()
        for file in tmp_path.glob("skin.*"):
            file.unlink()
    tiled.colorspace_settings.name = space
    before = dump()
    found = tiles_of(tiled)
    assert dump() == before
    assert not tiled.is_dirty
    for number in SIZES:
        alone = new_image("alone", flat(number), is_data=space == "Non-Color")
        assert np.array_equal(found[number], pixels(alone))


def test_tiles_of_float(tmp_path):
    values = {1001: 0.25, 1003: 0.123}
    for number, value in values.items():
        single = new_image(str(number), np.full((4, 4, 3), value, np.float32), is_float=True)
        single.filepath_raw = str(tmp_path / f"f.{number}.exr")
        single.file_format = "OPEN_EXR"
        single.save()
        single.name = f"f{number}"
    found = tiles_of(udim.load(tmp_path / "f.<UDIM>.exr"))
    for number in values:
        file = bpy.data.images.load(str(tmp_path / f"f.{number}.exr"))
        assert np.abs(found[number] - pixels(file)).max() < 1e-3  # EXR of half floats


def test_paint_that_is_not_saved_is_not_lost(tiled):
    tiled.pixels[0] = 0.5
    with (
        pytest.raises(JobError, match=r"Image 'skin.<UDIM>.png': it has UDIM tiles that are not"),
        udim.single_images(tiled),
    ):
        pass
    assert tiled.is_dirty


def test_the_job_has_a_texture_and_a_look_for_each_tile(cube):
    made = made_of(cube)
    (target,) = made.targets
    assert (target.name, target.tiles, target.textures) == ("Cube", (1001, 1002, 1012), (0, 1, 2))
    mesh = made.job.mesh
    number = np.array(sorted(SIZES))[mesh.textures]
    corner = np.floor(mesh.uvs.mean(1)).astype(int)
    assert np.array_equal(number, 1001 + corner[:, 0] + 10 * corner[:, 1])
    for face, tile in enumerate(number):
        look = made.job.originals[mesh.materials[face]]
        assert np.array_equal(look, flat(tile))
    assert made.warnings == ()
    made.job.validate()


def test_two_objects_on_the_tiles_of_one_image(cube, tiled):
    other = add_cube("Other")
    add_material(other, "n", tiled)
    made = made_of(cube, other)
    (target,) = made.targets
    assert target.name == "skin"
    assert set(made.job.mesh.textures[12:]) == {0}


def test_a_tile_that_is_missing(cube, tmp_path):
    (tmp_path / "skin.1012.png").unlink()
    made = made_of(cube)
    (warning,) = made.warnings
    assert warning.startswith("Image 'skin.<UDIM>.png' has no UDIM tile 1012: grey is taken")
    assert made.targets[0].tiles == (1001, 1002, 1012)


def test_a_face_on_no_tile_is_refused(cube, style):
    cube.data.uv_layers[0].uv[0].vector.x -= 9
    assert "UV map of 'Cube': 2 of its triangles lie on no UDIM tile" in error_of()


@pytest.fixture
def painting(textures, tmp_path, monkeypatch):
    stand_in(tmp_path, painter(textures, {}), monkeypatch)


def test_packed(cube, painting, textures, tmp_path):
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    image = shown_image(bpy.data.objects["Cube"].active_material)
    assert (image.name, image.source, image.filepath) == ("Cube style", "TILED", "")
    assert len(image.packed_files) == 3
    assert is_painted(image, textures)
    assert (image.size[0], image.colorspace_settings.name) == (16, "sRGB")
    assert bpy.data.images["skin.<UDIM>.png"].source == "TILED"


@pytest.mark.parametrize("name", ["out.png", "out.<UDIM>.png"])
def test_saved(cube, painting, textures, tmp_path, name):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    select(bpy.data.objects["Cube"])
    assert bpy.ops.object.style_transfer(output=f"//{name}") == {"FINISHED"}
    image = shown_image(bpy.context.object.active_material)
    assert (image.source, image.filepath) == ("TILED", "//out.<UDIM>.png")
    assert not image.packed_files
    for number, texture in zip(sorted(COLORS), textures, strict=True):
        assert (tmp_path / f"out.{number}.png").read_bytes() == texture.read_bytes()
    assert is_painted(image, textures)


def test_a_second_run_starts_from_the_artists_tiles(cube, painting):
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    made = made_of(cube)
    assert {look.shape[:2] for look in made.job.originals} == set(SIZES.values())
    assert bpy.ops.object.style_transfer(replace=True) == {"FINISHED"}
    assert [i.name for i in bpy.data.images if i.get(RECIPE)] == ["Cube style"]


def behind_a_mix(obj):
    """Half of the look of each tile is white; returns the mix."""
    tree = obj.active_material.node_tree
    mix = tree.nodes.new("ShaderNodeMixRGB")
    mix.inputs[2].default_value = (1, 1, 1, 1)
    socket = principled(obj.active_material).inputs["Base Color"]
    tree.links.new(socket.links[0].from_socket, mix.inputs[1])
    tree.links.new(mix.outputs[0], socket)
    return mix


def half_white(number):
    return encode((decode(np.float32(COLORS[number])) + 1) / 2)


def shows(made, color):
    """Whether the middle of each triangle has the `color` of its tile, but for half floats."""
    mesh, (target,) = made.job.mesh, made.targets
    for uv, look, texture in zip(mesh.uvs.mean(1), mesh.materials, mesh.textures, strict=True):
        image = made.job.originals[look]
        column, row = ((uv % 1) * image.shape[1::-1]).astype(int)
        found = image[image.shape[0] - 1 - row, column]
        if np.abs(found - color(target.tiles[texture])).max() > 2e-3:
            return False
    return True


@pytest.mark.parametrize("packed", [False, True])
def test_tiles_behind_a_mix_are_baked_tile_by_tile(cube, tiled, packed):
    if packed:
        tiled.pack()
    behind_a_mix(cube)
    before = dump()
    made = made_of(cube, texture_size=256)
    assert dump() == before
    (target,) = made.targets
    assert (target.name, target.tiles, target.textures) == ("Cube", (1001, 1002, 1012), (0, 1, 2))
    assert shows(made, half_white)
    assert made.warnings == ()


def test_they_are_painted_tile_by_tile_and_again(cube, painting, textures):
    mix = behind_a_mix(cube)
    assert bpy.ops.object.style_transfer(texture_size=256) == {"FINISHED"}
    assert is_painted(shown_image(cube.active_material), textures)
    assert mix.name in cube.active_material.node_tree.nodes
    made = made_of(cube, texture_size=256)
    assert made.targets[0].tiles == (1001, 1002, 1012)
    assert shows(made, half_white)


def test_a_look_without_an_image_beside_tiles_of_another_use(cube, tiled):
    """A flat color, and the image as roughness: its tiles are what the UVs are made for."""
    tree = cube.active_material.node_tree
    (link,) = principled(cube.active_material).inputs["Base Color"].links
    tree.links.new(link.from_socket, principled(cube.active_material).inputs["Roughness"])
    tree.links.remove(link)
    made = made_of(cube)
    assert made.targets[0].tiles == (1001, 1002, 1012)
    assert {look.shape for look in made.job.originals} == {(1, 1, 3)}
    assert made.warnings == ()
    tree.links.clear()
    tree.links.new(principled(cube.active_material).outputs[0], surface(cube.active_material))
    assert made_of(cube).targets[0].tiles == ()


def test_a_mixed_tile_that_is_missing(cube, tmp_path):
    behind_a_mix(cube)
    (tmp_path / "skin.1012.png").unlink()
    made = made_of(cube, texture_size=256)
    (warning,) = made.warnings
    assert warning.startswith("Image 'skin.<UDIM>.png' has no UDIM tile 1012: grey is taken")
    assert np.allclose(made.job.originals[2], encode(np.full(3, 0.8, np.float32)))


def test_mixed_tiles_that_cannot_be_read(cube, tiled, tmp_path):
    behind_a_mix(cube)
    tiled.pixels[0] = 0.5
    assert "Image 'skin.<UDIM>.png': it has UDIM tiles that are not saved" in error_of()
    tiled.reload()
    for file in tmp_path.glob("skin.*"):
        file.unlink()
    tiled.reload()
    assert "its files" in error_of()


def test_the_relief_has_tiles_too(cube, textures, tmp_path):
    target = made_of(cube).targets[0]
    done = Done(tuple(textures), tmp_path / "report.json", tuple(textures[::-1]), 0.125)
    asked = request(relief="BUMP", output=tmp_path / "o.png")
    assert write_back([target], done, ["{}"], asked) == []
    relief = bpy.data.images["Cube relief"]
    assert (relief.source, relief.filepath) == (
        "TILED", str(tmp_path / "o_relief.<UDIM>.png")
    )  # fmt: skip
    assert relief.colorspace_settings.name == "Non-Color"
    assert relief.get(RELIEF)
    assert (tmp_path / "o_relief.1001.png").read_bytes() == textures[2].read_bytes()
    assert principled(cube.active_material).inputs["Normal"].links


def test_a_file_of_the_artists_tiles_is_never_written_over(cube, tmp_path):
    text = error_of(output=str(tmp_path / "skin.png"))
    assert "skin.1001.png': it is the file of image 'skin.<UDIM>.png'" in text


def test_udim_in_the_name_of_what_has_none(tmp_path):
    asked = request(output=tmp_path / "o.<UDIM>.png")
    with pytest.raises(JobError, match=r"Output .*o.<UDIM>.png': 'Cube' has no UDIM tiles"):
        target_requests(asked, [Target("Cube")])


def test_names_of_several(tmp_path):
    asked = request(output=tmp_path / "o.png")
    targets = [Target("A b"), Target("A_b"), Target("Skin", tiles=(1001,))]
    names = [one.output.name for one in target_requests(asked, targets)]
    assert names == ["o_A_b.png", "o_A_b_2.png", "o_Skin.<UDIM>.png"]
    assert [Path(one.output_as_given).name for one in target_requests(asked, targets)] == names


def test_a_preview_comes_and_goes(cube):
    before = whole_dump()
    (target,) = made_of(cube).targets
    for size in (4, 4, 8):
        shown = [
            np.dstack([flat(1001 if n else 1002)[:1, :1].repeat(size, 0).repeat(size, 1),
                       np.ones((size, size), np.float32)])
            for n in range(3)
        ]  # fmt: skip
        preview.show(0, target, shown)
        image = shown_image(cube.active_material)
        assert image.name == preview.NAME
        assert {k: tuple(v[0, 0]) for k, v in tiles_of(image).items()} == {
            1001: COLORS[1002], 1002: COLORS[1001], 1012: COLORS[1001]
        }  # fmt: skip
    assert len([i for i in bpy.data.images if i.name.startswith(preview.NAME)]) == 1
    preview.clear()
    assert whole_dump() == before
