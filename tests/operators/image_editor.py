"""An Image Editor, open for as long as a test needs it."""

from contextlib import contextmanager

import bpy


@contextmanager
def open_editor(image):
    """Turn an area of the screen into an Image Editor that shows `image`, and be in it."""
    area = bpy.context.screen.areas[0]
    before, area.type = area.type, "IMAGE_EDITOR"
    area.spaces.active.image = image
    try:
        with bpy.context.temp_override(area=area):
            yield area.spaces.active
    finally:
        area.type = before
