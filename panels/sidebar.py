"""The tab Style in the 3D viewport's sidebar: the picture, the settings, the button, the run."""

from __future__ import annotations

from contextlib import suppress

import bpy

from ..engine.errors import JobError
from ..operators.selection import selection
from .layouts import PARENT, SidebarPanel, settings_column
from .preset_menu import VIEW3D_PT_style_transfer_presets
from .problem import problem
from .run_controls import draw_picture, draw_run_or_start


class VIEW3D_PT_style_transfer(SidebarPanel):
    """What is needed for every run."""

    bl_idname = PARENT
    bl_label = "Style Transfer"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Looks that were saved under a name."""
        VIEW3D_PT_style_transfer_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        """The settings, and below them the button or the run."""
        column, group = settings_column(self, context)
        draw_picture(column, group)
        column.prop(group, "preset")
        column.prop(group, "style_weight")
        column.prop(group, "content_weight")
        column.prop(group, "texture_size")
        layout = self.layout
        assert layout
        name = ""
        with suppress(JobError):  # which the panel tells
            name = selection(context).name
        draw_run_or_start(layout, context, problem, "object.style_transfer", name)


def register() -> None:
    """Make the panel known to Blender."""
    bpy.utils.register_class(VIEW3D_PT_style_transfer)


def unregister() -> None:
    """Take the panel back."""
    bpy.utils.unregister_class(VIEW3D_PT_style_transfer)
