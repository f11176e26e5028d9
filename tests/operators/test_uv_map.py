"""More than one UV map, or none: which of them places the paint, and how that is shown."""

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import preview, unwrap
from style_transfer_3d.operators.messages import Done
from style_transfer_3d.operators.write_back import write_back

from tests.operators.calling import error_of
from tests.operators.readings import made_of
from tests.operators.run_requests import request
from tests.operators.scenes import (
    add_cube,
    add_material,
    new_image,
    painter,
    principled,
    select,
    stand_in,
    stripes,
    whole_dump,
)

pytestmark = pytest.mark.usefixtures("chosen_style")


@pytest.fixture
def cube():
    """A cube whose UV map Second, in a corner, is not the one active for rendering."""
    obj = add_cube()
    add_material(obj, "m", new_image("artist", stripes(8, 8)))
    first, second = obj.data.uv_layers[0], obj.data.uv_layers.new(name="Second")
    uvs = np.empty(len(first.uv) * 2, np.float32)
    first.uv.foreach_get("vector", uvs)
    second.uv.foreach_set("vector", uvs * np.float32(0.25))
    return obj


def placed_by(material):
    """The name of the UV map that places what feeds Base Color; empty for none."""
    (link,) = principled(material).inputs["Base Color"].links
    links = link.from_node.inputs["Vector"].links
    return links[0].from_node.uv_map if links else ""


def uv_map_nodes(material):
    return [node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeUVMap"]


def test_the_one_named_counts(cube):
    assert made_of(cube).job.mesh.uvs.max() > 0.5
    made = made_of(cube, uv_map="Second")
    assert made.job.mesh.uvs.max() <= 0.25
    assert made.targets[0].uv_maps == ("Second",)
    (warning,) = made.warnings
    assert warning.startswith("UV map 'Second' of 'Cube' is not the one active for rendering")


def test_one_that_an_object_lacks(cube):
    other = add_cube("Other")
    with pytest.raises(
        JobError,
        match=r"Mesh of 'Other': it has no UV map 'Second'\. Choose 'UVMap' in the setting UV Map",
    ):
        made_of(cube, other, uv_map="Second")


def test_it_places_the_paint(cube, texture, tmp_path, monkeypatch):
    stand_in(tmp_path, painter(texture, {}), monkeypatch)
    assert bpy.ops.object.style_transfer(uv_map="Second") == {"FINISHED"}
    assert placed_by(cube.active_material) == "Second"
    assert bpy.ops.object.style_transfer(replace=True, uv_map="") == {"FINISHED"}
    assert placed_by(cube.active_material) == ""
    assert not uv_map_nodes(cube.active_material)


@pytest.mark.parametrize("kind", ["BUMP", "NORMAL"])
def test_it_places_the_relief(cube, texture, tmp_path, kind):
    done = Done((texture,), tmp_path / "report.json", (texture,), 0.125)
    for uv_map in ("Second", ""):
        asked = request(relief=kind, replace=True)
        write_back(made_of(cube, uv_map=uv_map).targets, done, ["{}"], asked)
        nodes = cube.active_material.node_tree.nodes
        (picture,) = (n for n in nodes if n.type == "TEX_IMAGE" and "relief" in n.image.name)
        links = picture.inputs["Vector"].links
        assert (links[0].from_node.uv_map if links else "") == uv_map
        assert [n.uv_map for n in nodes if n.type == "NORMAL_MAP"] == [uv_map] * (kind == "NORMAL")
    assert not uv_map_nodes(cube.active_material)


def test_it_places_the_preview(cube):
    before = whole_dump()
    (target,) = made_of(cube, uv_map="Second").targets
    preview.show(0, target, [np.ones((4, 4, 4), np.float32)])
    assert placed_by(cube.active_material) == "Second"
    preview.clear()
    bpy.context.scene.style_transfer_3d.uv_map = ""
    assert whole_dump() == before


def test_none_at_all_can_be_mended_without_a_window(texture, tmp_path, monkeypatch):
    stand_in(tmp_path, painter(texture, {}), monkeypatch)
    cube = add_cube()
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    cube.data.update()
    assert "it has no UV map. Unwrap it: the button Unwrap, or bpy.ops.object.style" in error_of()
    select(cube)
    assert bpy.ops.object.style_transfer_unwrap() == {"FINISHED"}
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    assert made_of(cube).targets[0].uv_maps == (unwrap.NAME,)
