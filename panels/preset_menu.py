"""The menu of presets in the panel's header."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
from bl_ui.utils import PresetPanel

from ..operators import presets


class VIEW3D_PT_style_transfer_presets(PresetPanel, bpy.types.Panel):
    """Looks that were saved under a name."""

    bl_label = "Style Transfer Presets"
    preset_subdir = presets.SUBDIR
    preset_operator = "script.execute_preset"
    preset_add_operator = presets.OBJECT_OT_style_transfer_preset_add.bl_idname

    def path_menu(self, searchpaths: Iterable[str], *args: Any, **options: Any) -> None:
        """List the presets. None yet is no error: that iterator is empty but true."""
        listed: Any = searchpaths or iter(())
        bpy.types.Menu.path_menu(self, listed, *args, **options)  # type: ignore[arg-type]


def register() -> None:
    """Make the menu known to Blender."""
    bpy.utils.register_class(VIEW3D_PT_style_transfer_presets)


def unregister() -> None:
    """Take the menu back."""
    bpy.utils.unregister_class(VIEW3D_PT_style_transfer_presets)
