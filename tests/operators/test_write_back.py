"""A PNG becomes an image and a node, on one object and nowhere else."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators.image_pixels import pixels
from style_transfer_3d.operators.output_checks import check_output, check_outputs
from style_transfer_3d.operators.recipe import RECIPE
from style_transfer_3d.operators.write_back import write_back

from tests.operators.image_editor import open_editor
from tests.operators.results import done, painted, target
from tests.operators.run_requests import request
from tests.operators.scenes import (
    add_cube,
    add_material,
    dump,
    new_image,
    principled,
    save_png,
    shown_image,
    stripes,
)


def test_packed_image_in_a_new_node(texture):
    obj = add_cube()
    artist = new_image("artist", stripes(4, 4))
    material = add_material(obj, "m", artist)
    nodes = {node.name for node in material.node_tree.nodes}
    image = painted(obj, (0,), done(texture), '{"a": 1}', request())
    texture.unlink()
    assert image.name == "Cube style"
    assert image[RECIPE] == '{"a": 1}'
    assert (image.filepath, image.colorspace_settings.name) == ("", "sRGB")
    assert image.packed_file
    assert np.abs(pixels(image) - stripes(16, 16)).max() <= 0.5 / 255 + 1e-6
    assert shown_image(material) == image
    assert material.node_tree.nodes.active.image == image
    assert nodes < {node.name for node in material.node_tree.nodes}
    assert bpy.data.images["artist"] == artist
    assert [m.name for m in bpy.data.materials] == ["m"]


def test_packed_image_survives_the_blend_file(texture, tmp_path):
    obj = add_cube()
    painted(obj, (0,), done(texture), "{}", request())
    texture.unlink()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    image = bpy.data.images["Cube style"]
    assert np.abs(pixels(image) - stripes(16, 16)).max() <= 0.5 / 255 + 1e-6
    assert shown_image(bpy.data.objects["Cube"].active_material) == image


def test_saved_image(texture, tmp_path):
    output = tmp_path / "out.png"
    image = painted(add_cube(), (0,), done(texture), "{}", request(output=output))
    assert output.read_bytes() == texture.read_bytes()
    assert image.filepath == str(output)
    assert not image.packed_file
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.png", "texture.png"]


def test_a_second_run_adds_a_second_image(texture):
    obj = add_cube()
    first = painted(obj, (0,), done(texture), "{}", request())
    second = painted(obj, (0,), done(texture), "{}", request())
    assert (first.name, second.name) == ("Cube style", "Cube style.001")
    material = obj.active_material
    images = [n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeTexImage"]
    assert len(images) == 2
    assert len({tuple(n.location) for n in images}) == 2
    assert shown_image(material) == second
    assert len(bpy.data.materials) == 1


def test_a_second_run_replaces_the_first_when_asked(texture):
    obj = add_cube()
    material = add_material(obj, "m", new_image("artist", stripes(4, 4)))
    painted(obj, (0,), done(texture), "1", request())
    nodes = len(material.node_tree.nodes)
    second = painted(obj, (0,), done(texture), "2", request(replace=True))
    assert (second.name, second[RECIPE]) == ("Cube style", "2")
    assert shown_image(material) == second
    assert len(material.node_tree.nodes) == nodes
    assert sorted(image.name for image in bpy.data.images) == ["Cube style", "artist"]


def test_a_result_in_use_elsewhere_and_the_artists_image_are_never_replaced(texture):
    obj, other = add_cube("A"), add_cube("B")
    material = add_material(obj, "m", new_image("artist", stripes(4, 4)))
    first = painted(obj, (0,), done(texture), "1", request(replace=True))
    add_material(other, "n", first)
    second = painted(obj, (0,), done(texture), "2", request(replace=True))
    assert shown_image(other.active_material) == first
    assert shown_image(material) == second
    assert {image.name for image in bpy.data.images} == {"A style", "A style.001", "artist"}


def test_a_material_that_lost_its_shader_meanwhile(texture):
    obj = add_cube()
    material = add_material(obj, "m")
    material.node_tree.nodes.remove(principled(material))
    (warning,) = write_back([target(obj, (0,))], done(texture), ["{}"], request())
    assert "no shader with a color feeds its output" in warning
    assert "'Cube style'" in warning
    assert bpy.data.images["Cube style"].packed_file


def test_slots_that_are_gone_meanwhile(texture):
    obj = add_cube()
    add_material(obj, "m")
    image = painted(obj, (0, 3), done(texture), "{}", request())
    assert shown_image(obj.active_material) == image
    assert len(obj.material_slots) == 1


def test_only_the_slots_in_use_are_painted(texture):
    obj = add_cube()
    first, second, third = (add_material(obj, name) for name in "abc")
    image = painted(obj, (0, 2), done(texture), "{}", request())
    assert [shown_image(m) for m in (first, second, third)] == [image, None, image]


@pytest.mark.parametrize("slots", [0, 1])
def test_no_material(texture, slots):
    obj = add_cube()
    for _ in range(slots):
        obj.data.materials.append(None)
    image = painted(obj, (0,), done(texture), "{}", request())
    assert len(obj.material_slots) == 1
    assert shown_image(obj.active_material) == image


def test_a_material_of_other_objects_is_copied(texture):
    obj, other = add_cube("A"), add_cube("B")
    shared = add_material(obj, "shared", color=(1, 0, 0))
    other.data.materials.append(shared)
    image = painted(obj, (0,), done(texture), "{}", request())
    assert other.active_material == shared
    assert shown_image(shared) is None
    assert obj.active_material != shared
    assert shown_image(obj.active_material) == image


def test_one_copy_for_all_slots_that_share_a_material(texture):
    obj, other = add_cube("A"), add_cube("B")
    shared = add_material(obj, "shared")
    obj.data.materials.append(shared)
    other.data.materials.append(shared)
    painted(obj, (0, 1), done(texture), "{}", request())
    assert obj.material_slots[0].material == obj.material_slots[1].material != shared
    assert len(bpy.data.materials) == 2


@pytest.mark.parametrize("materials", [0, 1])
def test_objects_that_share_the_mesh_stay_as_they_are(texture, materials):
    obj = add_cube()
    if materials:
        add_material(obj, "m")
    other = obj.copy()
    bpy.context.collection.objects.link(other)
    before = other.active_material
    image = painted(obj, (0,), done(texture), "{}", request())
    assert other.active_material == before
    assert before is None or shown_image(before) is None
    assert shown_image(obj.active_material) == image
    assert obj.material_slots[0].link == "OBJECT"


def test_a_slot_that_is_linked_to_the_object(texture):
    obj = add_cube()
    of_mesh = add_material(obj, "of mesh")
    of_object = add_material(obj, "of object")
    obj.data.materials.pop(index=1)
    obj.material_slots[0].link = "OBJECT"
    obj.material_slots[0].material = of_object
    image = painted(obj, (0,), done(texture), "{}", request())
    assert obj.material_slots[0].material == of_object
    assert shown_image(of_object) == image
    assert shown_image(of_mesh) is None


def test_what_else_feeds_the_material_stays(texture):
    obj = add_cube()
    material = add_material(obj, "m", new_image("i", stripes(4, 4)))
    shader, links = principled(material), material.node_tree.links
    image_node = shader.inputs["Base Color"].links[0].from_node
    links.new(image_node.outputs["Alpha"], shader.inputs["Alpha"])
    painted(obj, (0,), done(texture), "{}", request())
    assert shader.inputs["Alpha"].links[0].from_node == image_node


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("out.jpg", "its name does not end with .png"),
        ("out", "its name does not end with .png"),
        ("nowhere/out.png", "there is no folder"),
        ("folder.png", "it is a folder"),
        ("stripes.png/out.png", "there is no folder"),
        ("stripes.png", "it is the style picture"),
        ("artist.png", "it is the file of image 'artist.png'"),
    ],
)
def test_outputs_that_are_refused(tmp_path, style, name, why):
    (tmp_path / "folder.png").mkdir()
    bpy.data.images.load(str(save_png(tmp_path / "artist.png", stripes(4, 4))))
    with pytest.raises(JobError, match=why):
        check_output(tmp_path / name, [style])


def test_a_folder_that_cannot_be_written_to(style):
    with pytest.raises(JobError, match="nothing can be written to folder '/proc'"):
        check_output(Path("/proc/out.png"), [style])


@pytest.fixture
def earlier(tmp_path, texture):
    """A cube with a result that is saved in a file, and how to ask for another one there."""
    cube, asked = add_cube(), request(output=tmp_path / "out.png", replace=True)
    painted(cube, (0,), done(texture), '{"a": 1}', asked)
    return cube, asked


def test_an_earlier_result_may_be_written_over_where_it_is_replaced(earlier):
    cube, asked = earlier
    check_outputs(asked, [target(cube, (0,))])
    with pytest.raises(JobError, match=r"it is the file of image 'Cube style'.*Replace Earlier"):
        check_outputs(replace(asked, replace=False), [target(cube, (0,))])


def test_the_result_of_another_object_may_not(earlier):
    _cube, asked = earlier
    other = add_cube("Other")
    add_material(other, "o")
    with pytest.raises(JobError, match="it is the file of image 'Cube style'"):
        check_outputs(asked, [target(other, (0,))])


@pytest.mark.parametrize("shared", ["material", "mesh", "image"])
def test_a_result_that_another_object_shows_may_not(earlier, shared):
    cube, asked = earlier
    other = add_cube("Other")
    if shared == "material":
        other.data.materials.append(cube.active_material)
    elif shared == "mesh":
        other.data = cube.data
    else:
        add_material(other, "o", shown_image(cube.active_material))
    with pytest.raises(JobError, match="it is the file of image 'Cube style'"):
        check_outputs(asked, [target(cube, (0,))])


def test_a_result_whose_node_was_deleted_may_be_written_over(earlier, texture):
    cube, asked = earlier
    tree = cube.active_material.node_tree
    tree.nodes.remove(next(n for n in tree.nodes if n.type == "TEX_IMAGE"))
    assert not bpy.data.images["Cube style"].users
    check_outputs(asked, [target(cube, (0,))])
    image = painted(cube, (0,), done(texture), "{}", asked)
    assert [i.name for i in bpy.data.images] == ["Cube style"]
    assert shown_image(cube.active_material) == image


def test_an_image_alone_is_written_over_where_it_is_replaced(tmp_path, texture):
    """An editor that shows it is no user, and shows the new one."""
    cube, asked = add_cube(), request(output=tmp_path / "out.png", assign="IMAGE_ONLY")
    first = painted(cube, (0,), done(texture), '{"a": 1}', asked)
    with pytest.raises(JobError, match=r"'Cube style'.*turn Replace Earlier Result on"):
        check_outputs(asked, [target(cube, (0,))])
    asked = replace(asked, replace=True)
    with open_editor(first) as editor:
        check_outputs(asked, [target(cube, (0,))])
        second = painted(cube, (0,), done(texture), '{"a": 2}', asked)
        assert editor.image == second
    assert [i.name for i in bpy.data.images] == ["Cube style"]
    assert (second[RECIPE], second.use_fake_user) == ('{"a": 2}', True)


@pytest.mark.parametrize("use", ["brush", "library", "artist"])
def test_what_is_used_or_not_ours_is_not_written_over(tmp_path, texture, use):
    """Though it is replaced, and without a cure that does not help."""
    cube = add_cube()
    asked = request(output=tmp_path / "out.png", assign="IMAGE_ONLY", replace=True)
    image = painted(cube, (0,), done(texture), "{}", asked)
    if use == "brush":
        bpy.data.textures.new("brush", "IMAGE").image = image
    elif use == "artist":
        del image[RECIPE]
    else:
        path = tmp_path / "library.blend"
        bpy.data.libraries.write(str(path), {image})
        bpy.data.images.remove(image)
        with bpy.data.libraries.load(str(path), link=True) as (_, into):
            into.images = ["Cube style"]
    with pytest.raises(JobError, match=r"it is the file of image 'Cube style'") as caught:
        check_outputs(asked, [target(cube, (0,))])
    assert caught.value.cure == "Choose another file"


def test_a_result_that_was_painted_on_meanwhile_stays(earlier, texture):
    cube, asked = earlier
    image = shown_image(cube.active_material)
    cube.active_material.node_tree.nodes.clear()
    image.pixels[0] = 0.5
    assert image.is_dirty
    cube.data.materials.clear()
    again = painted(cube, (0,), done(texture), "{}", asked)
    assert {i.name for i in bpy.data.images} == {"Cube style", again.name}


def test_a_result_goes_where_it_was_asked_for_though_the_file_has_moved(tmp_path, texture):
    """The .blend file was in `first` when the run began, and was saved as one in `second`."""
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    save_png(tmp_path / "second" / "out.png", stripes(4, 4))
    asked = replace(request(output=tmp_path / "first" / "out.png"), output_as_given="//out.png")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "first" / "a.blend"))
    cube = add_cube()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "second" / "a.blend"))
    image = painted(cube, (0,), done(texture), "{}", asked)
    assert image.filepath == str(tmp_path / "first" / "out.png")
    assert tuple(image.size) == (16, 16)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "first" / "a.blend"))
    again = painted(add_cube("Other"), (0,), done(texture), "{}", asked)
    assert again.filepath == "//out.png"


def test_nothing_changes_when_the_output_cannot_be_written(tmp_path, texture):
    obj = add_cube()
    add_material(obj, "m")
    before = dump()
    with pytest.raises(JobError, match="it cannot be written"):
        painted(obj, (0,), done(texture), "{}", request(output=tmp_path / "nowhere" / "out.png"))
    assert dump() == before
