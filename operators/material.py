"""The look of a material: where its Base Color comes from, and that as pixels."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..engine.errors import JobError
from .paint_node import displaced, is_ours

_DEFAULT_GREY = 0.8  # scene linear: what Blender shows where there is no material


@dataclass(frozen=True)
class Look:
    """What a surface looks like before it is painted.

    Attributes:
        pixels: (H, W, 3) float32 in 0-1, sRGB-encoded, row 0 on top; one texel if it is flat.
        warnings: what was left out, for the artist.
    """

    pixels: np.ndarray
    warnings: tuple[str, ...] = ()


def has_nodes(material: bpy.types.Material) -> bool:
    """Whether the material is rendered by its nodes; from Blender 5.0 on every one is."""
    always = bpy.app.version >= (5, 0, 0)
    return material.node_tree is not None and (always or material.use_nodes)


def base_color(material: bpy.types.Material) -> bpy.types.NodeSocketColor:
    """The socket Base Color of the Principled BSDF that feeds the active output.

    Raises:
        JobError: if no Principled BSDF feeds it.
    """
    assert material.node_tree
    output = material.node_tree.get_output_node("ALL")
    shader = source(output.inputs["Surface"]) if output else None
    if not shader or not isinstance(shader.node, bpy.types.ShaderNodeBsdfPrincipled):
        raise JobError(
            f"Material {material.name!r}",
            "no Principled BSDF feeds its output",
            "Connect one to the Surface of the active Material Output, or choose another material",
        )
    assert shader.node.inputs
    return shader.node.inputs["Base Color"]


def source(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """The output that feeds `socket`, directly or through reroutes; None if it is not linked."""
    while socket.links and not socket.links[0].is_muted:
        output = socket.links[0].from_socket
        assert output
        if not isinstance(output.node, bpy.types.NodeReroute):
            return output
        socket = output.node.inputs[0]
    return None


def original_source(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """What fed `socket` before we painted: a run starts from that, not from earlier paint."""
    output = source(socket)
    while output and output.node and is_ours(output.node):
        output = displaced(output.node)
        if output and isinstance(output.node, bpy.types.NodeReroute):
            output = source(output.node.inputs[0])
    return output


def look(material: bpy.types.Material | None, uv_map: str) -> Look:
    """The look of `material` on a mesh whose active render UV map is `uv_map`.

    Raises:
        JobError: if its image has no pixels, or no Principled BSDF feeds its output.
    """
    if material is None:
        return Look(_flat((_DEFAULT_GREY,) * 3))
    if not has_nodes(material):
        if material.node_tree:
            base_color(material)  # switched off; what is missing in it is said before the run
        return Look(_flat(material.diffuse_color[:3]))
    socket = base_color(material)
    color = original_source(socket)
    if color is None:
        return Look(_flat(socket.default_value[:3]))
    node = color.node if color.identifier == "Color" else None
    if not isinstance(node, bpy.types.ShaderNodeTexImage) or not node.image:
        text = "is not fed by an image: its flat color is taken for the original look"
        warnings = (f"Base Color of material {material.name!r} {text}",)
        return Look(_flat(socket.default_value[:3]), warnings)
    assert node.inputs
    vector = source(node.inputs["Vector"])
    if node.projection == "FLAT" and (vector is None or _gives_uvs(vector, uv_map)):
        return Look(pixels(node.image))
    text = f"is taken as if UV map {uv_map!r} placed it: its own mapping is left out"
    warnings = (f"Image {node.image.name!r} of material {material.name!r} {text}",)
    return Look(pixels(node.image), warnings)


def pixels(image: bpy.types.Image) -> np.ndarray:
    """The image as displayed: (H, W, 3) float32 in 0-1, sRGB-encoded, row 0 on top.

    Raises:
        JobError: if its file is missing, it has UDIM tiles, or pixels that are not numbers.
    """
    if image.source == "TILED":
        raise JobError(
            f"Image {image.name!r}",
            "it has UDIM tiles, which cannot be painted yet",
            "Plug a single image into Base Color",
        )
    width, height = image.size
    channels = image.channels
    if not width * height * channels:
        raise JobError(
            f"Image {image.name!r}",
            f"its file {bpy.path.abspath(image.filepath)!r} is missing or is no picture",
            "Find it (File > External Data > Find Missing Files) or take it out of the material",
        )
    values = np.empty(width * height * channels, np.float32)
    image.pixels.foreach_get(values)  # type: ignore[attr-defined]
    rows = values.reshape(height, width, channels)[::-1]  # (H, W, C), row 0 on top
    colors = rows[..., :3] if channels >= 3 else np.repeat(rows[..., :1], 3, -1)  # (H, W, 3)
    if np.isnan(colors).any():
        raise JobError(
            f"Image {image.name!r}", "it has pixels that are not numbers", "Replace the image"
        )
    space = image.colorspace_settings
    if image.is_float or (space and space.is_data):
        return encode(colors)
    return np.ascontiguousarray(colors)


def encode(linear: np.ndarray) -> np.ndarray:
    """Scene linear -> sRGB-encoded (IEC 61966-2-1), float32, clipped to 0-1, of any shape."""
    linear = np.clip(linear, 0.0, 1.0)
    bright = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, bright).astype(np.float32)


def _flat(linear: tuple[float, ...]) -> np.ndarray:
    return encode(np.array(linear, np.float32)).reshape(1, 1, 3)


def _gives_uvs(output: bpy.types.NodeSocket, uv_map: str) -> bool:
    node = output.node
    if isinstance(node, bpy.types.ShaderNodeTexCoord):
        return output.identifier == "UV"
    return isinstance(node, bpy.types.ShaderNodeUVMap) and node.uv_map in ("", uv_map)
