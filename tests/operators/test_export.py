"""bpy meshes and cameras as arrays, against Blender's own answers."""

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.engine.job import Job
from style_transfer_3d.operators.export import export
from style_transfer_3d.operators.material_slots import own_materials

from tests.operators.run_requests import request
from tests.operators.scenes import add_cube, add_material, add_nodes, dump, new_image, stripes
from tests.operators.spoiled_meshes import MESHES


@pytest.fixture
def run(style):
    """Export an object."""

    def run(obj, views="SPHERE", **changes):
        asked = request(style=style, views=views, **changes)
        return export([obj], bpy.context, asked)

    return run


def rows(array):
    """The rows of an (N, ...) array as a sorted list."""
    return sorted(np.round(array.reshape(len(array), -1).astype(float), 4).tolist())


def outside(mesh):
    """Volume inside the faces: positive when they face outwards."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(float), 1, 0)
    return np.einsum("fi,fi->", a, np.cross(b, c)) / 6


def test_triangles_in_world_space_with_their_uvs(run):
    obj = add_cube(location=(1, 2, 3), rotation=(0.1, 0.2, 0.3))
    obj.scale = (1, 2, 3)
    mesh = run(obj).job.mesh
    data, layer = obj.data, obj.data.uv_layers.active
    data.calc_loop_triangles()
    expected = [
        [
            (*(obj.matrix_world @ data.vertices[data.loops[corner].vertex_index].co),
             *layer.uv[corner].vector)
            for corner in triangle.loops
        ]
        for triangle in data.loop_triangles
    ]  # fmt: skip
    found = np.concatenate([mesh.vertices[mesh.faces], mesh.uvs], -1)  # (F, 3, 5)
    assert rows(found) == rows(np.array(expected))
    assert outside(mesh) == pytest.approx(8 * 6, rel=1e-5)


def test_a_mirrored_object_still_faces_outwards(run):
    obj = add_cube()
    obj.scale = (-1, 1, 1)
    mesh = run(obj).job.mesh
    assert outside(mesh) == pytest.approx(8, rel=1e-5)


def test_modifiers_count(run):
    obj = add_cube()
    obj.modifiers.new("s", "SUBSURF").levels = 1
    assert len(run(obj).job.mesh.faces) == 48
    assert len(bpy.data.meshes) == 1


def test_an_object_that_blender_does_not_evaluate(run):
    """It would come without its place, its parent and its shape keys."""
    add_cube(location=(3, 0, 0)).hide_viewport = True
    obj = bpy.context.object
    bpy.context.view_layer.update()
    with pytest.raises(JobError, match="Object 'Cube': it is hidden in the viewport, so its place"):
        run(obj)


def test_slots_that_a_modifier_puts_into_another_order(run):
    """Geometry without a material that is joined takes the first slot."""
    obj = add_cube()
    add_material(obj, "own")
    tree, start, end = add_nodes(obj)
    join = tree.nodes.new("GeometryNodeJoinGeometry")
    tree.links.new(start.outputs[0], join.inputs[0])
    tree.links.new(tree.nodes.new("GeometryNodeMeshCube").outputs["Mesh"], join.inputs[0])
    tree.links.new(join.outputs[0], end.inputs[0])
    bpy.context.view_layer.update()
    final = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert [m and m.name for m in final.data.materials] != ["own"]
    assert run(obj).job.mesh.materials.tolist() == [0] * 24


def test_a_material_of_its_own_that_a_modifier_sets(run):
    obj = add_cube()
    for name in ("other", "own"):
        material = add_material(obj, name)
    tree, start, end = add_nodes(obj)
    node = tree.nodes.new("GeometryNodeSetMaterial")
    node.inputs["Material"].default_value = material
    tree.links.new(start.outputs[0], node.inputs[0])
    tree.links.new(node.outputs[0], end.inputs[0])
    bpy.context.view_layer.update()
    assert [target.find() for target in run(obj).targets] == [[(obj, 1)]]
    assert own_materials([(obj, 1)]) == {material}
    other = add_cube("Other")
    other.modifiers.new("g", "NODES").node_group = tree
    with pytest.raises(JobError, match="its modifier 'g' sets the material 'own', which is not"):
        run(obj)


def test_modifiers_of_a_hidden_object(run):
    obj = add_cube()
    obj.modifiers.new("s", "SUBSURF")
    obj.hide_set(True)
    with pytest.raises(JobError, match="Object 'Cube': it is hidden"):
        run(obj)


def test_the_active_render_uv_map_counts(run):
    obj = add_cube()
    other = obj.data.uv_layers.new(name="Other")
    values = np.random.default_rng(0).random(len(other.uv) * 2, np.float32)
    other.uv.foreach_set("vector", values)
    first = run(obj)
    other.active_render = True
    second = run(obj)
    assert [made.targets[0].uv_maps for made in (first, second)] == [("UVMap",), ("Other",)]
    assert set(second.job.mesh.uvs.ravel()) <= set(values)
    assert not set(first.job.mesh.uvs.ravel()) <= set(values)


def test_only_the_slots_in_use(run):
    obj = add_cube()
    for name, color in (("a", 0.1), ("b", 0.2), ("c", 0.3)):
        add_material(obj, name, color=(color,) * 3)
    indices = [2, 2, 0, 0, 2, 9]  # 9 is past the end: Blender shows the last slot
    obj.data.polygons.foreach_set("material_index", indices)
    made = run(obj)
    assert [slot for target in made.targets for _obj, slot in target.places] == [0, 2]
    assert sorted(made.job.mesh.materials) == [0] * 4 + [1] * 8
    assert len(made.job.originals) == 2
    made.job.validate()


@pytest.mark.parametrize(("length", "counts"), [(0.1, "0.2"), (0.5, None), (30.0, "20")])
def test_strokes_of_a_length_that_cannot_be_had_are_told(run, length, counts):
    """A cube of two metres."""
    told = [text for text in run(add_cube(), stroke_length=length).warnings if "Length" in text]
    assert len(told) == (counts is not None)
    assert all(f"{length:.3g} counts as {counts}: what is painted is 2 large" in t for t in told)


def test_no_slot_at_all(run):
    made = run(add_cube())
    assert made.targets[0].places == ((bpy.context.object.session_uid, 0),)
    assert made.job.originals[0].shape == (1, 1, 3)


def test_job_survives_the_disk(run, tmp_path):
    obj = add_cube()
    add_material(obj, "m", new_image("i", stripes(8, 16)))
    bpy.ops.object.camera_add(location=(0, -5, 0), rotation=(1.5, 0, 0))
    job = run(obj, "CAMERAS").job
    job.save(tmp_path / "job")
    again = Job.load(tmp_path / "job")
    assert (again.mesh.uvs == job.mesh.uvs).all()
    assert (np.abs(again.originals[0] - job.originals[0]) < 1 / 4096).all()
    assert again.views[0].name == "Camera"
    assert (again.views[0].projection == job.views[0].projection).all()


def test_cameras_disabled_in_renders_do_not_count(run):
    bpy.ops.object.camera_add()
    bpy.context.object.hide_render = True
    with pytest.raises(JobError, match="Scene 'Scene': it has no camera that is enabled"):
        run(add_cube(), "CAMERAS")


def test_panoramic_camera(run):
    bpy.ops.object.camera_add()
    bpy.context.object.data.type = "PANO"
    with pytest.raises(JobError, match="Camera 'Camera': it is panoramic"):
        run(add_cube(), "CAMERAS")


@pytest.mark.parametrize(("spoil", "message"), MESHES)
def test_a_mesh_that_cannot_be_painted(run, spoil, message):
    obj = add_cube()
    spoil(obj)
    before = dump()
    with pytest.raises(JobError, match=message):
        run(obj)
    assert dump() == before


def test_a_material_that_only_a_modifier_gives(run):
    obj = add_cube()
    tree, start, end = add_nodes(obj)
    node = tree.nodes.new("GeometryNodeSetMaterial")
    node.inputs["Material"].default_value = bpy.data.materials.new("sneaky")
    tree.links.new(start.outputs[0], node.inputs[0])
    tree.links.new(node.outputs[0], end.inputs[0])
    with pytest.raises(JobError, match="a modifier gives it the material 'sneaky'"):
        run(obj)


@pytest.fixture
def scattered():
    """A plane that its Geometry Nodes put cubes on; joined to it, or in its place."""

    def make(*, joined):
        cube = add_cube("Scattered")
        obj = add_cube("Ground")
        tree, start, end = add_nodes(obj)
        info, join = (tree.nodes.new(f"GeometryNode{n}") for n in ("ObjectInfo", "JoinGeometry"))
        info.inputs["Object"].default_value = cube
        info.inputs["As Instance"].default_value = True
        tree.links.new(info.outputs["Geometry"], join.inputs[0])
        if joined:
            tree.links.new(start.outputs[0], join.inputs[0])
        tree.links.new(join.outputs[0], end.inputs[0])
        bpy.context.view_layer.update()
        return obj, cube

    return make


def test_instances_alone(run, scattered):
    obj, _cube = scattered(joined=False)
    before = dump()
    with pytest.raises(JobError, match=r"'Ground': its modifiers leave only instances.*Realize"):
        run(obj)
    assert dump() == before
    obj.modifiers[0].node_group.links.clear()
    bpy.context.view_layer.update()
    with pytest.raises(JobError, match=r"'Ground': it has no faces. Choose"):
        run(obj)


def test_instances_beside_faces(run, scattered):
    """They are left out, and it is said once; what another object makes is not said."""
    obj, cube = scattered(joined=True)
    made = run(obj)
    assert len(made.job.mesh.faces) == 12
    (said,) = made.warnings
    assert said.startswith("Instances that the Geometry Nodes of 'Ground' make are left out")
    assert run(cube).warnings == ()
    obj.modifiers[0].show_viewport = False
    bpy.context.view_layer.update()
    assert run(obj).warnings == ()
