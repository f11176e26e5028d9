"""Data of another .blend file: painted without a change to it, or refused with what helps."""

import hashlib

import bpy
import pytest
from style_transfer_3d.operators.recipe import RECIPE

from tests.operators.calling import error_of
from tests.operators.scenes import (
    add_cube,
    add_material,
    new_image,
    painter,
    save_png,
    select,
    shown_image,
    stand_in,
    stripes,
)


@pytest.fixture
def library(tmp_path):
    """A .blend file with the object Prop and what it uses; another file is open afterwards."""
    obj = add_cube("Prop")
    obj.data.name = "PropMesh"
    image = new_image("PropImage", stripes(8, 8))
    image.pack()
    add_material(obj, "PropMaterial", image)
    path = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return path


@pytest.fixture
def painting(library, style, tmp_path, monkeypatch):
    """The engine is a stand-in; the library on the disk is the same afterwards."""
    before = hashlib.sha256(library.read_bytes()).digest()
    texture = save_png(tmp_path / "painted.png", stripes(16, 16))
    stand_in(tmp_path, painter(texture, {}), monkeypatch)
    bpy.context.scene.style_transfer_3d.style = str(style)
    yield
    assert hashlib.sha256(library.read_bytes()).digest() == before


def link(library, kind, name):
    """The data-block `name` of the library, linked."""
    with bpy.data.libraries.load(str(library), link=True) as (_there, wanted):
        setattr(wanted, kind, [name])
    (found,) = getattr(wanted, kind)
    assert found.library
    return found


def show(obj):
    bpy.context.collection.objects.link(obj)
    select(obj)
    return obj


def linked_dump():
    """The nodes and links of the library's materials, and the slots of its meshes."""
    trees = {
        material.name: (
            sorted(node.name for node in material.node_tree.nodes),
            sorted((one.from_node.name, one.to_socket.name) for one in material.node_tree.links),
            shown_image(material).name,
        )
        for material in bpy.data.materials
        if material.library
    }
    meshes = {mesh.name: list(mesh.materials) for mesh in bpy.data.meshes if mesh.library}
    return trees, meshes


def is_painted(obj):
    """Whether `obj` shows a result of ours in a local material, the library as it was."""
    (slot,) = obj.material_slots
    assert slot.material.library is None
    assert slot.material.name.startswith("PropMaterial")
    assert bpy.data.images["PropImage"].get(RECIPE) is None
    return shown_image(slot.material).get(RECIPE) is not None


def test_an_object(painting, library):
    show(link(library, "objects", "Prop"))
    text = error_of()
    assert "Object 'Prop': it is linked from another file 'library.blend' and read-only" in text
    assert "Make Local" in text
    assert "Library Override" in text


def test_an_object_made_local_as_the_error_says(painting, library):
    obj = show(link(library, "objects", "Prop"))
    bpy.ops.object.make_local(type="SELECT_OBJECT")
    (obj,) = bpy.context.selected_objects
    before = linked_dump()
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    assert is_painted(obj)
    assert linked_dump() == before


def test_an_override_as_the_error_says(painting, library):
    linked = link(library, "objects", "Prop")
    obj = show(linked.override_create(remap_local_usages=True))
    before = linked_dump()
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    assert is_painted(obj)
    assert linked_dump() == before


def test_an_override_keeps_its_paint_in_the_file(painting, library, tmp_path):
    linked = link(library, "objects", "Prop")
    show(linked.override_create(remap_local_usages=True))
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert is_painted(next(obj for obj in bpy.data.objects if not obj.library))


def test_a_mesh(painting, library):
    obj = show(bpy.data.objects.new("Mine", link(library, "meshes", "PropMesh")))
    before = linked_dump()
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    assert is_painted(obj)
    assert obj.material_slots[0].link == "OBJECT"
    assert linked_dump() == before


def test_a_mesh_without_a_slot(painting, library):
    mesh = link(library, "meshes", "PropMesh")
    mesh.materials.clear()
    show(bpy.data.objects.new("Mine", mesh))
    text = error_of()
    assert "Mesh 'PropMesh' of 'Mine': it is linked from another file 'library.blend'" in text
    assert "has no material slot" in text


def test_a_material(painting, library):
    obj = add_cube("Mine")
    obj.data.materials.append(link(library, "materials", "PropMaterial"))
    before = linked_dump()
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    assert is_painted(obj)
    assert linked_dump() == before


def test_an_image(painting, library):
    obj = add_cube("Mine")
    image = link(library, "images", "PropImage")
    material = add_material(obj, "PropMaterial of mine", image)
    assert bpy.ops.object.style_transfer() == {"FINISHED"}
    assert obj.material_slots[0].material == material
    assert is_painted(obj)
    assert image in [n.image for n in material.node_tree.nodes if n.type == "TEX_IMAGE"]


def test_a_linked_object_among_others(painting, library):
    other = add_cube("Mine")
    linked = show(link(library, "objects", "Prop"))
    select(linked, other)
    assert "Object 'Prop': it is linked from another file" in error_of()
