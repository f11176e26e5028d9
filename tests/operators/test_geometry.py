"""Meshes as artists have them: modifiers, odd faces, odd places, every mode."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mathutils import Matrix, Vector
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators.command import find_object
from style_transfer_3d.operators.selection import selection

from tests.operators.readings import made_of
from tests.operators.scenes import add_cube, dump, select

pytestmark = pytest.mark.usefixtures("chosen_style")


def mesh_of(*objects, **given):
    made = made_of(*objects, **given)
    made.job.validate()
    return made.job.mesh


def evaluated(obj):
    """Corners (F, 3, 5) of the evaluated triangles as Blender tells them: world space and UV."""
    graph = bpy.context.evaluated_depsgraph_get()
    final = obj.evaluated_get(graph)
    data = final.to_mesh()
    data.calc_loop_triangles()
    layer = next(layer for layer in data.uv_layers if layer.active_render)
    found = [
        [(*(final.matrix_world @ data.vertices[v].co), *layer.uv[corner].vector)
         for v, corner in zip(triangle.vertices, triangle.loops, strict=True)]
        for triangle in data.loop_triangles
    ]  # fmt: skip
    final.to_mesh_clear()
    return np.array(found)


def same(mesh, corners, tolerance=1e-5):
    """Whether a mesh's triangles are these, in their order, whichever way round."""
    found = np.concatenate([mesh.vertices[mesh.faces], mesh.uvs], -1)
    turned = corners[:, ::-1] if np.abs(found - corners).max() > tolerance else corners
    return np.abs(found - turned).max() <= tolerance


def polygon(name, points, faces, edges=()):
    """An object with UVs that are its x and y."""
    data = bpy.data.meshes.new(name)
    data.from_pydata(points, edges, faces)
    layer = data.uv_layers.new()
    for loop in data.loops:
        layer.uv[loop.index].vector = Vector(points[loop.vertex_index][:2])
    obj = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(obj)
    select(obj)
    return obj


def subdivided(obj):
    obj.modifiers.new("m", "SUBSURF").levels = 2


def mirrored(obj):
    modifier = obj.modifiers.new("m", "MIRROR")
    modifier.use_mirror_u, modifier.offset_u = True, 0.25


def arrayed(obj):
    modifier = obj.modifiers.new("m", "ARRAY")
    modifier.count, modifier.offset_u = 3, 0.125


def keyed(obj):
    obj.shape_key_add(name="Basis")
    key = obj.shape_key_add(name="Tall")
    for point in key.data:
        point.co.z *= 3
    key.value = 0.5


def all_of_them(obj):
    for change in (keyed, arrayed, mirrored, subdivided):
        change(obj)
        if obj.modifiers:
            obj.modifiers[-1].name = change.__name__


@pytest.mark.parametrize("change", [subdivided, mirrored, arrayed, keyed, all_of_them])
def test_as_evaluated(change):
    obj = add_cube(location=(1, 2, 3))
    plain = evaluated(obj)
    change(obj)
    bpy.context.view_layer.update()
    corners = evaluated(obj)
    assert corners.shape != plain.shape or np.abs(corners - plain).max() > 0.1
    before = dump()
    assert same(mesh_of(obj), corners)
    assert dump() == before


def test_uvs_that_a_modifier_moves():
    obj = add_cube()
    arrayed(obj)
    bpy.context.view_layer.update()
    uvs = mesh_of(obj).uvs.reshape(3, 12, 3, 2)
    assert np.allclose(uvs[2] - uvs[0], (0.25, 0))


def test_ngons_loose_parts_and_faces_without_area():
    angles = np.linspace(0, 2 * np.pi, 7, endpoint=False)
    rim = [(0.5 + 0.4 * np.cos(a), 0.5 + 0.4 * np.sin(a), 0.0) for a in angles]
    loose = [(3.0, 0.0, 0.0), (4.0, 0.0, 0.0), (9.0, 9.0, 9.0)]
    line = [(0.1, 0.1, 0.0), (0.2, 0.2, 0.0), (0.3, 0.3, 0.0)]
    faces = [tuple(range(7)), (10, 11, 12)]
    obj = polygon("Seven", rim + loose + line, faces, edges=[(7, 8)])
    mesh = mesh_of(obj)
    assert len(mesh.faces) == 5 + 1
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(float), 1, 0)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 2
    assert areas.sum() == pytest.approx(7 / 2 * 0.16 * np.sin(2 * np.pi / 7), rel=1e-5)
    assert 9.0 not in mesh.vertices[mesh.faces]
    assert not made_of(obj).warnings  # what has no area anywhere loses nothing


scales = st.tuples(*[st.sampled_from((-3.0, -1.0, -0.2, 0.5, 1.0, 7.0))] * 3)
angles = st.tuples(*[st.floats(-3, 3)] * 3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(scales, scales, angles, angles)
def test_scales_and_parents(scene, own, parents, turn, parents_turn):
    bpy.data.batch_remove(bpy.data.objects)
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.collection.objects.link(parent)
    parent.scale, parent.rotation_euler, parent.location = parents, parents_turn, (1, -2, 0.5)
    obj = add_cube()
    obj.parent = parent
    obj.scale, obj.rotation_euler, obj.location = own, turn, (0.3, 0.2, 0.1)
    bpy.context.view_layer.update()
    mesh = mesh_of(obj)
    assert same(mesh, evaluated(obj), 1e-4)
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(float), 1, 0)
    inside = np.einsum("fi,fi->", a - a[0], np.cross(b - a[0], c - a[0])) / 6
    assert inside == pytest.approx(8 * abs(np.prod(own) * np.prod(parents)), rel=1e-3)


@pytest.mark.parametrize("place", [(0, 0, 0), (1e3, 0, 0), (1e6, -1e6, 2e5), (3e7, 0, 0)])
def test_far_from_the_origin(place):
    """What is far away keeps its form, and the cameras see it where Blender's do."""
    obj = add_cube(location=place, rotation=(0.1, 0.2, 0.3))
    bpy.context.view_layer.update()
    made = made_of(obj)
    mesh = made.job.mesh
    corners = mesh.vertices[mesh.faces].astype(float)
    matrix = np.array(obj.matrix_world)[:3, :3]
    local = np.array([v.co for v in obj.data.vertices]) @ matrix.T
    exact = local[mesh.faces]
    assert np.abs((corners - corners[0, 0]) - (exact - exact[0, 0])).max() < 2e-4


def test_cameras_come_along():
    views = []
    for place in ((0, 0, 0), (1 << 20, -(1 << 20), 1 << 18)):  # float32 holds these as they are
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.context.scene.style_transfer_3d.style = "/s.png"
        bpy.ops.object.camera_add(location=Vector(place) + Vector((3, -6, 2)),
                                  rotation=(1.25, 0.125, 0.5))  # fmt: skip
        obj = add_cube(location=place)
        job = made_of(obj, views="CAMERAS").job
        used = np.append(job.mesh.vertices, np.ones((8, 1)), 1)
        (view,) = job.views
        clip = used @ (view.projection.astype(float) @ view.world_to_camera).T
        views.append(clip[:, :2] / clip[:, 3:])
        if not any(place):
            camera = bpy.data.objects["Camera"]
            for corner, (x, y) in zip(obj.data.vertices, views[0], strict=True):
                u, v, _depth = world_to_camera_view(bpy.context.scene, camera, corner.co)
                assert np.allclose((x, y), (2 * u - 1, 2 * v - 1), atol=1e-4)
    assert np.abs(views[0] - views[1]).max() < 0.03  # the camera itself stands on float32


def test_several_far_away_keep_their_distance():
    one, other = (add_cube(n, location=(1e6, y, 0)) for n, y in (("One", 0), ("Other", 5)))
    vertices = mesh_of(one, other).vertices
    assert np.allclose(vertices[8:] - vertices[:8], (0, 5, 0))


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e3, 1e6])
def test_huge_and_tiny(size):
    obj = add_cube(size=2 * size)
    mesh = mesh_of(obj)
    assert np.allclose(np.abs(mesh.vertices), size, rtol=1e-5)


MODES = ["EDIT", "SCULPT", "VERTEX_PAINT", "WEIGHT_PAINT", "TEXTURE_PAINT"]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_kept(mode):
    obj = add_cube()
    plain = mesh_of(obj)
    bpy.ops.object.mode_set(mode=mode)
    found = mesh_of(obj)
    assert (bpy.context.object, obj.mode) == (obj, mode)
    assert np.array_equal(found.vertices[found.faces], plain.vertices[plain.faces])
    assert np.array_equal(found.uvs, plain.uvs)


@pytest.mark.parametrize("mode", ["OBJECT", *MODES])
def test_multires_counts_or_is_refused(mode):
    """In Sculpt Mode Blender has nothing but the cage, or no faces at all."""
    obj = add_cube()
    modifier = obj.modifiers.new("Multires", "MULTIRES")
    for _ in range(2):
        bpy.ops.object.multires_subdivide(modifier="Multires")
    bpy.ops.object.mode_set(mode=mode)
    if mode != "SCULPT":
        selection(bpy.context)
        assert len(mesh_of(obj).faces) == 192
        return
    with pytest.raises(JobError, match=r"Object 'Cube': it is in Sculpt Mode, .*Leave Sculpt Mode"):
        selection(bpy.context)
    with pytest.raises(JobError, match="it is in Sculpt Mode"):
        find_object("Cube")
    modifier.show_viewport = False
    selection(bpy.context)
    assert len(mesh_of(obj).faces) == 12


def test_what_is_edited_counts():
    obj = add_cube()
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.translate(value=(0, 0, 5))
    assert mesh_of(obj).vertices[:, 2].min() == pytest.approx(4)
    bpy.ops.mesh.delete(type="VERT")
    with pytest.raises(JobError, match="Mesh of 'Cube': it has no faces"):
        made_of(obj)
    assert obj.mode == "EDIT"


def test_a_matrix_that_no_scale_gives():
    """Sheared, as a parent's non-uniform scale makes it."""
    obj = add_cube()
    obj.matrix_world = Matrix(((1, 2, 0, 0), (0, 1, 0, 0), (0, 0.5, 1, 0), (0, 0, 0, 1)))
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.collection.objects.link(parent)
    parent.scale = (1, 3, 1)
    obj.parent, obj.rotation_euler = parent, (0.4, 0.5, 0.6)
    bpy.context.view_layer.update()
    assert same(mesh_of(obj), evaluated(obj))
