"""Arrays copied whole, against what Blender says of each element."""

import bpy
import pytest
from style_transfer_3d.operators.mesh_arrays import corner_vertices, face_slots, triangle_faces

from tests.operators.scenes import add_material


@pytest.fixture(params=["as made", "after a modifier"])
def mesh(scene, request):
    """Triangles, quads and polygons of seven corners, in slots that go round."""
    bpy.ops.mesh.primitive_cylinder_add(vertices=7)
    obj = bpy.context.object
    for name in "abc":
        add_material(obj, name)
    obj.data.polygons.foreach_set("material_index", [n % 3 for n in range(9)])
    if request.param == "as made":
        yield obj.data
        return
    obj.modifiers.new("Array", "ARRAY")
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    yield evaluated.to_mesh()
    evaluated.to_mesh_clear()


def test_each_element(mesh):
    mesh.calc_loop_triangles()
    assert corner_vertices(mesh).tolist() == [loop.vertex_index for loop in mesh.loops]
    assert face_slots(mesh).tolist() == [face.material_index for face in mesh.polygons]
    assert triangle_faces(mesh).tolist() == [t.polygon_index for t in mesh.loop_triangles]
    assert len(set(face_slots(mesh))) == 3
    assert len(mesh.loop_triangles) > len(mesh.polygons)


def test_faces_without_slots_are_all_in_the_first(scene):
    bpy.ops.mesh.primitive_cube_add()
    assert face_slots(bpy.context.object.data).tolist() == [0] * 6


def test_a_mesh_without_faces(scene):
    empty = bpy.data.meshes.new("empty")
    assert not len(corner_vertices(empty))
    assert not len(face_slots(empty))
    assert not len(triangle_faces(empty))
