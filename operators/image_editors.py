"""The open Image Editors, and what they show."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from .redraw import redraw


def editors() -> Iterator[bpy.types.SpaceImageEditor]:
    """Every Image Editor in every workspace."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            space = area.spaces.active
            if isinstance(space, bpy.types.SpaceImageEditor):
                yield space


def number(space: bpy.types.Space | None) -> int | None:
    """What an Image Editor is known by for as long as it is open; None if `space` is none."""
    return space.as_pointer() if isinstance(space, bpy.types.SpaceImageEditor) else None


def put(editor: int | None, shown: bpy.types.Image | None, image: bpy.types.Image) -> None:
    """Show `image` in the editor of that number if it is open and shows `shown`, or nothing."""
    for space in editors():
        if space.as_pointer() == editor and space.image in (None, shown):
            space.image = image


def first_editor() -> bpy.types.SpaceImageEditor | None:
    """The Image Editor that shows sheets; None if none is open.

    UV Editors are the artist's for other things.
    """
    assert bpy.context.window_manager
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            space = area.spaces.active
            if area.ui_type == "IMAGE_EDITOR" and isinstance(space, bpy.types.SpaceImageEditor):
                return space
    return None


def show_first(image: bpy.types.Image) -> None:
    """Show `image` in the first Image Editor, if one is open."""
    if editor := first_editor():
        editor.image = image
    redraw(("IMAGE_EDITOR", "WINDOW"))
