"""A preview comes, stays out of everything that is kept, and goes without a trace."""

import bpy
import numpy as np
import pytest
from style_transfer_3d.operators import preview

from tests.operators.results import target
from tests.operators.scenes import (
    add_cube,
    add_material,
    dump,
    new_image,
    principled,
    shown_image,
    stripes,
    whole_dump,
)

PIXELS = np.dstack([stripes(16, 16), np.ones((16, 16), np.float32)])


def with_image():
    obj = add_cube()
    add_material(obj, "m", new_image("artist", stripes(4, 4)))
    return obj


def with_reroute_and_muted_link():
    obj = with_image()
    tree = obj.active_material.node_tree
    socket = principled(obj.active_material).inputs["Base Color"]
    reroute = tree.nodes.new("NodeReroute")
    tree.links.new(socket.links[0].from_socket, reroute.inputs[0])
    tree.links.new(reroute.outputs[0], socket).is_muted = True
    tree.nodes.active = reroute
    return obj


def without_material():
    return add_cube()


def with_an_empty_slot():
    obj = add_cube()
    obj.data.materials.append(None)
    return obj


def with_a_shared_material():
    obj = with_image()
    obj.data.materials.append(obj.active_material)
    add_cube("other").data.materials.append(obj.active_material)
    return obj


def with_a_shared_mesh():
    obj = with_image()
    bpy.context.collection.objects.link(obj.copy())
    return obj


def with_a_shared_mesh_and_a_material_of_its_own():
    obj = with_a_shared_mesh()
    obj.material_slots[0].link = "OBJECT"
    obj.material_slots[0].material = bpy.data.materials["m"].copy()
    return obj


def show(obj, slots, pixels):
    """The image of the preview."""
    preview.show(0, target(obj, slots), [pixels])
    (image,) = (i for i in bpy.data.images if i.name.startswith(preview.NAME))
    return image


SCENES = [
    with_image,
    with_reroute_and_muted_link,
    without_material,
    with_an_empty_slot,
    with_a_shared_material,
    with_a_shared_mesh,
    with_a_shared_mesh_and_a_material_of_its_own,
]


@pytest.mark.parametrize("make", SCENES)
@pytest.mark.parametrize("times", [1, 3])
def test_it_comes_and_goes(make, times):
    obj = make()
    before = whole_dump()
    slots = range(max(1, len(obj.material_slots)))
    for _ in range(times):
        image = show(obj, slots, PIXELS)
    for slot in obj.material_slots:
        assert shown_image(slot.material) == image
    others = [o for o in bpy.data.objects if o != obj]
    assert all(not s.material or shown_image(s.material) != image
               for o in others for s in o.material_slots)  # fmt: skip
    assert preview.is_shown()
    preview.clear()
    assert not preview.is_shown()
    assert whole_dump() == before


def test_its_pixels_and_a_change_of_size():
    obj = with_image()
    show(obj, [0], PIXELS)
    larger = np.dstack([stripes(32, 32), np.ones((32, 32), np.float32)])
    image = show(obj, [0], larger)
    found = np.empty(larger.size, np.float32)
    image.pixels.foreach_get(found)
    assert np.abs(found.reshape(larger.shape) - larger).max() <= 0.5 / 255 + 1e-6
    assert len([i for i in bpy.data.images if i.name.startswith(preview.NAME)]) == 1
    assert not image.packed_file


def test_what_the_artist_does_meanwhile_stays():
    obj = with_image()
    material = obj.active_material
    show(obj, [0], PIXELS)
    shader, tree = principled(material), material.node_tree
    shader.inputs["Roughness"].default_value = 0.123
    color = tree.nodes.new("ShaderNodeRGB")
    tree.links.new(color.outputs[0], shader.inputs["Base Color"])
    preview.clear()
    assert shader.inputs["Base Color"].links[0].from_node == color
    assert shader.inputs["Roughness"].default_value == pytest.approx(0.123)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("m", "m (preview)"), ("m.001", "m.001 (preview)"), ("ü" * 31, "ü" * 24 + " (preview)")],
)
def test_what_stands_in_for_a_shared_material_says_so(name, shown):
    obj = with_a_shared_material()
    obj.active_material.name = name
    for _ in range(2):
        show(obj, [0, 1], PIXELS)
        assert [slot.material.name for slot in obj.material_slots] == [shown] * 2
    assert bpy.data.objects["other"].active_material.name == name


def test_what_stands_in_for_no_material_says_so():
    obj = without_material()
    show(obj, [0], PIXELS)
    assert obj.active_material.name == "Cube style (preview)"


def test_slots_that_move_meanwhile_keep_their_materials():
    """A stand-in for a shared material, in a slot that was another one when it came."""
    obj = add_cube()
    unused, shared = (add_material(obj, name) for name in ("unused", "shared"))
    add_cube("other").data.materials.append(shared)
    show(obj, [1], PIXELS)
    obj.data.materials.pop(index=0)
    preview.clear()
    assert [slot.material for slot in obj.material_slots] == [shared]
    assert unused.users == 0


def test_a_material_without_base_color_keeps_its_look():
    obj = with_image()
    tree = obj.active_material.node_tree
    tree.nodes.remove(principled(obj.active_material))
    before = dump()
    show(obj, [0], PIXELS)
    preview.clear()
    assert dump() == before


def test_all_colors_of_a_mix_of_shaders():
    obj = with_image()
    tree = obj.active_material.node_tree
    diffuse, mix = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(principled(obj.active_material).outputs[0], mix.inputs[1])
    tree.links.new(diffuse.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.get_output_node("ALL").inputs["Surface"])
    tree.nodes.active = mix
    before = dump()
    show(obj, [0], PIXELS)
    assert diffuse.inputs["Color"].links[0].from_node.image.name == preview.NAME
    preview.clear()
    assert dump() == before
    assert tree.nodes.active == mix


def test_nothing_of_it_is_saved(tmp_path):
    obj = without_material()
    before = whole_dump()
    show(obj, [0], PIXELS)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert not preview.is_shown()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert whole_dump() == before


def test_a_file_that_was_saved_with_it_loses_it(tmp_path):
    """As Blender's own recovery saves, without a word to anyone."""
    with_a_shared_material()
    before = whole_dump()
    show(bpy.data.objects["Cube"], [0, 1], PIXELS)
    preview.unregister()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    preview.register()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert whole_dump() == before


def test_undo_and_redo_do_not_bring_it_back():
    with_image()
    before = whole_dump()
    bpy.ops.ed.undo_push(message="before")
    show(bpy.data.objects["Cube"], [0], PIXELS)
    bpy.ops.ed.undo_push(message="the artist did something else")
    bpy.ops.ed.undo_push(message="and again")
    bpy.ops.ed.undo()
    assert whole_dump() == before
    bpy.ops.ed.redo()
    assert whole_dump() == before
