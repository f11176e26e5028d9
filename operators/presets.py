"""object.style_transfer_preset_add: a look under a name, kept the way Blender keeps presets."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy
from bl_operators.presets import AddPresetBase

from .settings import NAMES, SCENE_PROPERTY

SUBDIR = "style_transfer_3d"
MENU = "VIEW3D_PT_style_transfer_presets"
# These say where on this object it goes, and its result, which no look has to do with.
_NOT_IN_PRESETS = ("output", "replace", "assign", "uv_map", "style_region", "protect")
_PATHS = ("style", "weights_file")


class OBJECT_OT_style_transfer_preset_add(AddPresetBase, bpy.types.Operator):  # type: ignore[misc]
    """Save, or remove, the settings in the panel."""

    bl_idname = "object.style_transfer_preset_add"
    bl_label = "Add Style Transfer Preset"
    bl_description = "Keep the settings, with the style picture, under a name; or remove them"
    preset_menu = MENU
    preset_subdir = SUBDIR
    # Whole paths, not `preset_defines`: those do not work in Blender 4.3 on Python 3.13.
    preset_values: ClassVar[list[str]] = [
        f"bpy.context.scene.{SCENE_PROPERTY}.{name}"
        for name in NAMES
        if name not in _NOT_IN_PRESETS
    ]

    def execute(self, context: bpy.types.Context) -> Any:
        """Save with whole paths: a preset is for other .blend files too, where // is elsewhere."""
        group = getattr(context.scene, SCENE_PROPERTY)
        holders = [(group, name) for name in _PATHS]
        holders += [(style, "file") for style in group.more_styles]
        as_given = [getattr(holder, name) for holder, name in holders]
        for (holder, name), path in zip(holders, as_given, strict=True):
            setattr(holder, name, bpy.path.abspath(path))
        try:
            return super().execute(context)
        finally:
            for (holder, name), path in zip(holders, as_given, strict=True):
                setattr(holder, name, path)


def register() -> None:
    """Make the operator known to Blender."""
    bpy.utils.register_class(OBJECT_OT_style_transfer_preset_add)


def unregister() -> None:
    """Take the operator back."""
    bpy.utils.unregister_class(OBJECT_OT_style_transfer_preset_add)
