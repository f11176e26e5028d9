"""What the sidebar's panels share: where they stand, and how they write a line."""

from __future__ import annotations

import bpy

from ..operators import running, settings

PARENT = "VIEW3D_PT_style_transfer"
IMAGE_PARENT = "IMAGE_PT_style_transfer"
NAMES_SHARE = 0.4  # of a row's width, as Blender splits it with use_property_split


class SidebarPanel(bpy.types.Panel):
    """A panel in the tab Style of the 3D viewport's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Style"


class ImageSidebarPanel(bpy.types.Panel):
    """A panel in the tab Style of the Image Editor's sidebar."""

    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Style"


def settings_column(
    panel: bpy.types.Panel, context: bpy.types.Context
) -> tuple[bpy.types.UILayout, settings.StyleTransferSettings]:
    """A column of settings, which stand still while a run is going; and the scene's settings."""
    layout = panel.layout
    assert layout
    layout.use_property_split = True
    layout.use_property_decorate = False
    column = layout.column()
    column.enabled = not running.state(context).active
    return column, getattr(context.scene, settings.SCENE_PROPERTY)


def distance(value: float) -> str:
    """How far the paint is from a picture, as the losses measure it."""
    return f"{value:.2f} (0: the same)"


def draw_fact(layout: bpy.types.UILayout, name: str, text: str) -> None:
    """A line such as a setting's, that only tells."""
    split = layout.split(factor=NAMES_SHARE)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=name)
    split.label(text=text, translate=False)
