"""Unwrap: a UV map for what has none, and nothing else changed."""

import bpy
import numpy as np
import pytest
from style_transfer_3d.operators import unwrap

from tests.operators.scenes import add_cube, dump


def suzanne(subdivide=0):
    bpy.ops.mesh.primitive_monkey_add(calc_uvs=False)
    obj = bpy.context.object
    if subdivide:
        obj.modifiers.new("Subdivision", "SUBSURF").levels = subdivide
    return obj


def uvs_of(layer):
    uvs = np.empty(2 * len(layer.uv), np.float32)
    layer.uv.foreach_get("vector", uvs)
    return uvs.reshape(-1, 2)


def state(obj):
    """All that unwrapping must keep, in any mode."""
    mode = obj.mode
    if mode == "EDIT":
        obj.update_from_editmode()
    mesh = obj.data
    flags = {}
    for part, names in (("vertices", ("select", "hide")), ("edges", ("select", "hide", "use_seam")),
                        ("polygons", ("select", "hide", "use_smooth"))):  # fmt: skip
        for name in names:
            values = np.empty(len(getattr(mesh, part)), bool)
            getattr(mesh, part).foreach_get(name, values)
            flags[part, name] = values.tolist()
    return {
        "file": dump(),
        "flags": flags,
        "active": bpy.context.view_layer.objects.active.name,
        "selected": sorted(o.name for o in bpy.context.view_layer.objects if o.select_get()),
        "modes": sorted((o.name, o.mode) for o in bpy.data.objects),
        "attributes": sorted(
            (a.name, a.domain)
            for a in mesh.attributes
            if a.name != unwrap.NAME and not a.name.endswith(f".{unwrap.NAME}")  # flags of its own
        ),
        "maps": {
            layer.name: uvs_of(layer).tolist()
            for layer in mesh.uv_layers
            if layer.name != unwrap.NAME
        },
        "keys": mesh.shape_keys and [key.name for key in mesh.shape_keys.key_blocks],
    }


def texels(obj, size=1024):
    """How many triangles cover each texel's centre, their edges left out."""
    mesh = obj.data
    mesh.calc_loop_triangles()
    layer = next(layer for layer in mesh.uv_layers if layer.active_render)
    uvs = uvs_of(layer).astype(np.float64) * size
    covered = np.zeros((size, size), int)
    for triangle in mesh.loop_triangles:
        a, b, c = uvs[list(triangle.loops)]
        low, high = np.min([a, b, c], 0).astype(int), np.max([a, b, c], 0).astype(int) + 1
        v, u = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
        area = (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]
        if abs(area) < 1e-9:
            continue
        sides = [
            ((q - p)[0] * (v - p[1]) - (q - p)[1] * (u - p[0])) / area
            for p, q in ((a, b), (b, c), (c, a))
        ]
        covered[low[1] : high[1], low[0] : high[0]] += np.all(np.array(sides) > 1e-6, 0)
    return covered


def test_texels_are_square_whatever_the_scale():
    obj = add_cube()
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    obj.scale = (10, 1, -0.1)
    bpy.context.view_layer.update()
    assert bpy.ops.object.style_transfer_unwrap() == {"FINISHED"}
    layer = obj.data.uv_layers.active
    for polygon in obj.data.polygons:
        corners = list(polygon.loop_indices)
        ends = [
            [obj.matrix_world @ obj.data.vertices[obj.data.loops[i].vertex_index].co, layer.uv[i]]
            for i in corners
        ]
        sides = [
            (b[1].vector - a[1].vector).length / (b[0] - a[0]).length
            for a, b in zip(ends, ends[1:] + ends[:1], strict=True)
        ]
        assert max(sides) < 1.01 * min(sides)


def test_suzanne_gets_a_map_without_overlaps():
    obj = suzanne()
    assert bpy.ops.object.style_transfer_unwrap() == {"FINISHED"}
    (layer,) = obj.data.uv_layers
    assert (layer.name, layer.active, layer.active_render) == ("Style", True, True)
    uvs = uvs_of(layer)
    assert uvs.min() >= 0
    assert uvs.max() <= 1
    covered = texels(obj)
    assert (covered == 1).mean() > 0.3
    assert (covered > 1).mean() < 1e-3  # Smart UV Project folds an ear over


def test_one_more_map():
    obj = add_cube()
    before = state(obj)
    assert bpy.ops.object.style_transfer_unwrap() == {"FINISHED"}
    assert state(obj) == before
    assert [layer.active_render for layer in obj.data.uv_layers] == [False, True]
    assert texels(obj, 256).max() == 1


def test_hidden_and_selected_faces_in_edit_mode():
    other = add_cube("Other", location=(3, 0, 0))
    third = add_cube("Third", location=(6, 0, 0))
    obj = suzanne()
    obj.shape_key_add(name="Basis")
    obj.shape_key_add(name="Smile")
    other.select_set(True)
    third.select_set(False)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    bpy.ops.object.mode_set(mode="OBJECT")
    for face in range(40):
        obj.data.polygons[face].select = True
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.hide(unselected=False)
    bpy.ops.mesh.select_random(seed=3)
    before = state(obj)
    assert before["modes"] == [("Other", "EDIT"), ("Suzanne", "EDIT"), ("Third", "OBJECT")]
    assert bpy.ops.object.style_transfer_unwrap() == {"FINISHED"}
    assert state(obj) == before
    bpy.ops.object.mode_set(mode="OBJECT")
    assert (texels(obj) == 1).mean() > 0.3  # the hidden ones too
    assert not other.data.uv_layers.get("Style")


@pytest.mark.parametrize("mode", ["SCULPT", "TEXTURE_PAINT", "WEIGHT_PAINT", "VERTEX_PAINT"])
def test_other_modes(mode):
    obj = suzanne(subdivide=1)
    bpy.ops.object.mode_set(mode=mode)
    before = state(obj)
    assert bpy.ops.object.style_transfer_unwrap() == {"FINISHED"}
    assert state(obj) == before
    assert [layer.name for layer in obj.data.uv_layers] == ["Style"]


def test_nothing_else_is_selected_afterwards():
    other = add_cube("Other")
    obj = suzanne()
    obj.select_set(False)
    other.select_set(True)
    before = state(obj)
    assert bpy.ops.object.style_transfer_unwrap() == {"FINISHED"}
    assert state(obj) == before


def test_undo(scene):
    suzanne()
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.object.style_transfer_unwrap("EXEC_DEFAULT", True)
    assert bpy.data.objects["Suzanne"].data.uv_layers
    bpy.ops.ed.undo()
    assert not bpy.data.objects["Suzanne"].data.uv_layers


def test_no_faces():
    mesh = bpy.data.meshes.new("Points")
    mesh.from_pydata([(0, 0, 0)], [], [])
    obj = bpy.data.objects.new("Points", mesh)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    before = state(obj)
    with pytest.raises(RuntimeError, match=r"Mesh of 'Points': it has no faces\. Choose a mesh"):
        bpy.ops.object.style_transfer_unwrap()
    assert state(obj) == before


def test_what_cannot_be_unwrapped():
    assert unwrap.refusal(None).why == "none is active"
    bpy.ops.object.light_add()
    assert unwrap.refusal(bpy.context.object).why == "it is no mesh but a light"
    with pytest.raises(RuntimeError, match="it is no mesh but a light"):
        bpy.ops.object.style_transfer_unwrap()
    cube = add_cube()
    for _ in range(7):
        cube.data.uv_layers.new()
    assert "8 UV maps" in unwrap.refusal(cube).why
