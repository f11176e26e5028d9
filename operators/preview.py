"""The paint as it grows, shown on the model or the picture for as long as the run lasts.

Everything it adds to the file is tagged there, so that it is found and taken back whatever
happens in between: undo, a saved file, a crash and the file that Blender recovers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..engine.errors import JobError
from . import image_editors, udim
from .material_slots import Change, make_own, slot_material, undo
from .paint_node import plug_in, take_out
from .redraw import redraw
from .surface_color import color_sockets, has_nodes
from .targets import Target

NAME = "Style transfer preview"
SUFFIX = " (preview)"  # of the name of a material that stands in for another one
_LONGEST_NAME = 48  # bytes of it before that: Blender 4.2 cuts names off at 63
_TAG = "style_transfer_3d_preview"
_COVERED = "style_transfer_3d_covered"  # the image that an editor showed before


def show(number: int, target: Target, pixels: Sequence[np.ndarray]) -> None:
    """Show `pixels` wherever `target` is to be shown; a material without a place for paint stays.

    Args:
        number: that of the target, by which its preview is found again.
        target: what is being painted.
        pixels: (H, W, 4) float32 in 0-1, row 0 at the bottom, for each of its textures.
    """
    image = _tiled(number, target.tiles, pixels) if target.tiles else _image(number, pixels[0])
    slots: dict[bpy.types.Object, list[int]] = {}
    for obj, slot in target.find():
        slots.setdefault(obj, []).append(slot)
    for obj, own in slots.items():  # each by itself, so that each has its record
        had_slots = bool(obj.material_slots)
        covered = {slot: slot_material(obj, slot) for slot in own}
        changes = make_own([(obj, slot) for slot in own])
        _name(changes, covered)
        _remember(changes, had_slots=had_slots)
        for material in {slot_material(obj, slot) for slot in own}:
            if material and has_nodes(material) and not _preview_nodes(material):
                _plug_in(material, image, target.named_uv_map)
    redraw(("VIEW_3D", "WINDOW"))  # which Blender does not for new pixels alone


def show_in_editor(editor: int | None, original: bpy.types.Image, pixels: np.ndarray) -> None:
    """Show `pixels`, as of `show`, in an Image Editor that shows `original`.

    Args:
        editor: its number; see `image_editors`.
        original: what the editor shows again afterwards.
        pixels: (H, W, 4) float32 in 0-1, row 0 at the bottom.
    """
    image = _image(0, pixels)
    image[_COVERED] = original
    image_editors.put(editor, original, image)
    redraw(("IMAGE_EDITOR", "WINDOW"))


def _image(number: int, pixels: np.ndarray) -> bpy.types.Image:
    """The image of a preview with these pixels, new or the one that is there."""
    height, width = pixels.shape[:2]
    image = _found(number)
    if image is None:
        image = bpy.data.images.new(NAME, width, height)
        image[_TAG] = number
    elif tuple(image.size) != (width, height):
        image.scale(width, height)
    image.pixels.foreach_set(pixels.reshape(-1))  # type: ignore[attr-defined]
    image.update()
    image.update_tag()
    return image


def _tiled(number: int, tiles: Sequence[int], pixels: Sequence[np.ndarray]) -> bpy.types.Image:
    """The image of a preview with these tiles, in the place of the one that is there.

    Blender lends the pixels of no tile but the first.
    """
    image = udim.from_pixels(dict(zip(tiles, pixels, strict=True)))
    before = _found(number)
    if before:
        before.user_remap(image)
        bpy.data.images.remove(before)
    image.name = NAME
    image[_TAG] = number
    return image


def _found(number: int) -> bpy.types.Image | None:
    return next((image for image in bpy.data.images if image.get(_TAG) == number), None)


def show_sheet(file: Path) -> None:
    """Show the picture in `file` in the first Image Editor, if one is open.

    Raises:
        RuntimeError: if it cannot be read.
    """
    editor = image_editors.first_editor()
    if editor is None:
        return
    before = editor.image
    image = bpy.data.images.load(str(file))
    image[_TAG] = 0
    image.name = NAME
    image.pack()  # the file is not there for long
    covered = before.get(_COVERED) if before and _is_tagged(before) else before
    if covered:
        image[_COVERED] = covered
    image_editors.show_first(image)
    if before and _is_tagged(before):
        bpy.data.images.remove(before)


def clear() -> None:
    """Take every preview out of the file; what it covered shows again."""
    for space in image_editors.editors():
        if space.image and _is_tagged(space.image):
            space.image = space.image.get(_COVERED)
    for obj in bpy.data.objects:
        for slot in obj.material_slots:
            if slot.material and _is_tagged(slot.material):
                _put_back(obj, slot.slot_index, slot.material)
    for material in [m for m in bpy.data.materials if _is_tagged(m)]:
        bpy.data.materials.remove(material)
    for material in bpy.data.materials:
        for node in reversed(_preview_nodes(material)):  # the last one first
            take_out(node)
    for image in [i for i in bpy.data.images if _is_tagged(i)]:
        bpy.data.images.remove(image)


def is_shown() -> bool:
    """Whether the file holds a preview."""
    return any(_is_tagged(image) for image in bpy.data.images)


def _is_tagged(thing: bpy.types.ID | bpy.types.Node) -> bool:
    return thing.get(_TAG) is not None


def _plug_in(material: bpy.types.Material, image: bpy.types.Image, uv_map: str) -> None:
    with suppress(JobError):  # no place for paint: the run itself says so
        for socket in color_sockets(material):
            plug_in(socket, image, uv_map=uv_map)[_TAG] = True


def _preview_nodes(material: bpy.types.Material) -> list[bpy.types.Node]:
    tree = material.node_tree
    return [node for node in tree.nodes if _is_tagged(node)] if tree else []


def _name(changes: Sequence[Change], covered: Mapping[int, bpy.types.Material | None]) -> None:
    """Let the artist see that stand-ins go again, with all that is done to them.

    They do not become the materials of the result: they also go, and new ones come, at every
    undo and before every save, so what the artist did to one could not be promised to stay.

    Args:
        changes: that put them in.
        covered: what they stand in for, by slot.
    """
    for change in changes:
        material = covered[change.slot] or change.material
        whole = material.name.removesuffix(SUFFIX)
        fitting = whole.encode()[:_LONGEST_NAME].decode(errors="ignore")
        change.material.name = fitting + SUFFIX


def _remember(changes: Sequence[Change], *, had_slots: bool) -> None:
    """Write into each stand-in what it covers."""
    for change in changes:
        material = change.material
        record = json.loads(material.get(_TAG, "{}"))
        record[str(change.slot)] = [change.link, had_slots]
        material[_TAG] = json.dumps(record)
        if change.before:
            material[f"{_TAG}_{change.slot}"] = change.before


def _put_back(obj: bpy.types.Object, slot: int, stand_in: bpy.types.Material) -> None:
    """Take a stand-in out of a slot; an object that had no slots loses the one it got."""
    record = json.loads(stand_in[_TAG])
    # The artist may have moved it there; it covers the same material in all of its slots.
    known = str(slot) if str(slot) in record else next(iter(record))
    link, had_slots = record[known]
    undo(Change(obj, slot, stand_in, stand_in.get(f"{_TAG}_{known}"), link))
    if not had_slots and len(obj.material_slots) == 1:
        data: Any = obj.data  # a curve or the like, if it was converted meanwhile
        data.materials.clear()


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _clear_if_shown(*_: Any) -> None:
    if is_shown():
        clear()


# A run shows its preview again soon. What it leaves in saved files and undo steps goes.
_HANDLERS = ("save_pre", "undo_post", "redo_post", "load_post")


def register() -> None:
    """Keep previews out of what is saved, undone and loaded."""
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(_clear_if_shown)


def unregister() -> None:
    """Leave the handlers as they were."""
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_clear_if_shown)
