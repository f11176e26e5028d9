"""Images that are made together: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import bpy


@contextmanager
def new_images() -> Iterator[None]:
    """Take the images out of the file again that are made meanwhile, if it ends in any error."""
    before = {image.session_uid for image in bpy.data.images}
    with ExitStack() as on_error:
        on_error.callback(_keep_only, before)
        yield
        on_error.pop_all()


def _keep_only(uids: set[int]) -> None:
    for image in [image for image in bpy.data.images if image.session_uid not in uids]:
        bpy.data.images.remove(image)
