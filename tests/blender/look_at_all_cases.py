"""Run by a Blender on the .blend of `make_all_cases.py`: what every object shows, as one JSON line.

With a file's name as the last argument, a picture of it all too.
"""

import json
import sys

import bpy
import numpy as np


def shown(material):
    """The image that feeds Base Color directly, told in numbers; None if none does."""
    if not material:
        return None
    (shader,) = (node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    links = shader.inputs["Base Color"].links
    image = links[0].from_node.image if links and links[0].from_node.type == "TEX_IMAGE" else None
    if not image:
        return None
    values = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
    image.pixels.foreach_get(values)
    texels = values.reshape(-1, image.channels)
    return {
        "image": image.name,
        "painted": "style_transfer_3d" in image,
        "size": list(image.size),
        "tiles": [tile.number for tile in image.tiles] if image.source == "TILED" else [],
        "least": texels.min(0).tolist(),
        "spread": float(texels[:, :3].std(0).mean()),
    }


def picture(file):
    """What the scene's camera sees, rendered in seconds."""
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 24, False
    scene.render.resolution_x, scene.render.resolution_y = 720, 540
    scene.render.pixel_aspect_x = 1
    scene.view_settings.view_transform = "Standard"
    scene.world.color = (0.8, 0.8, 0.8)
    scene.camera = bpy.data.objects["Shifted"]
    scene.render.filepath = file
    bpy.ops.render.render(write_still=True)


found = {
    obj.name: [shown(slot.material) for slot in obj.material_slots]
    for obj in bpy.data.objects
    if obj.type == "MESH"
}
print("FOUND " + json.dumps(found), flush=True)
if sys.argv[-1].endswith(".png"):
    picture(sys.argv[-1])
