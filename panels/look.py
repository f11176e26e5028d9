"""The settings that shape the look, in sub-panels: strokes and colors, more styles and regions."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators import look_settings, settings
from ..operators.classes import registration
from .layouts import PARENT, SidebarPanel, settings_column


class Strokes(bpy.types.Panel):
    """How large the strokes are, which way they run, whose colors they have."""

    bl_label = "Strokes and Color"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - as Blender wants it
    of_meshes = False  # whether what is painted has a shape and a size in the scene

    def draw(self, context: bpy.types.Context) -> None:
        """Size, turn and color; what the run starts from and holds on to."""
        column, group = settings_column(self, context)
        column.prop(group, "color")
        sizes = column.column(align=True)
        row = sizes.row()
        row.active = not (self.of_meshes and group.stroke_length)
        row.prop(group, "stroke_size")
        if self.of_meshes:
            sizes.prop(group, "stroke_length")
        column.prop(group, "stroke_rotation")
        column.prop(group, "tv_weight")
        column.separator()
        column.prop(group, "start")
        if self.of_meshes:
            column.prop(group, "content_source")
        column.prop(group, "style_loss")


class VIEW3D_PT_style_transfer_strokes(Strokes, SidebarPanel):
    """Of a mesh."""

    bl_parent_id = PARENT
    of_meshes = True


class VIEW3D_PT_style_transfer_regions(SidebarPanel):
    """Where the style goes, what is protected, and further styles."""

    bl_label = "Regions and More Styles"
    bl_parent_id = PARENT
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - as Blender wants it

    def draw(self, context: bpy.types.Context) -> None:
        """Names of vertex groups, and a box for each style after the first."""
        column, group = settings_column(self, context)
        column.prop(group, "protect")
        column.prop(group, "style_region")
        for style, box in draw_styles(column, group):
            box.prop(style, "region")


def draw_styles(
    layout: bpy.types.UILayout, group: settings.StyleTransferSettings
) -> list[tuple[look_settings.StyleTransferStyle, bpy.types.UILayout]]:
    """A box for each style after the first, to draw more in; below them a button for another."""
    drawn = []
    for index, style in enumerate(group.more_styles):
        box = layout.box().column()
        row = box.row(align=True)
        row.use_property_split = False
        row.prop(style, "file", text="", placeholder="Style Picture")
        remove: Any = row.operator("object.style_transfer_style_remove", text="", icon="X")
        remove.index = index
        box.prop(style, "weight")
        drawn.append((style, box))
    layout.operator("object.style_transfer_style_add", icon="ADD")
    return drawn


_CLASSES = (VIEW3D_PT_style_transfer_strokes, VIEW3D_PT_style_transfer_regions)

register, unregister = registration(_CLASSES)
