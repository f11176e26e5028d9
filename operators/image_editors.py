"""The open Image Editors, and what they show."""

from __future__ import annotations

from collections.abc import Iterator

import bpy


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
