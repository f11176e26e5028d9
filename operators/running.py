"""The run that is going: from an object to its new texture, a message at a time."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, ClassVar

import bpy
import numpy as np
from bpy.props import BoolProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..engine.job import JobError
from . import engine_python, preview, settings, worker
from .export import Export, export, fingerprint
from .write_back import beside, check_output, load, make_recipe, write_back

WINDOW_MANAGER_PROPERTY = "style_transfer_3d"


class Run:
    """One object being painted. There is one at a time, and nothing in it outlives an undo.

    Args:
        operator: the one that was asked, for the settings that it was given.
        context: where it was asked; the active object is painted.
        watched: whether somebody sees it: with previews then, and giving way.

    Raises:
        JobError: if it cannot be started; nothing is left of it then.
    """

    current: ClassVar[Run | None] = None

    def __init__(
        self, operator: bpy.types.Operator, context: bpy.types.Context, *, watched: bool
    ) -> None:
        assert context.scene
        if Run.current:
            raise JobError(
                f"Object {Run.current.name!r}",
                "it is being painted at the moment",
                "Wait until it is done, or cancel it",
            )
        obj = context.object
        assert obj
        self.name: str = obj.name
        self.request = settings.read(operator, context.scene)
        if self.request.output:
            pictures = [style.file for style in self.request.styles]
            check_output(self.request.output, pictures)
            relief = beside(self.request).output
            if relief and self.request.settings.relief != "NONE":
                check_output(relief, pictures)
        made = export(obj, context, self.request)
        self.warnings = list(made.warnings)
        self._slots, self._uv_map = made.slots, made.uv_map
        self._uid = obj.session_uid
        self._fingerprint = fingerprint(obj)
        self.stopping = False
        with ExitStack() as stack:
            folder = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(
                        prefix="style_transfer_3d_",
                        dir=bpy.app.tempdir or None,
                        ignore_cleanup_errors=True,
                    )
                )
            )
            save(made, folder)
            self._sha256s = [
                s.sha256 for s in made.job.styles
            ]  # as they are now, not after the run
            python = engine_python.find()
            self.engine = worker.Engine(folder, python.path, watched=watched)
            stack.callback(self.engine.stop)
            stack.callback(preview.clear)
            self.at_end = stack.pop_all()  # what `close` calls, the last first
        Run.current = self

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def object(self) -> bpy.types.Object | None:
        """The object as it is now, whatever it is called; None if it was deleted."""
        return next((o for o in bpy.data.objects if o.session_uid == self._uid), None)

    def show(self, file: Path) -> None:
        """Show a preview on the object; one that cannot be read is left out."""
        obj = self.object()
        with suppress(OSError, ValueError, EOFError):
            pixels = np.load(file, allow_pickle=False)
            if obj and pixels.ndim == 3 and pixels.shape[2] == 4:
                preview.show(obj, self._slots, pixels.astype(np.float32, copy=False))

    def deliver(self, done: worker.Done) -> list[str]:
        """Put the finished texture on the object.

        Returns:
            What the artist should know.

        Raises:
            JobError: if the texture cannot be saved; nothing is changed then.
        """
        preview.clear()
        recipe = make_recipe(self.request, self._sha256s, self._uv_map, done.report)
        obj = self.object()
        if obj:
            written = write_back(obj, self._slots, done, recipe, self.request)
            changed = obj.mode == "OBJECT" and fingerprint(obj) != self._fingerprint
            text = f"Mesh of {obj.name!r} has changed meanwhile: the texture fits its earlier UVs"
            return [*written.warnings, *([text] if changed else [])]
        painted = load(self.name, done, recipe, self.request)
        for image in filter(None, (painted.image, painted.relief)):
            image.use_fake_user = True
        kept = f"its texture is kept as image {painted.image.name!r}"
        return [f"Object {self.name!r} is gone; {kept}"]

    def stop(self) -> bool:
        """Push the end of a cancelled run forward, without waiting: whether it is over."""
        self.stopping = True
        over = self.engine.ended()
        if over:
            self.close()
        return over

    def close(self) -> None:
        """End everything of the run that is left: preview, process, files."""
        Run.current = None
        self.at_end.close()


def save(made: Export, folder: Path) -> None:
    """Check the job and write it into `folder`.

    Raises:
        JobError: if it cannot be run, or not be written.
    """
    made.job.validate()
    try:
        made.job.save(folder)
    except OSError as error:
        raise JobError(
            f"File {str(error.filename or folder)!r}",
            f"it cannot be copied into the job ({error.strerror})",
            "Check that it can be read and that the temporary folder has room",
        ) from error


def _is_active(_state: StyleTransferRun) -> bool:
    return Run.current is not None


def _is_stopping(_state: StyleTransferRun) -> bool:
    return Run.current is not None and Run.current.stopping


def _object_name(_state: StyleTransferRun) -> str:
    return Run.current.name if Run.current else ""


class StyleTransferRun(bpy.types.PropertyGroup):
    """What the panels show of the run that is going."""

    active: BoolProperty(get=_is_active)
    stopping: BoolProperty(get=_is_stopping)
    object_name: StringProperty(get=_object_name)
    text: StringProperty(description="What the engine does now")
    share: FloatProperty(description="How much of the steps' work is done, 0 to 1")
    step: IntProperty()
    steps: IntProperty()
    style_loss: FloatProperty()
    content_loss: FloatProperty()
    seconds_left: FloatProperty(description="Until the last step, -1 while unknown")

    def begin(self) -> None:
        """Forget the run before."""
        for name in ("text", "share", "step", "steps", "style_loss", "content_loss"):
            self.property_unset(name)
        self.seconds_left = -1.0

    def hear(self, message: worker.Message) -> None:
        """Take over what `message` tells."""
        match message:
            case worker.Status(text):
                self.text = text
            case worker.Progress():
                self.text = "Painting"
                self.step, self.steps, self.share = message.step, message.steps, message.share
                self.style_loss = message.losses.get("style", 0.0)
                self.content_loss = message.losses.get("content", 0.0)
                left = message.seconds * (1 / message.share - 1) if message.share else -1.0
                self.seconds_left = left

    def status(self) -> str:
        """One line, such as `Step 12/330, 0:42 left`."""
        if self.stopping:
            return "Stopping"
        if not self.step:
            return self.text
        left = f", {clock(self.seconds_left)} left" if self.seconds_left >= 0 else ""
        return f"Step {self.step}/{self.steps}{left}" if self.text == "Painting" else self.text


def clock(seconds: float) -> str:
    """Such as `1:05`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def state(context: bpy.types.Context) -> StyleTransferRun:
    """The state of the run, for panels."""
    group = getattr(context.window_manager, WINDOW_MANAGER_PROPERTY)
    assert isinstance(group, StyleTransferRun)
    return group


def register() -> None:
    """Give the window manager its state."""
    bpy.utils.register_class(StyleTransferRun)
    group: Any = PointerProperty(type=StyleTransferRun)  # type: ignore[func-returns-value]
    setattr(bpy.types.WindowManager, WINDOW_MANAGER_PROPERTY, group)


def unregister() -> None:
    """End a run that is going, and take the state back."""
    if Run.current:
        Run.current.close()
    delattr(bpy.types.WindowManager, WINDOW_MANAGER_PROPERTY)
    bpy.utils.unregister_class(StyleTransferRun)
