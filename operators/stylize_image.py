"""image.style_transfer: from a flat picture to a new image beside it."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from ..engine.errors import JobError
from . import image_editors
from .on_image import OnImage
from .request import Request
from .settings import FlatProperties
from .stylize import PaintOperator


class IMAGE_OT_style_transfer(FlatProperties, PaintOperator):
    """Two-dimensional style transfer (Gatys et al. 2016) by the same engine."""

    bl_idname = "image.style_transfer"
    bl_description = "Paint the image in the style of a picture: a new image of the same size"

    image: StringProperty(
        name="Image",
        description="Name of the image to paint; empty takes the one that the Image Editor shows",
        options={"SKIP_SAVE"},
    )

    def begin(self, context: bpy.types.Context, request: Request) -> OnImage:
        """The image of that name, or the one that the editor shows."""
        image = shown_image(context)
        if self.image:
            image = bpy.data.images.get(self.image)
            if image is None:
                raise JobError(
                    f"Image {self.image!r}",
                    "there is none of that name in the file",
                    "Choose one that the Image Editor lists",
                )
        return OnImage(image, image_editors.number(context.space_data), request)


def shown_image(context: bpy.types.Context) -> bpy.types.Image | None:
    """The image in the Image Editor of `context`; None if there is no editor or no image."""
    space = context.space_data
    return space.image if isinstance(space, bpy.types.SpaceImageEditor) else None


def register() -> None:
    """Make the operator known to Blender."""
    bpy.utils.register_class(IMAGE_OT_style_transfer)


def unregister() -> None:
    """Take the operator back."""
    bpy.utils.unregister_class(IMAGE_OT_style_transfer)
