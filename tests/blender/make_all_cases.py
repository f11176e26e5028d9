"""Run by a Blender: a .blend with every kind of object that a run may meet, in the last argument.

What is called `Kept ...` is not to be painted.
"""

import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.blender import pictures_of_cases as pictures
from tests.operators.scenes import (
    add_cube,
    add_material,
    principled,
    save_png,
    stripes,
)

RED, GREEN, BLUE = (0.8, 0.15, 0.1), (0.1, 0.6, 0.2), (0.1, 0.2, 0.8)
GOLD, PINK, TEAL = (0.9, 0.7, 0.1), (0.9, 0.4, 0.6), (0.1, 0.6, 0.6)
APART, COLUMNS = 2.8, 6


def cube(name, image=None, color=GOLD):
    """A cube with a material of its own, called like it."""
    obj = add_cube(name, size=1.5)
    add_material(obj, name, image, color)
    return obj


def copy_of(obj, name):
    """Another object with the mesh of `obj`."""
    other = obj.copy()
    other.name = name
    bpy.context.collection.objects.link(other)
    return other


def uvs_of(obj):
    """Its UVs (6, 4, 2) by face, to be changed and given to `set_uvs`."""
    uvs = np.empty((6, 4, 2), np.float32)
    obj.data.uv_layers[0].uv.foreach_get("vector", uvs.reshape(-1))
    return uvs


def set_uvs(obj, uvs, layer=0):
    obj.data.uv_layers[layer].uv.foreach_set("vector", np.float32(uvs).reshape(-1))


def sharing():
    """One image, which is not square, on two; a mesh and a material that others have, too."""
    shared = pictures.packed("shared", RED, height=48, width=96)
    yield from (cube("Pair A", shared), cube("Pair B", shared))
    twin = cube("Twin A", pictures.packed("twin", GREEN))
    yield from (twin, copy_of(twin, "Twin B"), copy_of(twin, "Kept Twin"))
    sharer = cube("Sharer", pictures.packed("both", BLUE))
    other = add_cube("Kept Sharer", size=1.5)
    other.data.materials.append(sharer.active_material)
    yield from (sharer, other)


def slots():
    """An image, an empty slot and a flat color on one; no slot on another."""
    obj = cube("Slots", pictures.packed("slot", TEAL))
    obj.data.materials.append(None)
    add_material(obj, "flat", color=PINK)
    obj.data.polygons.foreach_set("material_index", [0, 1, 2, 0, 1, 2])
    yield obj
    yield add_cube("Bare", size=1.5)


def modified():
    """Modifiers and shape keys; mirrored and stretched below a parent."""
    for name, kind in (("Subdivided", "SUBSURF"), ("Mirrored", "MIRROR"), ("Arrayed", "ARRAY")):
        obj = cube(name, pictures.packed(name, PINK))
        obj.modifiers.new(kind, kind)
        if kind != "SUBSURF":
            obj.scale = (0.5, 1, 1)
            obj.data.transform(Matrix.Translation((0.75, 0, 0)))
        yield obj
    keyed = cube("Keyed", pictures.packed("keyed", GOLD))
    keyed.shape_key_add(name="Basis")
    key = keyed.shape_key_add(name="Pointed")
    for point in key.data:
        point.co.x *= 0.4 if point.co.z > 0 else 1
    key.value = 1
    yield keyed
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.collection.objects.link(parent)
    parent.rotation_euler, parent.scale = (0.2, 0.3, 0.5), (1, 1.4, 0.7)
    child = cube("Child", pictures.packed("child", TEAL))
    child.parent, child.scale = parent, (-1, 0.8, 1.1)
    yield parent


def odd():
    """A polygon of seven corners with loose parts and a face without area."""
    angles = np.linspace(0, 2 * np.pi, 7, endpoint=False)
    rim = [(np.cos(a), np.sin(a), 0.0) for a in angles]
    others = [(1.3, 0, 0), (1.3, 0.5, 0), (1.3, 0, 0.5), (0, 0, 0), (0.1, 0.1, 0), (0.2, 0.2, 0)]
    data = bpy.data.meshes.new("Odd")
    data.from_pydata(rim + others, [(7, 8)], [tuple(range(7)), (10, 11, 12)])
    layer = data.uv_layers.new()
    for loop in data.loops:
        x, y, _z = data.vertices[loop.vertex_index].co
        layer.uv[loop.index].vector = (0.5 + 0.45 * x, 0.5 + 0.45 * y)
    obj = bpy.data.objects.new("Odd", data)
    bpy.context.collection.objects.link(obj)
    add_material(obj, "odd", pictures.packed("odd", GREEN))
    yield obj


def mapped():
    """Two maps; faces on top of each other and mirrored; a texture that repeats."""
    two = cube("Two Maps", pictures.packed("two", BLUE))
    two.data.uv_layers.new(name="Render")
    set_uvs(two, 1 - uvs_of(two), layer=1)
    two.data.uv_layers["Render"].active_render = True
    yield two
    overlapping = cube("Overlapping", pictures.packed("overlap", RED))
    uvs = uvs_of(overlapping)
    uvs[:] = uvs[0]
    uvs[3:, :, 0] = uvs[0, :, 0].min() + uvs[0, :, 0].max() - uvs[3:, :, 0]
    set_uvs(overlapping, uvs)
    yield overlapping
    repeating = cube("Repeating", pictures.packed("repeat", GOLD))
    set_uvs(repeating, 3 * uvs_of(repeating))
    yield repeating


def on_tiles(folder):
    """UDIM tiles, as they are and behind a mix."""
    skin = pictures.tiled(folder, "skin")
    for name in ("Tiles", "Mixed Tiles"):
        obj = cube(name, skin)
        moves = np.float32([(0, 0), (0, 0), (1, 0), (1, 0), (0, 1), (0, 1)])
        set_uvs(obj, 0.9 * uvs_of(obj) + 0.05 + moves[:, None])
        yield obj
    mix = pictures.put_before(obj.active_material, "ShaderNodeMixRGB", into=1)
    mix.inputs[2].default_value = (1, 1, 1, 1)


def looks():
    """The image behind nodes that leave it as it is, and behind others; none."""
    names = ("Rerouted", "Grouped", "Mixed", "Ramped")
    made = {name: cube(name, pictures.packed(name.lower(), TEAL)) for name in names}
    materials = {name: obj.active_material for name, obj in made.items()}
    pictures.put_before(materials["Rerouted"], "NodeReroute")
    pictures.put_in_group(materials["Grouped"])
    pictures.put_before(materials["Mixed"], "ShaderNodeMixRGB", into=1)
    pictures.ramp(materials["Ramped"], BLUE, GOLD)
    yield from made.values()
    procedural = cube("Procedural")
    pictures.put_before(procedural.active_material, "ShaderNodeTexVoronoi", Scale=4.0)
    pictures.ramp(procedural.active_material, RED, PINK)
    yield procedural


def kinds(folder):
    """Images of other kinds."""
    yield cube("Sixteen", pictures.sixteen_bits(folder, "sixteen", GREEN))
    yield cube("Float", pictures.packed("float", BLUE, is_float=True))
    yield cube("Generated", pictures.generated("grid"))
    obj = cube("Cut Out", pictures.cut_out("cut out", RED))
    shader = principled(obj.active_material)
    picture = shader.inputs["Base Color"].links[0].from_node
    obj.active_material.node_tree.links.new(picture.outputs["Alpha"], shader.inputs["Alpha"])
    yield obj


def extremes():
    """Kilometers away, and a tenth of a millimeter large; a camera before each."""
    far = cube("Far", pictures.packed("far", PINK))
    far.location = (5000, -3000, 800)
    camera("At Far", (5000, -3000, 806), (0, 0, 0))
    tiny = cube("Tiny", pictures.packed("tiny", TEAL))
    tiny.scale, tiny.location = (1e-4, 1e-4, 1e-4), (0, 0, 5)
    camera("At Tiny", (0, 0, 5.0006), (0, 0, 0), clip_start=1e-5)


def camera(name, place, turn, **values):
    data = bpy.data.cameras.new(name)
    for attribute, value in values.items():
        setattr(data, attribute, value)
    obj = bpy.data.objects.new(name, data)
    obj.location, obj.rotation_euler = place, turn
    bpy.context.collection.objects.link(obj)
    return obj


def cameras(middle):
    """With a shift, a fit to the height, and orthographic; pixels are not square."""
    x, y = middle
    scene = bpy.context.scene
    render = scene.render
    render.resolution_x, render.resolution_y, render.pixel_aspect_x = 400, 300, 1.2
    scene.camera = camera("Shifted", (x, y - 14, 14), (0.75, 0, 0), shift_x=0.03, lens=31)
    camera("Fitted", (x, y + 14, 14), (0.75, 0, np.pi), sensor_fit="VERTICAL", lens=30)
    camera("Orthographic", (x, y, 20), (0, 0, 0.3), type="ORTHO", ortho_scale=21)


def main(folder):
    """Build it, and a style picture beside it."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    save_png(folder / "style.png", stripes(96, 128))
    placed = [
        *sharing(), *slots(), *modified(), *odd(), *mapped(), *on_tiles(folder), *looks(),
        *kinds(folder),
    ]  # fmt: skip
    for number, obj in enumerate(placed):
        obj.location = (APART * (number % COLUMNS), APART * (number // COLUMNS), 0)
    rows = (len(placed) - 1) // COLUMNS
    cameras((APART * (COLUMNS - 1) / 2, APART * rows / 2))
    extremes()
    world = bpy.data.worlds.new("World")
    bpy.context.scene.world = world
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "all_cases.blend"))


main(Path(sys.argv[-1]))
