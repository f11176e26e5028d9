"""The style picture, small: read by Blender in the background, once for every change of it."""

from __future__ import annotations

from pathlib import Path

import bpy
import bpy.utils.previews

_state: dict[str, bpy.utils.previews.ImagePreviewCollection] = {}


def icon(path: Path) -> int:
    """An icon's number for `UILayout.template_icon`; 0 where there is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0
    previews = _state["previews"]
    key = f"{path} {found.st_mtime_ns} {found.st_size}"
    if key not in previews:
        previews.clear()
        previews.load(key, str(path), "IMAGE")
    return previews[key].icon_id


def register() -> None:
    """Make room for the icon."""
    _state["previews"] = bpy.utils.previews.new()


def unregister() -> None:
    """Give the room back."""
    bpy.utils.previews.remove(_state.pop("previews"))
