"""The tab Style in the Image Editor's sidebar: painting the picture that it shows."""

from __future__ import annotations

import bpy

from ..operators.classes import registration
from ..operators.recipe import RECIPE
from ..operators.settings import StyleTransferSettings
from ..operators.stylize_image import shown_image
from .layouts import IMAGE_PARENT, ImageSidebarPanel, settings_column
from .look import Strokes, draw_styles
from .preset_menu import VIEW3D_PT_style_transfer_presets
from .problem import image_problem
from .result import draw_result
from .run_controls import draw_picture, draw_run_or_start
from .subpanels import Advanced


class IMAGE_PT_style_transfer(ImageSidebarPanel):
    """What is needed for every run."""

    bl_idname = IMAGE_PARENT
    bl_label = "Style Transfer"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Looks that were saved under a name."""
        VIEW3D_PT_style_transfer_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        """The settings, and below them the button or the run."""
        column, group = settings_column(self, context)
        draw_picture(column, group)
        for name in ("preset", "style_weight", "content_weight"):
            column.prop(group, name)
        column.prop(group, "output", placeholder="Packed")
        image = shown_image(context)
        assert self.layout
        draw_run_or_start(
            self.layout, context, image_problem, "image.style_transfer", image.name if image else ""
        )


class IMAGE_PT_style_transfer_strokes(Strokes, ImageSidebarPanel):
    """For a picture."""

    bl_parent_id = IMAGE_PARENT


class IMAGE_PT_style_transfer_styles(ImageSidebarPanel):
    """Further styles."""

    bl_label = "More Styles"
    bl_parent_id = IMAGE_PARENT
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - as Blender wants it

    def draw(self, context: bpy.types.Context) -> None:
        """A box for each; regions are a mesh's."""
        column, group = settings_column(self, context)
        draw_styles(column, group)


class IMAGE_PT_style_transfer_advanced(Advanced, ImageSidebarPanel):
    """For a picture."""

    bl_parent_id = IMAGE_PARENT

    def texture_size(self, context: bpy.types.Context, group: StyleTransferSettings) -> int:
        """That of the picture, if one is shown."""
        image = shown_image(context)
        return max(image.size) if image else group.texture_size


class IMAGE_PT_style_transfer_result(ImageSidebarPanel):
    """What the image remembers of the run that made it."""

    bl_label = "Result"
    bl_parent_id = IMAGE_PARENT

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the image is a result."""
        image = shown_image(context)
        return image is not None and image.get(RECIPE) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """The image, its making, its measures."""
        image = shown_image(context)
        assert self.layout
        assert image
        draw_result(self.layout, image)


_CLASSES = (
    IMAGE_PT_style_transfer,
    IMAGE_PT_style_transfer_strokes,
    IMAGE_PT_style_transfer_styles,
    IMAGE_PT_style_transfer_advanced,
    IMAGE_PT_style_transfer_result,
)

register, unregister = registration(_CLASSES)
