"""The look of a material that no single image holds, baked by Cycles into pixels.

It is baked on a copy of the object, of its mesh and of its material, in a scene of their own:
the artist's scene, its render settings and the selection are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any

import bpy
import numpy as np

from ..engine.errors import JobError
from . import udim
from .frame_handlers import no_frame_handlers
from .glow import let_glow, surface_copy
from .image_pixels import GREY, check_readable, encode, stored
from .object_nodes import reads_random
from .uv_tiles import MOST, MOVED, tile_mover, uv_tiles

LARGEST = 2048  # texels on a side; it is enlarged where the texture is larger
SAMPLES = 4  # a texel: they smooth edges, for a color has no noise
RIM = 2  # texels beyond the islands, so that rounding leaves none of theirs out
_NAME = "style transfer look"


@dataclass(frozen=True)
class Part:
    """The faces of an object that show one of its materials.

    Attributes:
        obj: the object.
        slot: index of the material's slot.
        uv_map: name of the UV map.
        uvs: (F, 3, 2) float32, the map on those faces, after the modifiers.
    """

    obj: bpy.types.Object
    slot: int
    uv_map: str
    uvs: np.ndarray


@dataclass(frozen=True)
class Baked:
    """A look as pixels.

    Attributes:
        pixels: (H, W, 3) float32 in 0-1, sRGB-encoded, row 0 on top.
        warnings: what the artist should know.
    """

    pixels: np.ndarray
    warnings: tuple[str, ...]


def bake(
    material: bpy.types.Material,
    part: Part,
    size: int,
    context: bpy.types.Context,
    tile: int = udim.UNTILED,
) -> Baked:
    """The color of `material` on `part`, before any light, as Cycles computes it at this frame.

    Args:
        material: with nodes.
        part: where it is seen.
        size: of the texture that is going to be painted.
        context: where the scene is, for its frame.
        tile: the UDIM tile that alone is baked, if they lie on such.

    Raises:
        JobError: if no shader with a color feeds its output, an image is missing, Cycles is
            switched off, or the UVs reach too far outside 0-1.
    """
    side = min(size, LARGEST)
    made: list[bpy.types.ID] = []
    try:
        own = surface_copy(material, made)
        images = let_glow(own, made)
        missing = [image for image in images if not _has_tile(image, tile)]
        if missing:
            grey = encode(np.full((1, 1, 3), GREY, np.float32))
            return Baked(grey, tuple(udim.no_tile(image, tile) for image in missing))
        with _telling(context, f"Baking the look of material {material.name!r}"):
            values = _bake(own, part, side, context, made, tile)
    finally:
        bpy.data.batch_remove(made)
    baked = values[..., 3] > 0
    if not baked.any():
        raise JobError(
            f"Material {material.name!r}",
            f"Cycles bakes none of it on {part.obj.name!r}",
            "Plug an image into its color, or apply the object's modifiers",
        )
    moving = {i.name: i for i in images if i.source in {"SEQUENCE", "MOVIE"}}
    frame = context.scene.frame_current if context.scene else 0
    return Baked(
        encode(grown(values[..., :3], baked, RIM)),
        tuple(f"Image {name!r} moves: its look at frame {frame} is taken" for name in moving),
    )


def grown(colors: np.ndarray, known: np.ndarray, width: int) -> np.ndarray:
    """`colors` (H, W, 3) carried on by `width` texels from those `known` (H, W), repeating."""
    for _ in range(width):
        total, count = np.zeros(colors.shape, np.float32), np.zeros(known.shape, np.float32)
        for shift in product((-1, 0, 1), repeat=2):
            near = np.roll(known, shift, (0, 1))
            total += np.roll(colors, shift, (0, 1)) * near[..., None]
            count += near
        fresh = ~known & (count > 0)
        colors = np.where(fresh[..., None], total / np.maximum(count, 1)[..., None], colors)
        known = known | fresh
    return colors


def _has_tile(image: bpy.types.Image, tile: int) -> bool:
    """Whether `image` has pixels for the UDIM tile `tile`, if it has tiles.

    Raises:
        JobError: if it has none at all.
    """
    if image.source != "TILED":
        check_readable(image)
        return True
    udim.check_saved(image)
    return tile in udim.readable(image)


def _bake(
    own: bpy.types.Material,
    part: Part,
    side: int,
    context: bpy.types.Context,
    made: list[bpy.types.ID],
    number: int,
) -> np.ndarray:
    """What `own` emits on `part`: (side, side, 4) float32, scene linear, alpha 1 where baked."""
    if not hasattr(bpy.types.Scene, "cycles"):
        raise JobError(
            f"Look of object {part.obj.name!r}",
            "it has to be baked, and Cycles is switched off",
            "Turn the add-on Cycles Render Engine on, or plug an image into Base Color",
        )
    tiles = [udim.square(number)] if number else uv_tiles(part.uvs)
    if len(tiles) > MOST:
        raise JobError(
            f"UV map {part.uv_map!r} of {part.obj.name!r}",
            f"it reaches over more than {MOST} tiles, so that no look can be baked",
            "Scale the UVs down, or into 0 to 1",
        )
    target = _target(own, side, made)
    scene, obj = _stage(part, own, context, made)
    assert own.node_tree
    named = _named_as(obj, part.obj) if reads_random(own.node_tree) else nullcontext()
    try:
        with named:
            for tile in tiles:
                _bake_tile(scene, obj, part.uv_map, tile, made)
    except RuntimeError as error:
        raise JobError(
            f"Look of object {part.obj.name!r}",
            f"Cycles cannot bake it ({str(error).strip()})",
            "Plug an image into Base Color, or apply the object's modifiers",
        ) from error
    return stored(target).copy()


@contextmanager
def _telling(context: bpy.types.Context, text: str) -> Iterator[None]:
    """Tell what takes a moment: on the terminal, or in the status bar."""
    if bpy.app.background or not context.workspace:
        print(text, flush=True)
        yield
        return
    context.workspace.status_text_set(text)
    bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)  # nothing is drawn until it is done
    try:
        yield
    finally:
        context.workspace.status_text_set(None)


def _target(own: bpy.types.Material, side: int, made: list[bpy.types.ID]) -> bpy.types.Image:
    """A new image, transparent yet, that a bake of `own` goes into."""
    image = bpy.data.images.new(_NAME, side, side, alpha=True, float_buffer=True, is_data=True)
    made.append(image)
    image.pixels.foreach_set(np.zeros(side * side * 4, np.float32))  # type: ignore[attr-defined]
    assert own.node_tree
    node = own.node_tree.nodes.new("ShaderNodeTexImage")
    assert isinstance(node, bpy.types.ShaderNodeTexImage)
    node.image = image
    own.node_tree.nodes.active = node
    return image


def _stage(
    part: Part,
    own: bpy.types.Material,
    context: bpy.types.Context,
    made: list[bpy.types.ID],
) -> tuple[bpy.types.Scene, bpy.types.Object]:
    """A scene in which a copy of the object shows `own` on the faces of `part` alone."""
    scene = bpy.data.scenes.new(_NAME)
    made.append(scene)
    scene.render.engine = "CYCLES"  # type: ignore[assignment]
    cycles: Any = scene.cycles
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", SAMPLES, False
    if context.scene:
        with no_frame_handlers():
            scene.frame_set(context.scene.frame_current, subframe=context.scene.frame_subframe)
        _copy_properties(context.scene, scene)
    if context.view_layer:
        _copy_properties(context.view_layer, scene.view_layers[0])
    obj = part.obj.copy()
    made.append(obj)
    assert part.obj.data
    obj.data = part.obj.data.copy()
    made.append(obj.data)
    assert isinstance(obj.data, bpy.types.Mesh)
    obj.hide_render = obj.hide_viewport = obj.is_holdout = False
    for slot in obj.material_slots:
        slot.link = "OBJECT"
        slot.material = own if slot.slot_index == part.slot else None
    scene.collection.objects.link(obj)
    return scene, obj


@contextmanager
def _named_as(copy: bpy.types.Object, original: bpy.types.Object) -> Iterator[None]:
    """Let `copy` have the name of `original`, which its random number comes from, for so long."""
    name = original.name
    try:
        original.name = f"{_NAME}: the original"
        copy.name = name
        yield
    finally:
        copy.name = f"{_NAME}: the copy"
        original.name = name


def _copy_properties(source: bpy.types.ID | bpy.types.ViewLayer, to: Any) -> None:
    """Copy the custom properties that an Attribute node can read: numbers, and arrays of them."""
    for name, value in source.items():
        if isinstance(value, int | float) or hasattr(value, "to_list"):
            to[name] = value


def _bake_tile(
    scene: bpy.types.Scene,
    obj: bpy.types.Object,
    uv_map: str,
    tile: tuple[int, int],
    made: list[bpy.types.ID],
) -> None:
    """Bake what of the UVs lies in `tile` into the active image of the object's material."""
    assert isinstance(obj.data, bpy.types.Mesh)
    modifier = None
    if tile != (0, 0) or uv_map not in obj.data.uv_layers:
        if MOVED not in obj.data.uv_layers:  # Blender wants it there before the modifiers, too
            obj.data.uv_layers.new(name=MOVED)
        modifier = obj.modifiers.new(_NAME, "NODES")
        assert isinstance(modifier, bpy.types.NodesModifier)
        modifier.node_group = tile_mover(uv_map, tile)
        made.append(modifier.node_group)
    with bpy.context.temp_override(
        scene=scene,
        view_layer=scene.view_layers[0],
        object=obj,
        active_object=obj,
        selected_objects=[obj],
        selected_editable_objects=[obj],
    ):
        bpy.ops.object.bake(
            type="EMIT",
            margin=0,
            use_clear=False,
            save_mode="INTERNAL",
            uv_layer=MOVED if modifier else uv_map,
        )
    if modifier:
        obj.modifiers.remove(modifier)
