"""object.style_transfer_style_add and _remove: the list of styles after the first."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import IntProperty

from .classes import registration
from .settings import SCENE_PROPERTY


class OBJECT_OT_style_transfer_style_add(bpy.types.Operator):
    """One more, to be filled in."""

    bl_idname = "object.style_transfer_style_add"
    bl_label = "Add Style"
    bl_description = "Paint with one more picture, everywhere or in a region of its own"
    bl_options = {"UNDO", "INTERNAL"}  # noqa: RUF012 - as Blender wants it

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Add it at the end."""
        getattr(context.scene, SCENE_PROPERTY).more_styles.add()
        return {"FINISHED"}


class OBJECT_OT_style_transfer_style_remove(bpy.types.Operator):
    """The one at `index` goes."""

    bl_idname = "object.style_transfer_style_remove"
    bl_label = "Remove Style"
    bl_description = "Paint without this picture"
    bl_options = {"UNDO", "INTERNAL"}  # noqa: RUF012 - as Blender wants it

    index: IntProperty(name="Index", description="Its place in the list, from 0", min=0)

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Remove it, if it is there."""
        styles = getattr(context.scene, SCENE_PROPERTY).more_styles
        if self.index >= len(styles):
            return {"CANCELLED"}
        styles.remove(self.index)
        return {"FINISHED"}


_CLASSES = (OBJECT_OT_style_transfer_style_add, OBJECT_OT_style_transfer_style_remove)

register, unregister = registration(_CLASSES)
