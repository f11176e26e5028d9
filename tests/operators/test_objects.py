"""Several objects in one run: who shares a texture, who keeps what, and one step to undo."""

import json

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import command, preview
from style_transfer_3d.operators.image_pixels import pixels
from style_transfer_3d.operators.on_objects import OnObjects
from style_transfer_3d.operators.recipe import RECIPE
from style_transfer_3d.operators.request import read_request
from style_transfer_3d.operators.running import Run
from style_transfer_3d.operators.selection import selection

from tests.operators.calling import error_of
from tests.operators.layouts import Panel
from tests.operators.readings import made_of
from tests.operators.run_requests import given_ones
from tests.operators.scenes import (
    ENGINE_PYTHON,
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
    whole_dump,
)

pytestmark = pytest.mark.usefixtures("chosen_style")

COLORS = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


@pytest.fixture
def painting(tmp_path, monkeypatch):
    """The engine is a stand-in that paints its textures red, green and blue."""
    textures = [
        save_png(tmp_path / f"painted_{n}.png", np.full((8, 8, 3), color, np.float32))
        for n, color in enumerate(COLORS)
    ]
    stand_in(tmp_path, painter(textures, {}), monkeypatch)


def paint(*objects, **properties):
    select(*objects)
    return bpy.ops.object.style_transfer(**properties)


def shared_by(made):
    """The names of the targets, and of the objects that show each."""
    return {t.name: [obj.name for obj, _slot in t.find()] for t in made.targets}


def instance(obj, name):
    """Another object with the mesh of `obj`."""
    other = obj.copy()
    other.name = name
    bpy.context.collection.objects.link(other)
    bpy.context.view_layer.update()
    return other


def color_of(obj):
    """The color that the stand-in painted `obj` in; None if it shows no paint."""
    image = shown_image(obj.active_material)
    return None if image is None else tuple(pixels(image)[0, 0].round().astype(int).tolist())


@pytest.fixture
def three():
    """Two cubes that show one image, and one that shows another."""
    objects = [add_cube(name, location=(4 * n, 0, 0)) for n, name in enumerate("ABC")]
    wood, metal = new_image("wood.png", stripes(8, 8)), new_image("metal.png", stripes(4, 4))
    for obj, image in zip(objects, (wood, metal, wood), strict=True):
        add_material(obj, f"m {obj.name}", image)
    return objects


def test_what_is_selected(three):
    a, b, c = three
    bpy.ops.object.light_add()
    light = bpy.context.object
    select(b, c, light)
    found = selection(bpy.context)
    assert (found.meshes, found.left_out, found.name) == ((b, c), (light,), "B and 1 more")
    assert found.warnings == ("Object 'Point' is left out: only meshes can be painted",)
    bpy.context.view_layer.objects.active = a
    assert selection(bpy.context).meshes == (b, c)
    for obj in three:
        obj.select_set(False)
    assert selection(bpy.context).meshes == (a,)
    select(light)
    with pytest.raises(JobError, match="Object 'Point': it is no mesh but a light"):
        selection(bpy.context)


def test_one_mesh_in_world_space(three):
    alone = [made_of(obj).job.mesh for obj in three]
    mesh = made_of(*three).job.mesh
    for name in ("uvs", "faces", "vertices"):
        count = sum(len(getattr(one, name)) for one in alone)
        assert len(getattr(mesh, name)) == count
    found = mesh.vertices[mesh.faces]
    assert np.array_equal(found, np.concatenate([one.vertices[one.faces] for one in alone]))
    assert np.array_equal(mesh.uvs, np.concatenate([one.uvs for one in alone]))


def test_those_that_share_an_image_share_a_texture(three):
    made = made_of(*three)
    assert shared_by(made) == {"wood": ["A", "C"], "B": ["B"]}
    assert made.job.mesh.textures.tolist() == [0] * 12 + [1] * 12 + [0] * 12
    assert made.job.shapes == ((1024, 1024),) * 2
    shapes = [made.job.originals[n].shape for n in made.job.mesh.materials[[0, 12, 24]]]
    assert shapes == [(8, 8, 3), (4, 4, 3), (8, 8, 3)]
    made.job.validate()


def test_one_texture_for_each_image_and_one_for_what_has_none():
    obj = add_cube()
    for name in ("a", "b"):
        add_material(obj, name, new_image(name, stripes(4, 4)))
    add_material(obj, "flat")
    obj.data.materials.append(None)
    obj.data.polygons.foreach_set("material_index", [0, 0, 1, 1, 2, 3])
    made = made_of(obj)
    assert {t.name: [slot for _obj, slot in t.find()] for t in made.targets} == {
        "a": [0], "b": [1], "Cube": [2, 3]
    }  # fmt: skip
    assert np.bincount(made.job.mesh.textures).tolist() == [4, 4, 4]


def test_an_earlier_result_is_not_the_image_that_is_shared(three, painting):
    assert paint(*three) == {"FINISHED"}
    assert shared_by(made_of(*three)) == {"wood": ["A", "C"], "B": ["B"]}


@pytest.mark.parametrize("materials", [0, 1])
def test_instances_share_a_texture_unless_their_materials_differ(materials):
    a = add_cube("A")
    if materials:
        add_material(a, "m")
    b, c = instance(a, "B"), instance(a, "C")
    assert shared_by(made_of(a, b, c)) == {"A": ["A", "B", "C"]}
    if materials:
        c.material_slots[0].link = "OBJECT"
        c.material_slots[0].material = bpy.data.materials.new("of its own")
        assert shared_by(made_of(a, b, c)) == {"A": ["A", "B"], "C": ["C"]}


def object_info(tree):
    return tree.nodes.new("ShaderNodeObjectInfo").outputs["Color"]


def property_of(kind):
    def attribute(tree):
        node = tree.nodes.new("ShaderNodeAttribute")
        node.attribute_type, node.attribute_name = kind, "tint"
        return node.outputs["Color"]

    return attribute


def place(tree):
    return tree.nodes.new("ShaderNodeNewGeometry").outputs["Position"]


def grouped(tree):
    group = bpy.data.node_groups.new("g", "ShaderNodeTree")
    group.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    group.links.new(object_info(group), group.nodes.new("NodeGroupOutput").inputs[0])
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    return node.outputs[0]


@pytest.mark.parametrize(
    "color", [object_info, property_of("OBJECT"), property_of("INSTANCER"), grouped, place]
)
def test_instances_whose_look_depends_on_the_object_share_none(color):
    a = add_cube("A")
    material = add_material(a, "m")
    add_material(a, "not in use")
    link = material.node_tree.links.new
    link(color(material.node_tree), principled(material).inputs["Base Color"])
    a.location = (2, 0, 0)
    b = instance(a, "B")
    b.location = (0, 2, 0)
    for obj, tint in ((a, (1.0, 0.0, 0.0)), (b, (0.0, 0.0, 1.0))):
        obj.color, obj["tint"] = (*tint, 1.0), tint
    made = made_of(a, b, texture_size=256)
    assert shared_by(made) == {"A": ["A"], "B": ["B"]}
    assert len(made.job.originals) == 2
    red, blue = (original.mean((0, 1)) for original in made.job.originals)
    assert red[0] > red[2] + 0.1 or color is place
    assert blue[2] > blue[0] + 0.1 or color is place
    assert np.abs(red - blue).max() > 0.1


def test_each_of_those_shows_its_own(painting):
    a = add_cube("A")
    material = add_material(a, "m")
    link = material.node_tree.links.new
    link(object_info(material.node_tree), principled(material).inputs["Base Color"])
    b, other = instance(a, "B"), instance(a, "other")
    paint(a, b, texture_size=256)
    assert [color_of(obj) for obj in (a, b)] == list(COLORS[:2])
    assert (other.active_material, other.data) == (material, a.data)
    (kept,) = principled(material).inputs["Base Color"].links
    assert kept.from_node.bl_idname == "ShaderNodeObjectInfo"


def test_a_region_that_only_one_of_them_has():
    a, b = add_cube("A"), add_cube("B")
    b.vertex_groups.new(name="All").add(range(8), 1.0, "REPLACE")
    job = made_of(a, b, protect="All").job
    assert job.protected.tolist() == [[0.0] * 3] * 12 + [[1.0] * 3] * 12
    with pytest.raises(JobError, match=r"Region 'Al': 'A' or 'B' has no .*Choose 'All'"):
        made_of(a, b, protect="Al")


def test_each_gets_its_own_and_the_rest_stays(three, painting):
    a, b, c = three
    other = add_cube("other")
    other.data.materials.append(a.active_material)
    before = dump()
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    assert paint(a, b, c) == {"FINISHED"}
    assert [color_of(obj) for obj in three] == [COLORS[0], COLORS[1], COLORS[0]]
    assert shown_image(a.active_material) == shown_image(c.active_material)
    assert {i.name for i in bpy.data.images if i.get(RECIPE)} == {"wood style", "B style"}
    assert other.active_material.name == "m A"
    assert shown_image(other.active_material).name == "wood.png"
    assert [b.active_material.name, c.active_material.name] == ["m B", "m C"]
    bpy.ops.ed.undo_push(message="painted")
    bpy.ops.ed.undo()
    select(*(bpy.data.objects[name] for name in ("other",)))
    assert dump() == before


def test_objects_that_share_a_material_without_an_image_get_one_each(painting):
    a, b = add_cube("A"), add_cube("B")
    shared = add_material(a, "shared")
    b.data.materials.append(shared)
    paint(a, b)
    assert [color_of(a), color_of(b)] == list(COLORS[:2])
    assert len(bpy.data.materials) == 2


def test_a_material_that_they_share_among_them_is_not_copied(painting):
    a, b = add_cube("A"), add_cube("B")
    shared = add_material(a, "shared", new_image("wood", stripes(4, 4)))
    b.data.materials.append(shared)
    paint(a, b)
    assert a.active_material == b.active_material == shared
    assert color_of(a) == COLORS[0]
    assert [m.name for m in bpy.data.materials] == ["shared"]


def test_one_copy_for_those_that_share_with_another(painting):
    a, b, other = add_cube("A"), add_cube("B"), add_cube("other")
    shared = add_material(a, "shared", new_image("wood", stripes(4, 4)))
    for obj in (b, other):
        obj.data.materials.append(shared)
    paint(a, b)
    assert a.active_material == b.active_material != shared
    assert shown_image(other.active_material).name == "wood"
    assert len(bpy.data.materials) == 2


@pytest.mark.parametrize("materials", [0, 1])
def test_all_instances_stay_instances(painting, materials):
    a = add_cube("A")
    if materials:
        add_material(a, "m")
    others = [instance(a, name) for name in "BC"]
    paint(a, *others)
    assert {slot.link for obj in (a, *others) for slot in obj.material_slots} == {"DATA"}
    assert {obj.active_material for obj in others} == {a.active_material}
    assert len(bpy.data.materials) == 1
    assert color_of(a) == COLORS[0]


def test_instances_that_are_not_selected_keep_their_look(painting):
    a = add_cube("A")
    material = add_material(a, "m")
    b, other = instance(a, "B"), instance(a, "other")
    paint(a, b)
    assert a.active_material == b.active_material != material
    assert other.active_material == material
    assert shown_image(material) is None


@pytest.mark.parametrize("shared", [True, False])
def test_previews_come_and_go(three, shared):
    a, b, c = three
    if shared:
        c.data = a.data
        b.data.materials[0] = a.active_material
        add_cube("other").data.materials.append(a.active_material)
    before = whole_dump()
    scene = bpy.context.scene
    select(*three)
    subject = OnObjects(bpy.context, read_request(given_ones(scene.style_transfer_3d), scene))
    flat = [np.ones((4, 4, 4), np.float32) * (*color, 1) for color in COLORS]
    for _ in range(2):
        subject.show(np.float32(flat))
    expected = [COLORS[0]] * 3 if shared else [COLORS[0], COLORS[1], COLORS[0]]
    assert [color_of(obj) for obj in three] == expected
    preview.clear()
    select(*[o for o in bpy.data.objects if o.name == "other"] or [c])
    assert whole_dump() == before


def test_one_of_them_is_deleted_meanwhile(three, painting, scene):
    select(*three)
    run = Run(given_ones(scene.style_transfer_3d), bpy.context, OnObjects, watched=False)
    a, b, c = three
    bpy.data.objects.remove(a)
    bpy.data.objects.remove(b)
    with run:
        *_, done = run.engine.messages()
        said = run.deliver(done)
    assert said == ["'B' is gone; its texture is kept as image 'B style'"]
    assert bpy.data.images["B style"].use_fake_user
    assert color_of(c) == COLORS[0]


def test_one_that_cannot_be_painted_is_named(three):
    three[1].data.clear_geometry()
    select(*three)
    assert "Mesh of 'B': it has no faces" in error_of()


def test_one_output_that_cannot_be_written(three, tmp_path):
    (tmp_path / "out_B.png").mkdir()
    select(*three)
    assert "out_B.png': it is a folder" in error_of(output=str(tmp_path / "out.png"))


def test_the_command(three, painting, tmp_path, capfd):
    output, report = tmp_path / "out.png", tmp_path / "r.json"
    select(three[1])
    arguments = ["--object", "A", "--object", "B", "--object", "A"]
    assert command.run([*arguments, f"--output={output}", f"--report={report}"]) == 0
    said = capfd.readouterr().out
    for name in "AB":
        assert f"Saved: '{tmp_path / f'out_{name}.png'}'" in said
    assert [color_of(obj) for obj in three[:2]] == list(COLORS[:2])
    assert shown_image(three[2].active_material).name == "wood.png"
    recipe = json.loads(bpy.data.images["A style"][RECIPE])
    assert recipe["uv_map"] == "UVMap"


def test_the_panel(three, monkeypatch):
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", ENGINE_PYTHON)
    a, b, c = three
    select(c, a, b)
    panel = Panel.draw(bpy.types.VIEW3D_PT_style_transfer)
    assert panel.buttons() == {"object.style_transfer": ("Paint C and 2 more", True)}
    b.data.uv_layers.remove(b.data.uv_layers[0])
    panel = Panel.draw(bpy.types.VIEW3D_PT_style_transfer)
    assert "Mesh of 'B': it has no UV map" in panel.texts()
    with bpy.context.temp_override(object=b):  # as the button has it
        assert bpy.ops.object.style_transfer_unwrap() == {"FINISHED"}
    assert bpy.context.view_layer.objects.active == c
    assert {obj for obj in bpy.data.objects if obj.select_get()} == set(three)
    assert len(b.data.uv_layers) == len(a.data.uv_layers) == 1
    assert b.data.uv_layers[0].name == "Style"
