"""The look of a material: where its surface takes its color from, and that as pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from . import udim
from .bake_look import Part, bake
from .image_pixels import GREY, encode, opacity, pixels
from .material_slots import slot_material
from .surface_color import End, Groups, Place, color_places, has_nodes, images, trace
from .uv_tiles import uv_tiles


@dataclass(frozen=True)
class Look:
    """What a surface looks like before it is painted.

    Attributes:
        pixels: (H, W, 3) float32 in 0-1, sRGB-encoded, row 0 on top; one texel if it is flat.
        alpha: (H, W) float32 in 0-1, how opaque its image is; None if it is so everywhere.
        warnings: what the artist should know.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """An image that faces show as it is, placed by their UVs.

    Attributes:
        image: the image, with UDIM tiles or without.
        cut_out: whether the material uses its alpha too; where not, it is seen over black.
    """

    image: bpy.types.Image
    cut_out: bool

    def look(self, image: bpy.types.Image) -> Look:
        """The look of `image`, which is the one that is shown, or a tile of it.

        Raises:
            JobError: if it has no pixels.
        """
        return Look(pixels(image, over_black=not self.cut_out), opacity(image))


def look(part: Part, size: int, context: bpy.types.Context, tile: int = udim.UNTILED) -> Look:
    """The look of the faces `part`, read from their material, or baked if that cannot be.

    Args:
        part: the faces.
        size: of the texture that is going to be painted.
        context: where the scene is.
        tile: the UDIM tile that alone is looked at, if they lie on such.

    Raises:
        JobError: if an image has no pixels, no shader with a color feeds the material's output,
            or its look can neither be read nor be baked.
    """
    material = slot_material(part.obj, part.slot)
    if material is None:
        return grey()
    if not has_nodes(material):
        if material.node_tree:
            color_places(material)  # switched off; what is missing in it is said before the run
        return Look(_flat(material.diffuse_color[:3]))
    image = shown(part)
    if image:
        return image.look(image.image)
    flat = _flat_color(_ends(material))
    if flat is not None:
        return Look(flat)
    baked = bake(material, part, size, context, tile)
    return Look(baked.pixels, warnings=baked.warnings)


def grey() -> Look:
    """What Blender shows where there is no material."""
    return Look(_flat((GREY,) * 3))


def shown(part: Part) -> Shown | None:
    """The image that the faces `part` show, or showed before we painted them; None if none.

    Raises:
        JobError: if no shader with a color feeds the material's output.
    """
    material = slot_material(part.obj, part.slot)
    if material is None or not has_nodes(material):
        return None
    first, *others = _ends(material)
    output = first.output
    node = output.node if output and output.identifier == "Color" else None
    if any(end.output != output for end in others):
        return None
    if not isinstance(node, bpy.types.ShaderNodeTexImage) or node.mute or not node.image:
        return None
    image = node.image
    if image.source in {"SEQUENCE", "MOVIE"} or node.projection != "FLAT":
        return None
    repeats = node.extension == "REPEAT" or image.source == "TILED"
    if not repeats and uv_tiles(part.uvs) != [(0, 0)]:
        return None
    if not _placed_by_uvs(node, first.place.groups, part.uv_map):
        return None
    assert node.outputs
    return Shown(image, bool(node.outputs["Alpha"].links))


def lies_on_tiles(part: Part, image: Shown | None) -> bool:
    """Whether the faces `part` lie on UDIM tiles: those of the `image` that they show, if any,
    else of an image that their material has anywhere.
    """
    if image:
        return image.image.source == "TILED"
    material = slot_material(part.obj, part.slot)
    if material is None or not has_nodes(material):
        return False
    assert material.node_tree
    return any(image.source == "TILED" for image in images(material.node_tree))


def _ends(material: bpy.types.Material) -> list[End]:
    """What gives the material its color in the end, at least one."""
    return [trace(place) for place in color_places(material)]


def _flat_color(ends: Sequence[End]) -> np.ndarray | None:
    """The color that all of `ends` have, (1, 1, 3) as of `Look`; None if they differ."""
    output: Any = ends[0].output
    if any(end.output != output for end in ends):
        return None
    if output is None:
        sockets: list[Any] = [end.place.socket for end in ends]
        colors = {tuple(socket.default_value)[:3] for socket in sockets if socket.type == "RGBA"}
        return _flat(*colors) if len(colors) == 1 else None
    if isinstance(output.node, bpy.types.ShaderNodeRGB) and not output.node.mute:
        return _flat(output.default_value[:3])
    return None


def _placed_by_uvs(node: bpy.types.ShaderNodeTexImage, groups: Groups, uv_map: str) -> bool:
    assert node.inputs
    own = node.texture_mapping  # which Cycles minds, and the node shows under Workbench alone
    if (
        np.array(own.translation).any()
        or np.array(own.rotation).any()
        or (np.array(own.scale) != 1).any()
        or (own.mapping_x, own.mapping_y) != ("X", "Y")
    ):
        return False
    output = trace(Place(node.inputs["Vector"], groups)).output
    if output is None:
        return True
    if isinstance(output.node, bpy.types.ShaderNodeTexCoord):
        return output.identifier == "UV"
    return isinstance(output.node, bpy.types.ShaderNodeUVMap) and output.node.uv_map in ("", uv_map)


def _flat(linear: tuple[float, ...]) -> np.ndarray:
    return encode(np.array(linear, np.float32)).reshape(1, 1, 3)
