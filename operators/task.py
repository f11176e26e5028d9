"""The one long piece of work beside painting: installing PyTorch, or fetching weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

import bpy

from ..engine.errors import JobError
from .child import Steps
from .redraw import SIDEBARS, redraw
from .running import Run, clock
from .worker import TICK


class Task:
    """Something that child processes do. There is one at a time, and it ends with the add-on.

    Args:
        name: for messages and for the panels, such as `Install PyTorch`.
        steps: gives what it does; nothing is done before the first `advance`.

    Raises:
        JobError: if another one is going, or what `steps` raises.
    """

    current: ClassVar[Task | None] = None
    failures: ClassVar[dict[str, str]] = {}  # what went wrong the last time, by name

    def __init__(self, name: str, steps: Callable[[], Steps]) -> None:
        if Task.current:
            other = Task.current.name
            why = "it is going on already" if other == name else f"{other!r} is going on"
            raise JobError(name, why, "Wait for it, or cancel it")
        self.name: str = name
        self.text, self.share, self.said = "Starting", 0.0, ""
        self._steps = steps()
        self._begun = time.monotonic()
        Task.current = self
        Task.failures.pop(name, None)

    @classmethod
    def is_going(cls, name: str) -> bool:
        """Whether the task of that name is the one that is going."""
        return cls.current is not None and cls.current.name == name

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self._begun

    @property
    def status(self) -> str:
        """One line, such as `Downloading torch: 120 of 890 MB (1:05)`."""
        return f"{self.text} ({clock(self.seconds)})"

    def advance(self) -> bool:
        """Look at it, without waiting: whether it is done.

        Raises:
            JobError: if it failed; it is over then.
        """
        try:
            step = next(self._steps)
        except StopIteration as end:
            self.said = end.value
            self.close()
            return True
        except JobError as error:
            self._fail(error)
            raise
        except Exception as error:  # or no other task could ever begin
            why = f"it ended in an error that nobody has foreseen ({type(error).__name__}: {error})"
            told = JobError(self.name, why, "Try again, and report it if it ends so once more")
            self._fail(told)
            raise told from error
        self.text, self.share = step.text, step.share
        return False

    def _fail(self, error: JobError) -> None:
        Task.failures[self.name] = str(error)
        self.close()

    def close(self) -> None:
        """End it at once if it is not over: no process and nothing half-made stays."""
        if Task.current is self:
            Task.current = None
        self._steps.close()


class TaskOperator(bpy.types.Operator):
    """An operator that starts a task: modal from the button, blocking from Python."""

    task_name: ClassVar[str]

    def steps(self) -> Steps:
        """What is to be done.

        Raises:
            JobError: if it cannot be.
        """
        raise NotImplementedError

    def execute(self, _context: bpy.types.Context) -> set[Any]:
        """Do it, and come back when it is done."""
        try:
            self._task = Task(self.task_name, self.steps)
            before = ""
            while not self._task.advance():
                if bpy.app.background and self._task.text.partition(":")[0] != before:
                    before = self._task.text.partition(":")[0]
                    print(self._task.status, flush=True)
                time.sleep(TICK)
        except JobError as error:
            return self._failed(error)
        except KeyboardInterrupt:
            self._task.close()
            return self._cancelled()
        return self._finished()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[Any]:
        """Start it and leave Blender to the artist meanwhile."""
        manager = context.window_manager
        assert manager
        if bpy.app.background or not context.window:
            return self.execute(context)
        try:
            self._task = Task(self.task_name, self.steps)
        except JobError as error:
            return self._failed(error)
        # Not in the window of the preferences, which the artist may close meanwhile.
        main = manager.windows[0]
        self._timer = manager.event_timer_add(TICK, window=main)
        with context.temp_override(window=main):
            manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Look at it ten times a second; Esc cancels."""
        if Task.current is not self._task:  # ended from outside
            return self._leave(context, self._cancelled())
        if event.type == "ESC" and event.value == "PRESS":
            self._task.close()
            return self._leave(context, self._cancelled())
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        before = self._task.status
        try:
            if self._task.advance():
                return self._leave(context, self._finished())
        except JobError as error:
            return self._leave(context, self._failed(error))
        if self._task.status != before:
            redraw_task()
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """The window is closed or another file opened: end it."""
        self._task.close()
        why = f"{self.task_name}: stopped, for another file was opened or its window was closed"
        Task.failures[self.task_name] = why
        self._leave(context, set())

    def _leave(self, context: bpy.types.Context, result: set[Any]) -> set[Any]:
        assert context.window_manager
        context.window_manager.event_timer_remove(self._timer)
        redraw_task()
        return result

    def _finished(self) -> set[Any]:
        self.report({"INFO"}, self._task.said)
        return {"FINISHED"}

    def _failed(self, error: JobError) -> set[Any]:
        self.report({"ERROR"}, str(error))
        return {"CANCELLED"}

    def _cancelled(self) -> set[Any]:
        self.report({"WARNING"}, f"{self.task_name}: cancelled, nothing was changed")
        return {"CANCELLED"}


class WM_OT_style_transfer_3d_cancel(bpy.types.Operator):
    """What the button of a task becomes while it is going."""

    bl_idname = "wm.style_transfer_3d_cancel"
    bl_label = "Cancel"
    bl_description = "Stop, and leave everything as it was before (Esc)"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether there is a task to cancel."""
        return Task.current is not None

    def execute(self, _context: bpy.types.Context) -> set[Any]:
        """End it; its timer sees to the rest."""
        assert Task.current
        Task.current.close()
        redraw_task()
        return {"FINISHED"}


def check_idle(name: str) -> None:
    """Raise JobError if a run is going, whose files must stay."""
    if Run.current:
        subject = Run.current.subject
        why = f"{subject.kind} {subject.name!r} is being painted with it"
        raise JobError(name, why, "Wait until it is done, or cancel it")


def check_online(name: str) -> None:
    """Raise JobError if Blender may not use the network."""
    if is_started_offline():
        cure = "Start it without --offline-mode"
        raise JobError(name, "Blender was started in offline mode", cure)
    if not bpy.app.online_access:
        cure = "Turn on Preferences > System > Network > Allow Online Access"
        raise JobError(name, "Blender is kept offline", cure)


def is_started_offline() -> bool:
    """Whether Blender was told by its command line to stay offline, which no preference undoes."""
    return bpy.app.online_access_override and not bpy.app.online_access


def redraw_task() -> None:
    """Draw again what shows the task: the preferences and the sidebars."""
    redraw(("PREFERENCES", "WINDOW"), *SIDEBARS)


def register() -> None:
    """Make the button known to Blender."""
    bpy.utils.register_class(WM_OT_style_transfer_3d_cancel)


def unregister() -> None:
    """End a task that is going, and take the button back."""
    if Task.current:
        Task.current.close()
    bpy.utils.unregister_class(WM_OT_style_transfer_3d_cancel)
