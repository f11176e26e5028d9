"""Images of every kind that an artist's file has, and the nodes that may stand before them."""

import bpy
import numpy as np

from tests.operators.scenes import new_image, principled, save_png, stripes

TILES = {1001: (0.9, 0.5, 0.1), 1002: (0.1, 0.6, 0.3), 1011: (0.2, 0.3, 0.9)}


def picture(tint, height=64, width=64):
    """(H, W, 3) stripes in which `tint` prevails."""
    return 0.4 * stripes(height, width) + 0.6 * np.float32(tint)


def packed(name, tint, *, height=64, width=64, is_float=False):
    """An image that is in the .blend file."""
    image = new_image(name, picture(tint, height, width), is_float=is_float)
    image.pack()
    return image


def sixteen_bits(folder, name, tint):
    """An image from a PNG file of 16 bits a channel."""
    file, scene = folder / f"{name}.png", bpy.data.scenes.new("writer")
    image = new_image(name, picture(tint), is_float=True)
    scene.view_settings.view_transform = "Raw"
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "16"
    image.save_render(str(file), scene=scene)
    bpy.data.images.remove(image)
    bpy.data.scenes.remove(scene)
    return bpy.data.images.load(str(file))


def cut_out(name, tint):
    """A packed image that is transparent on the left."""
    image = bpy.data.images.new(name, 64, 64, alpha=True)
    rgba = np.dstack([picture(tint), np.ones((64, 64))])
    rgba[:, :32, 3] = 0
    image.pixels.foreach_set(np.float32(rgba).reshape(-1))
    image.pack()
    return image


def generated(name):
    """Blender's own color grid, which is in no file."""
    image = bpy.data.images.new(name, 128, 128)
    image.generated_type = "COLOR_GRID"
    return image


def tiled(folder, name):
    """An image with UDIM tiles, a file each."""
    for number, tint in TILES.items():
        save_png(folder / f"{name}.{number}.png", picture(tint))
    image = bpy.data.images.load(str(folder / f"{name}.<UDIM>.png"))
    image.source = "TILED"
    return image


def put_before(material, kind, into=0, **values):
    """Put a node between what feeds Base Color and that; returns the node."""
    tree, socket = material.node_tree, principled(material).inputs["Base Color"]
    node = tree.nodes.new(kind)
    for name, value in values.items():
        node.inputs[name].default_value = value
    if socket.links:
        tree.links.new(socket.links[0].from_socket, node.inputs[into])
    tree.links.new(node.outputs[0], socket)
    return node


def put_in_group(material):
    """Let what feeds Base Color pass through a node group."""
    inside = bpy.data.node_groups.new("group", "ShaderNodeTree")
    for way in ("INPUT", "OUTPUT"):
        inside.interface.new_socket("Color", in_out=way, socket_type="NodeSocketColor")
    start, end = inside.nodes.new("NodeGroupInput"), inside.nodes.new("NodeGroupOutput")
    inside.links.new(start.outputs[0], end.inputs[0])
    tree, socket = material.node_tree, principled(material).inputs["Base Color"]
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = inside
    tree.links.new(socket.links[0].from_socket, node.inputs[0])
    tree.links.new(node.outputs[0], socket)


def ramp(material, *colors):
    """Let what feeds Base Color choose from `colors` (RGB)."""
    node = put_before(material, "ShaderNodeValToRGB")
    for element, color in zip(node.color_ramp.elements, colors, strict=True):
        element.color = (*color, 1)
