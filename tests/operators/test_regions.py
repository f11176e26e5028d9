"""Vertex groups and color attributes, as the engine gets them: one number a corner."""

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators.export import export
from style_transfer_3d.operators.request import read_request

from tests.operators.run_requests import given_ones
from tests.operators.scenes import add_cube, add_material, add_nodes


@pytest.fixture
def cube(scene, style):
    obj = add_cube()
    add_material(obj, "m")
    scene.style_transfer_3d.style = str(style)
    return obj


def job_of(obj, **names):
    scene = bpy.context.scene
    request = read_request(given_ones(scene.style_transfer_3d, **names), scene)
    return export([obj], bpy.context, request).job


def at_vertices(obj, job, weight):
    """What (F, 3) strengths are where each vertex of the cube weighs `weight` of its position."""
    places = job.mesh.vertices[job.mesh.faces]  # (F, 3, 3)
    return np.apply_along_axis(weight, -1, places @ np.linalg.inv(_turn(obj)).T)


def _turn(obj):
    return np.array(obj.matrix_world)[:3, :3]


@pytest.mark.parametrize("scale", [(1, 1, 1), (-1, 1, 1)])
def test_a_vertex_group(cube, scale):
    cube.scale = scale
    bpy.context.view_layer.update()
    group = cube.vertex_groups.new(name="Top")
    group.add([v.index for v in cube.data.vertices if v.co.z > 0], 0.75, "REPLACE")
    job = job_of(cube, protect="Top")
    assert job.style.region is None
    expected = at_vertices(cube, job, lambda co: 0.75 if co[2] > 0 else 0.0)
    assert np.abs(job.protected - expected).max() < 1e-6
    assert job.protected.dtype == np.float32


@pytest.mark.parametrize("domain", ["POINT", "CORNER"])
@pytest.mark.parametrize("kind", ["FLOAT_COLOR", "BYTE_COLOR"])
def test_a_color_attribute(cube, domain, kind):
    mask = cube.data.color_attributes.new("Mask", kind, domain)
    vertices = [v.index for v in cube.data.vertices]
    if domain == "CORNER":
        vertices = [loop.vertex_index for loop in cube.data.loops]
    for value, vertex in zip(mask.data, vertices, strict=True):
        value.color = (1, 1, 1, 1) if cube.data.vertices[vertex].co.x > 0 else (0, 0, 0, 1)
    job = job_of(cube, style_region="Mask")
    expected = at_vertices(cube, job, lambda co: float(co[0] > 0))
    assert np.abs(job.style.region - expected).max() < 1e-6


def test_regions_go_through_modifiers(cube):
    cube.vertex_groups.new(name="All").add(range(8), 1.0, "REPLACE")
    cube.modifiers.new("s", "SUBSURF")
    job = job_of(cube, style_region="All")
    assert len(job.mesh.faces) == 48
    assert job.style.region.min() > 0.999


def test_more_styles_with_regions(cube, style, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(style.read_bytes())
    cube.vertex_groups.new(name="Half").add([0, 1, 2, 3], 1.0, "REPLACE")
    group = bpy.context.scene.style_transfer_3d
    more = group.more_styles.add()
    more.file, more.weight, more.region = str(other), 0.5, "Half"
    job = job_of(cube)
    assert [s.file for s in job.styles] == [style, other]
    assert job.styles[1].weight == 0.5
    assert set(np.unique(job.styles[1].region)) == {0.0, 1.0}


def test_a_region_that_nothing_is_in(cube, style):
    cube.vertex_groups.new(name="Empty")
    told = f"Region 'Empty': it is empty, .*nothing would take on '{style.name}'.*Give it weights"
    with pytest.raises(JobError, match=told):
        job_of(cube, style_region="Empty")


def test_a_region_that_is_protected(cube):
    cube.vertex_groups.new(name="Top").add([0, 1, 2, 3], 1.0, "REPLACE")
    with pytest.raises(JobError, match="Region 'Top': it is empty, or all of it is protected"):
        job_of(cube, style_region="Top", protect="Top")


def test_all_of_the_mesh_is_protected(cube):
    cube.vertex_groups.new(name="All").add(range(8), 1.0, "REPLACE")
    with pytest.raises(JobError, match="Region 'All': it protects all of the mesh, so nothing"):
        job_of(cube, protect="All")


def test_nothing_is_protected(cube):
    cube.vertex_groups.new(name="None")
    with pytest.raises(JobError, match="Region 'None': it is empty, so nothing would be protected"):
        job_of(cube, protect="None")


def test_a_color_attribute_that_a_modifier_takes_away(cube):
    cube.data.color_attributes.new("Mask", "FLOAT_COLOR", "POINT")
    tree, start, end = add_nodes(cube)
    remove = tree.nodes.new("GeometryNodeRemoveAttribute")
    remove.inputs["Name"].default_value = "Mask"
    tree.links.new(start.outputs[0], remove.inputs[0])
    tree.links.new(remove.outputs[0], end.inputs[0])
    bpy.context.view_layer.update()
    with pytest.raises(JobError, match="Region 'Mask': it is there, and the modifiers leave noth"):
        job_of(cube, style_region="Mask")


def test_groups_that_a_modifier_puts_first(cube):
    """Geometry that is joined brings its groups along: the index of the object's own changes."""
    guest = add_cube("Guest")
    for name in ("A", "B"):
        guest.vertex_groups.new(name=name).add(range(4), 1.0, "REPLACE")
    cube.vertex_groups.new(name="First")
    cube.vertex_groups.new(name="Keep").add(range(8), 0.25, "REPLACE")
    tree, start, end = add_nodes(cube)
    info = tree.nodes.new("GeometryNodeObjectInfo")
    info.inputs["Object"].default_value = guest
    join = tree.nodes.new("GeometryNodeJoinGeometry")
    tree.links.new(start.outputs[0], join.inputs[0])
    tree.links.new(info.outputs["Geometry"], join.inputs[0])
    tree.links.new(join.outputs[0], end.inputs[0])
    bpy.context.view_layer.update()
    found = job_of(cube, protect="Keep").protected
    assert sorted(np.unique(found)) == [0.0, 0.25]
    assert (found == 0.25).sum() == (found == 0.0).sum()


def test_a_style_that_counts_nothing_is_none(cube, style):
    more = bpy.context.scene.style_transfer_3d.more_styles.add()
    more.file, more.weight = str(style), 0.0
    assert len(job_of(cube).styles) == 1


def test_a_region_that_is_not_there(cube):
    cube.vertex_groups.new(name="Face")
    with pytest.raises(JobError, match=r"Region 'face': 'Cube' has no .*Choose 'Face'"):
        job_of(cube, protect="face")


def test_a_style_without_a_picture(cube):
    bpy.context.scene.style_transfer_3d.more_styles.add()
    with pytest.raises(JobError, match="Style 2: no picture is chosen"):
        job_of(cube)
