"""What else the artist has going in Blender's windows, such as a drag that is not let go yet."""

from __future__ import annotations

import bpy


def going_meanwhile(
    operator: bpy.types.Operator, context: bpy.types.Context
) -> bpy.types.Operator | None:
    """A modal operator begun after `operator`, itself one, in its window; or any in another.

    Whoever pushes an undo step while one is going keeps what it has only half done.
    """
    assert context.window_manager
    for window in context.window_manager.windows:
        for other in window.modal_operators:  # the newest first
            if other.as_pointer() == operator.as_pointer():
                break
            return other
    return None
