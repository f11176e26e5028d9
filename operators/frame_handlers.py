"""What an artist's file does at each new frame, left out where the frame is not the artist's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

_NAMES = ("frame_change_pre", "frame_change_post")


@contextmanager
def no_frame_handlers() -> Iterator[None]:
    """Let `Scene.frame_set` call no handler meanwhile; they are there in their order afterwards.

    A rig's handler would take the scene that it is given for the artist's.
    """
    before = {name: list(getattr(bpy.app.handlers, name)) for name in _NAMES}
    for name in _NAMES:
        getattr(bpy.app.handlers, name).clear()
    try:
        yield
    finally:
        for name, handlers in before.items():
            getattr(bpy.app.handlers, name)[:] = handlers
