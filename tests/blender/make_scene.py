"""Run by a Blender: save a picture and a .blend with a cube that shows it, in the last argument."""

import sys
from pathlib import Path

import bpy
import numpy as np


def main(folder):
    size = 64
    v, u = np.mgrid[:size, :size] / size
    waves = 0.5 + 0.5 * np.sin(30 * (u + v))
    image = bpy.data.images.new("waves", size, size)
    image.pixels.foreach_set(np.float32(np.stack([waves, u, v, np.ones_like(u)], -1)).reshape(-1))
    image.filepath_raw, image.file_format = str(folder / "waves.png"), "PNG"
    image.save()

    bpy.ops.wm.read_homefile(use_factory_startup=True)
    cube = bpy.data.objects["Cube"]
    tree = cube.active_material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(str(folder / "waves.png"))
    tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "cube.blend"))


main(Path(sys.argv[-1]))
