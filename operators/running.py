"""The run that is going: from what is painted to its new texture, a message at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import bpy
import numpy as np
from bpy.props import BoolProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..engine.errors import JobError
from ..engine.job import Job
from . import engine_python, preview, unfinished, worker
from .messages import Compared, Done, Message, Progress, Status
from .request import Request, read_request
from .rescue import rescued
from .saved_files import NotSaved
from .temporary import temporary_folder

WINDOW_MANAGER_PROPERTY = "style_transfer_3d"


class Subject:
    """What is painted: something of the artist's, found again whatever happens meanwhile.

    Attributes:
        name: as the artist called it at the start.
        kind: what it is, such as object.
        job: what the engine needs.
        warnings: what was left out of the job, for the artist.
        options: of the engine's command line.
    """

    name: str
    kind: str
    job: Job
    warnings: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    _request: Request

    def save(self, folder: Path) -> None:
        """Write what the engine needs into `folder`; raises JobError if that cannot be done."""
        save(self.job, folder)

    def preview(self, files: Sequence[Path]) -> None:
        """Show the files of a preview, one for each texture; nothing if one cannot be read."""
        with suppress(OSError, ValueError, EOFError):
            previews = [np.load(file, allow_pickle=False) for file in files]
            if all(pixels.ndim == 3 and pixels.shape[2] == 4 for pixels in previews):
                self.show([pixels.astype(np.float32, copy=False) for pixels in previews])

    def show(self, previews: Sequence[np.ndarray]) -> None:
        """Show previews (H, W, 4) float32 in 0-1, row 0 at the bottom, one for each texture."""
        raise NotImplementedError

    def deliver(self, done: Done | Compared, sha256s: list[str]) -> list[str]:
        """Give the finished texture to the artist; returns what they should know.

        Raises:
            NotSaved: if the texture cannot be saved; nothing is changed then.
            JobError: if it cannot be read; nothing is changed then.
        """
        raise NotImplementedError

    def pack(self) -> None:
        """Have what is delivered packed into the .blend file, whatever was asked for."""
        self._request = replace(self._request, output=None, output_as_given="")


class Run:
    """One thing being painted. There is one at a time, and nothing in it outlives an undo.

    Args:
        operator: the one that was asked, for the settings that it was given.
        context: where it was asked.
        begin: reads what is painted, from where it was asked and for what.
        watched: whether somebody sees it: with previews then, and giving way.

    Raises:
        JobError: if it cannot be started; nothing is left of it then.
    """

    current: ClassVar[Run | None] = None
    subject: Subject

    def __init__(
        self,
        operator: bpy.types.Operator,
        context: bpy.types.Context,
        begin: Callable[[bpy.types.Context, Request], Subject],
        *,
        watched: bool,
    ) -> None:
        assert context.scene
        if Run.current:
            going = Run.current.subject
            raise JobError(
                f"{going.kind.capitalize()} {going.name!r}",
                "it is being painted at the moment",
                "Wait until it is done, or cancel it",
            )
        self.subject = begin(context, read_request(operator, context.scene))
        self.stopping = False
        with ExitStack() as stack:
            folder = stack.enter_context(temporary_folder("style_transfer_3d_"))
            self.subject.save(folder)
            # As they are now, not after the run.
            self._sha256s = [style.sha256 for style in self.subject.job.styles]
            python = engine_python.find()
            name = unfinished.name_of(folder)
            unfinished.take_up(folder, name)
            stack.callback(unfinished.keep, folder, name)
            self.engine = worker.Engine(
                folder, python.path, options=self.subject.options, watched=watched
            )
            stack.callback(self.engine.stop)
            stack.callback(preview.clear)
            self.at_end = stack.pop_all()  # what `close` calls, the last first
        Run.current = self

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def deliver(self, done: Done | Compared) -> list[str]:
        """Give what was made to the artist.

        Returns:
            What the artist should know.

        Raises:
            JobError: if it cannot be read or taken over; what can be read is kept as files then.
        """
        preview.clear()
        for file in done.files:
            if file.suffix == ".png" and not _is_whole(file):
                raise JobError("Engine", f"its result {str(file)!r} cannot be read", "Run it again")
        try:
            return self._deliver(done)
        except Exception as error:  # whatever it is, the painting is not to be lost by it
            raise rescued(done.files, error) from error

    def _deliver(self, done: Done | Compared) -> list[str]:
        try:
            return self.subject.deliver(done, self._sha256s)
        except NotSaved as error:
            self.subject.pack()
            told = self.subject.deliver(done, self._sha256s)
            return [f"{error.what}: {error.why}. It is packed into the .blend file instead", *told]

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


def save(job: Job, folder: Path) -> None:
    """Check `job` and write it into `folder`.

    Raises:
        JobError: if it cannot be run, or not be written.
    """
    job.validate()
    try:
        job.save(folder)
    except OSError as error:
        raise JobError(
            f"File {str(error.filename or folder)!r}",
            f"it cannot be copied into the job ({error.strerror})",
            "Check that it can be read and that the temporary folder has room",
        ) from error


def _is_whole(file: Path) -> bool:
    """Whether a PNG file is there from its first to its last bytes."""
    first, last = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"
    try:
        with file.open("rb") as stream:
            begins = stream.read(len(first)) == first
            stream.seek(-len(last), os.SEEK_END)
            return begins and stream.read() == last
    except OSError:
        return False


def _is_active(_state: StyleTransferRun) -> bool:
    return Run.current is not None


def _is_stopping(_state: StyleTransferRun) -> bool:
    return Run.current is not None and Run.current.stopping


def _subject_name(_state: StyleTransferRun) -> str:
    return Run.current.subject.name if Run.current else ""


class StyleTransferRun(bpy.types.PropertyGroup):
    """What the panels show of the run that is going."""

    active: BoolProperty(get=_is_active)
    stopping: BoolProperty(get=_is_stopping)
    subject_name: StringProperty(get=_subject_name)
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

    def hear(self, message: Message) -> None:
        """Take over what `message` tells."""
        match message:
            case Status(text):
                self.text = text
            case Progress():
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
