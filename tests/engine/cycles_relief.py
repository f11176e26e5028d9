"""Run in a process of its own, by a Python with bpy: a plane in relief, in the sun.

`cycles_relief.py FOLDER` reads FOLDER/plane.npz (vertices of a plane and of the same in relief,
quads, UVs, the relief's height), FOLDER/bump.png and FOLDER/normal.png, renders the plane with
each in its material and the one that truly is in relief, and writes FOLDER/pictures.npz.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import bpy
import cycles_render
import numpy as np

# The folder as a package of its own, without the engine that the others import.
sys.modules["operators_alone"] = package = ModuleType("operators_alone")
package.__path__ = [str(Path(__file__).parents[2] / "operators")]

SUN = (0.35, 0.8, 0.0)  # its rotation: from the side, too high for the relief's own shadows


def main(folder: Path) -> None:
    """Render the three planes and a flat one."""
    with np.load(folder / "plane.npz") as arrays:
        plane = dict(arrays)
    cycles_render.SAMPLES = 8
    pictures = {}
    for name, vertices in (
        ("flat", "vertices"),
        ("bump", "vertices"),
        ("normal", "vertices"),
        ("real", "displaced"),
    ):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        material = add_plane(plane[vertices], plane["quads"], plane["uvs"])
        if name in ("bump", "normal"):
            add_relief(material, folder / f"{name}.png", name.upper(), float(plane["height"]))
        add_sun_and_camera()
        pictures[name] = cycles_render.render(folder / f"{name}_picture.png")[..., 0]
    np.savez(folder / "pictures.npz", **pictures)


def add_plane(vertices: np.ndarray, quads: np.ndarray, uvs: np.ndarray) -> bpy.types.Material:
    """A smooth mesh in matt grey."""
    mesh = bpy.data.meshes.new("plane")
    mesh.from_pydata(vertices.tolist(), [], quads.tolist())
    mesh.uv_layers.new().uv.foreach_set("vector", np.float32(uvs[quads]).ravel())
    mesh.polygons.foreach_set("use_smooth", [True] * len(quads))
    material = bpy.data.materials.new("grey")
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (0.5, 0.5, 0.5, 1)
    shader.inputs["Roughness"].default_value = 1.0
    shader.inputs["Specular IOR Level"].default_value = 0.0
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("plane", mesh))
    return material


def add_relief(material: bpy.types.Material, file: Path, kind: str, height: float) -> None:
    """The relief as the extension puts it into a material."""
    relief_nodes = importlib.import_module("operators_alone.relief_nodes")
    image = bpy.data.images.load(str(file))
    image.colorspace_settings.name = "Non-Color"
    shader = material.node_tree.nodes["Principled BSDF"]
    look = relief_nodes.ReliefLook(kind, 1.0, height)
    relief_nodes.plug_in(shader.inputs["Normal"], image, look)


def add_sun_and_camera() -> None:
    """A sun from the side, and a camera that looks straight down at the middle."""
    scene = bpy.context.scene
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.data.energy, sun.rotation_euler = 3.0, SUN
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.type, camera.data.ortho_scale = "ORTHO", 0.6
    camera.location = (0, 0, 2)
    for item in (sun, camera):
        scene.collection.objects.link(item)
    scene.camera = camera
    scene.cycles.max_bounces = 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
