"""The tab Style in the 3D viewport's sidebar: the picture, the settings, the button, the run."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..operators import running, settings
from . import thumbnail
from .layouts import PARENT, SidebarPanel, distance, draw_fact, settings_column
from .preset_menu import VIEW3D_PT_style_transfer_presets
from .problem import problem
from .text import draw_text

_THUMBNAIL = 6.0  # times the height of a button
_BIG = 1.6


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
        _draw_picture(column, group)
        column.prop(group, "preset")
        column.prop(group, "style_weight")
        column.prop(group, "content_weight")
        column.prop(group, "texture_size")
        layout = self.layout
        assert layout
        layout.separator()
        if running.state(context).active:
            _draw_run(layout, running.state(context))
        else:
            _draw_start(layout, context)


def _draw_picture(layout: bpy.types.UILayout, group: settings.StyleTransferSettings) -> None:
    if icon := group.style and thumbnail.icon(Path(bpy.path.abspath(group.style))):
        layout.template_icon(icon, scale=_THUMBNAIL)
    layout.prop(group, "style", text="", placeholder="Style Picture")


def _draw_start(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The big button; above it what is in its way."""
    found = problem(context)
    if found:
        box = layout.box()
        box.use_property_split = False
        draw_text(box, str(found.error), icon="ERROR")
        if found.draw_cure:
            found.draw_cure(box)
    row = layout.row()
    row.scale_y = _BIG
    row.enabled = not found
    name = f"Paint {context.object.name}" if context.object else "Paint"
    row.operator("object.style_transfer", text=name, icon="BRUSH_DATA", translate=False)


def _draw_run(layout: bpy.types.UILayout, run: running.StyleTransferRun) -> None:
    """How far it is, and what ends it."""
    column = layout.column()
    column.label(text=f"Painting {run.object_name}", icon="BRUSH_DATA", translate=False)
    column.progress(factor=run.share, text=run.status())
    if run.step and not run.stopping:
        draw_fact(column, "From Picture", distance(run.style_loss))
        draw_fact(column, "From Original", distance(run.content_loss))
    row = layout.row(align=True)
    row.scale_y = _BIG
    row.operator("object.style_transfer_cancel", icon="X")
    row.operator("object.style_transfer_keep")


def register() -> None:
    """Make the panel known to Blender."""
    bpy.utils.register_class(VIEW3D_PT_style_transfer)


def unregister() -> None:
    """Take the panel back."""
    bpy.utils.unregister_class(VIEW3D_PT_style_transfer)
