"""The buttons that make and remove the private environment with PyTorch."""

from __future__ import annotations

import sys
from typing import Any

import bpy

from ..engine.errors import JobError
from . import environment, long_paths
from .alone import alone, steps_alone
from .child import Steps
from .classes import registration
from .engine_python import install_log, preferences, private_folder, user_folder
from .task import Task, TaskOperator, check_idle, check_online, redraw_task

INSTALL = "Install PyTorch"
REMOVE = "Remove PyTorch"


class WM_OT_style_transfer_3d_install(TaskOperator):
    """Into the add-on's own folder, never into Blender's Python."""

    bl_idname = "wm.style_transfer_3d_install"
    bl_label = INSTALL
    bl_description = (
        "Download PyTorch, which computes the paint, into the add-on's own folder. "
        "Blender can be used meanwhile"
    )
    task_name = INSTALL

    def steps(self) -> Steps:
        """Make the environment, with the build that the preferences name."""
        check_online(INSTALL)
        check_idle(INSTALL)
        long_paths.check(private_folder(), platform=sys.platform, on=long_paths.are_on())
        user_folder(create=True)
        chosen = preferences()
        steps = environment.make(
            private_folder(),
            install_log(),
            kind=chosen.build if chosen else "AUTO",
            requirements=environment.REQUIREMENTS,
            check=environment.CHECK,
        )
        return steps_alone(private_folder().parent, INSTALL, steps)


class WM_OT_style_transfer_3d_remove(bpy.types.Operator):
    """What was installed is several gigabytes."""

    bl_idname = "wm.style_transfer_3d_remove"
    bl_label = REMOVE
    bl_description = "Delete the PyTorch that this add-on has installed, to free the disk"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether there is something to remove."""
        return Task.current is None and private_folder().exists()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask first: it takes long to download again."""
        assert context.window_manager
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: bpy.types.Context) -> set[Any]:
        """Delete the private environment."""
        try:
            check_idle(REMOVE)
            with alone(private_folder().parent, REMOVE):
                environment.discard(private_folder())
        except JobError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except OSError as error:
            text = f"{REMOVE}: {str(private_folder())!r} is in use ({error.strerror})"
            self.report({"ERROR"}, f"{text}. End what uses it and try again")
            return {"CANCELLED"}
        redraw_task()
        return {"FINISHED"}


_CLASSES = (WM_OT_style_transfer_3d_install, WM_OT_style_transfer_3d_remove)

register, unregister = registration(_CLASSES)
