"""object.style_transfer: from the selected meshes to their new textures; what ends it early."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import bpy

from ..engine.errors import JobError
from . import settings
from .classes import registration
from .messages import Compared, Done, Message, Progress, Status, Warn
from .on_objects import OnObjects
from .other_modals import going_meanwhile
from .redraw import SIDEBARS, redraw
from .request import Request
from .running import Run, Subject, clock, state
from .selection import selection
from .worker import TICK

SHOWN = 0.5  # seconds between two redraws of how far it is
LONGEST_WAIT = 30.0  # seconds for what else is going: some add-ons' modal operators never end


class PaintOperator(bpy.types.Operator):
    """The one road: modal from the button, blocking from Python and in the background."""

    bl_label = "Style Transfer"
    bl_options = {"UNDO"}  # noqa: RUF012 - as Blender wants it

    def begin(self, context: bpy.types.Context, request: Request) -> Subject:
        """What is painted.

        Raises:
            JobError: if it cannot be.
        """
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Paint, and come back when it is done; an error leaves everything as it was."""
        try:
            with Run(self, context, self.begin, watched=False) as run:
                self._tell(run.subject.warnings)
                for message in run.engine.messages():
                    self._hear(run, message)
                    if bpy.app.background and isinstance(message, Status | Progress):
                        print(progress_line(message), flush=True)
        except JobError as error:
            return self._failed(error)
        except KeyboardInterrupt:
            return self._cancelled()
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[Any]:
        """Start painting and leave Blender to the artist meanwhile."""
        if bpy.app.background or not context.window:
            return self.execute(context)
        assert context.window_manager
        try:
            self._run = Run(self, context, self.begin, watched=True)
        except JobError as error:
            return self._failed(error)
        self._tell(self._run.subject.warnings)
        manager = context.window_manager
        timer = manager.event_timer_add(TICK, window=context.window)
        self._run.at_end.callback(manager.event_timer_remove, timer)
        self._run.at_end.callback(show_status, None)
        state(context).begin()
        self._shown = 0.0
        self._made: Done | Compared | None = None  # by the engine, and not delivered yet
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Look at the engine ten times a second; Esc cancels."""
        if Run.current is not self._run:  # ended from outside
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            self._run.stop()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        with ExitStack() as stack:  # whatever happens, no run is left without its timer
            stack.callback(self._run.close)
            result = self._look(context)
            if result == {"PASS_THROUGH"}:
                stack.pop_all()
        return result

    def _look(self, context: bpy.types.Context) -> set[Any]:
        try:
            if self._run.stopping:
                return self._cancelled() if self._run.stop() else {"PASS_THROUGH"}
            if self._made is None:
                self._listen(context)
            if self._made and not self._waits(context):
                self._hear(self._run, self._made)
                return {"FINISHED"}
            now = time.monotonic()
            if now - self._shown >= SHOWN:
                show_status(
                    f"Style Transfer: {state(context).status()}  |  Esc: Cancel"
                    "  |  Auto Save waits: save by hand"
                )
                self._shown = now
        except JobError as error:
            return self._failed(error)
        except KeyboardInterrupt:
            return self._cancelled()
        return {"PASS_THROUGH"}

    def _listen(self, context: bpy.types.Context) -> None:
        """Take in what the engine has said since, up to its end."""
        for message in self._run.engine.poll():
            state(context).hear(message)
            if isinstance(message, Done | Compared):
                self._made, self._made_at = message, time.monotonic()
                return
            self._hear(self._run, message)

    def _waits(self, context: bpy.types.Context) -> bool:
        """Whether the end has to wait: it pushes an undo step."""
        other = going_meanwhile(self, context)
        if other is None or time.monotonic() - self._made_at > LONGEST_WAIT:
            return False
        state(context).hear(Status(f"Done, waiting for {other.name}"))
        return True

    def cancel(self, _context: bpy.types.Context) -> None:
        """The window is closed or another file opened: end the run."""
        if Run.current is self._run:
            self._run.close()

    def _hear(self, run: Run, message: Message) -> None:
        match message:
            case Warn(text):
                self._tell([text])
            case Progress(previews=files) if files:
                run.subject.preview(files)
            case Done() | Compared():
                self._tell(run.deliver(message))

    def _tell(self, warnings: Iterable[str]) -> None:
        for text in warnings:
            self.report({"WARNING"}, text)

    def _failed(self, error: JobError) -> set[Any]:
        self.report({"ERROR"}, " ".join(str(error).split()))
        return {"CANCELLED"}

    def _cancelled(self) -> set[Any]:
        self.report({"WARNING"}, "Style transfer cancelled: nothing was changed")
        return {"CANCELLED"}


class OnObjectsOperator(PaintOperator):
    """Painting the selected meshes."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether what is selected can be painted; tells the artist why not."""
        try:
            selection(context)
        except JobError as why:
            cls.poll_message_set(str(why))
            return False
        return True


class OBJECT_OT_style_transfer(settings.SettingProperties, OnObjectsOperator):
    """From the selected meshes to their new textures."""

    bl_idname = "object.style_transfer"
    bl_description = (
        "Paint the selected meshes in the style of a picture: new textures in their own UVs"
    )

    def begin(self, context: bpy.types.Context, request: Request) -> OnObjects:
        """The selected meshes."""
        return OnObjects(context, request)


class OBJECT_OT_style_transfer_cancel(bpy.types.Operator):
    """What the button becomes while a run is going."""

    bl_idname = "object.style_transfer_cancel"
    bl_label = "Cancel"
    bl_description = "Stop painting and leave everything as it was before (Esc)"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether there is a run to cancel."""
        return Run.current is not None and not Run.current.stopping

    def execute(self, _context: bpy.types.Context) -> set[Any]:
        """Ask the run to end; its timer sees to the rest."""
        assert Run.current
        Run.current.stop()
        return {"FINISHED"}


class OBJECT_OT_style_transfer_keep(bpy.types.Operator):
    """For an artist who likes what the preview shows."""

    bl_idname = "object.style_transfer_keep"
    bl_label = "Stop and Keep"
    bl_description = "Paint no more steps and keep what is painted so far, in full resolution"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a run has painted anything."""
        going = Run.current is not None and not Run.current.stopping
        return going and state(context).text == "Painting"

    def execute(self, _context: bpy.types.Context) -> set[Any]:
        """Ask the engine to be content."""
        assert Run.current
        Run.current.engine.finish()
        return {"FINISHED"}


def progress_line(message: Status | Progress) -> str:
    """What a headless run prints, such as `Step 12/330, style 0.21, content 0.33, 0:12`."""
    if isinstance(message, Status):
        return message.text
    losses = "".join(f", {name} {loss:.4g}" for name, loss in message.losses.items())
    return f"Step {message.step}/{message.steps}{losses}, {clock(message.seconds)}"


def show_status(text: str | None) -> None:
    """Put `text` into the status bar, None for what belongs there; redraw the panels too."""
    assert bpy.context.window_manager
    for window in bpy.context.window_manager.windows:
        window.workspace.status_text_set(text)
    redraw(*SIDEBARS)


_CLASSES = (
    OBJECT_OT_style_transfer,
    OBJECT_OT_style_transfer_cancel,
    OBJECT_OT_style_transfer_keep,
)

register, unregister = registration(_CLASSES)
