"""object.style_transfer_choose: the file browser for the style picture."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .settings import SCENE_PROPERTY


class OBJECT_OT_style_transfer_choose(bpy.types.Operator):
    """The field's own button shows every file; this one shows pictures, as pictures."""

    bl_idname = "object.style_transfer_choose"
    bl_label = "Choose a Picture"
    bl_description = "Choose the picture whose strokes and colors the mesh takes on"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - as Blender wants it

    filepath: StringProperty(
        name="Picture", description="The style picture's file", subtype="FILE_PATH"
    )
    relative_path: BoolProperty(
        name="Relative Path",
        description="Find the picture from the .blend file's folder, so that both can be moved",
        default=True,
    )
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    display_type: EnumProperty(
        items=[("THUMBNAIL", "Thumbnails", "Files as pictures", 0, 3)],
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[Any]:
        """Open the file browser where the present picture is."""
        assert context.window_manager
        assert context.preferences
        self.filepath = bpy.path.abspath(getattr(context.scene, SCENE_PROPERTY).style)
        if not self.properties.is_property_set("relative_path"):
            self.relative_path = context.preferences.filepaths.use_relative_paths
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Take the picture into the scene's settings."""
        path = self.filepath
        if self.relative_path and bpy.data.filepath:
            try:
                path = bpy.path.relpath(path)
            except ValueError:  # on another drive, from where nothing leads here
                path = self.filepath
        getattr(context.scene, SCENE_PROPERTY).style = path
        return {"FINISHED"}


def register() -> None:
    """Make the operator known to Blender."""
    bpy.utils.register_class(OBJECT_OT_style_transfer_choose)


def unregister() -> None:
    """Take the operator back."""
    bpy.utils.unregister_class(OBJECT_OT_style_transfer_choose)
