"""The settings that not every run needs, in sub-panels: views, texture, advanced."""

from __future__ import annotations

import bpy

from ..engine.settings import PRESETS, STYLE_LAYERS
from ..operators import read_views
from ..operators.classes import registration
from ..operators.read_mesh import find_uv_layer
from ..operators.settings import StyleTransferSettings
from .layouts import PARENT, SidebarPanel, draw_fact, settings_column

# What each of STYLE_LAYERS sees; an artist knows none of them by its name.
_SEEN = ("Color", "Grain", "Brush Marks", "Strokes", "Large Shapes")
_NAMES = 0.62  # of a row's width, for names that are longer than most


class VIEW3D_PT_style_transfer_views(SidebarPanel):
    """From where the mesh is looked at."""

    bl_label = "Views"
    bl_parent_id = PARENT

    def draw(self, context: bpy.types.Context) -> None:
        """The kind, and how many there are of it."""
        column, group = settings_column(self, context)
        row = column.row()
        row.use_property_split = False
        row.prop(group, "views", expand=True)
        match group.views:
            case "SPHERE":
                column.prop(group, "view_count")
                if not group.view_count:
                    count = PRESETS[group.preset].views
                    draw_fact(column, "", f"{count} by preset {group.preset.capitalize()}")
            case "CAMERAS":
                count = len(read_views.enabled_cameras(context))
                draw_fact(column, "In Scene", "1 camera" if count == 1 else f"{count} cameras")
            case _:
                draw_fact(column, "", "The side that you see")


class VIEW3D_PT_style_transfer_texture(SidebarPanel):
    """Where the result goes."""

    bl_label = "Texture"
    bl_parent_id = PARENT
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - as Blender wants it

    def draw(self, context: bpy.types.Context) -> None:
        """The file, where it is shown, what becomes of the earlier one, the relief, the UV map."""
        column, group = settings_column(self, context)
        column.prop(group, "output", placeholder="Packed")
        column.prop(group, "assign")
        row = column.column(heading="Result")
        row.active = group.assign == "MATERIAL"
        row.prop(group, "replace", text="Replace Earlier")
        column.prop(group, "relief")
        row = column.row()
        row.active = group.relief != "NONE"
        row.prop(group, "relief_strength", text="Strength")
        data = context.object.data if context.object else None
        if isinstance(data, bpy.types.Mesh):
            column.prop_search(group, "uv_map", data, "uv_layers")
            if not group.uv_map:
                layer = find_uv_layer(data, "")
                draw_fact(column, "", f"{layer.name}, as rendered" if layer else "None")


class Advanced(bpy.types.Panel):
    """For those who know how it works."""

    bl_label = "Advanced"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - as Blender wants it

    def texture_size(self, _context: bpy.types.Context, group: StyleTransferSettings) -> int:
        """Larger side, in texels, of what is painted."""
        return group.texture_size

    def draw(self, context: bpy.types.Context) -> None:
        """Steps and seed, what computes, and the layers of the style."""
        column, group = settings_column(self, context)
        column.prop(group, "steps")
        if not group.steps:
            steps = PRESETS[group.preset].all_steps(self.texture_size(context, group))
            draw_fact(column, "", f"{steps} by preset {group.preset.capitalize()}")
        column.prop(group, "seed")
        column.prop(group, "device")
        column.prop(group, "backbone")
        row = column.row()
        row.active = group.backbone != "VGG16"
        row.prop(group, "weights_file")
        column.separator()
        column.label(text="How Much Each Layer Counts")
        layers = column.column(align=True)
        for index, (name, seen) in enumerate(zip(STYLE_LAYERS, _SEEN, strict=True)):
            split = layers.split(factor=_NAMES)
            split.use_property_split = False
            split.label(text=f"{seen} ({name})")
            split.prop(group, "layer_weights", index=index, text="")


class VIEW3D_PT_style_transfer_advanced(Advanced, SidebarPanel):
    """For a mesh."""

    bl_parent_id = PARENT


_CLASSES = (
    VIEW3D_PT_style_transfer_views,
    VIEW3D_PT_style_transfer_texture,
    VIEW3D_PT_style_transfer_advanced,
)

register, unregister = registration(_CLASSES)
