"""object.style_transfer: from the active object to its new texture."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import bpy

from ..engine.job import JobError
from . import settings, worker
from .export import Export, export
from .write_back import check_output, make_recipe, write_back


def refusal(obj: bpy.types.Object | None) -> JobError | None:
    """Why `obj` cannot be painted; None if it can."""
    if obj is None:
        return JobError("Object", "none is active", "Select a mesh object")
    what = f"Object {obj.name!r}"
    if obj.type != "MESH":
        return JobError(what, f"it is no mesh but a {obj.type.lower()}", "Select a mesh object")
    if obj.library or (obj.data and obj.data.library and not obj.material_slots):
        return JobError(
            what,
            "it is linked from another file",
            "Make it local (Object > Relations > Make Local)",
        )
    return None


class OBJECT_OT_style_transfer(settings.SettingProperties, bpy.types.Operator):
    """The one road, from Python and from the headless command."""

    bl_idname = "object.style_transfer"
    bl_label = "Style Transfer"
    bl_description = "Paint the active mesh in the style of a picture: a new texture in its own UVs"
    bl_options = {"UNDO"}  # noqa: RUF012 - as Blender wants it

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object can be painted; tells the artist why not."""
        why = refusal(context.object)
        if why:
            cls.poll_message_set(str(why))
        return why is None

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Paint, and come back when it is done; an error leaves everything as it was."""
        assert context.object
        try:
            self._paint(context, context.object)
        except JobError as error:
            self.report({"ERROR"}, " ".join(str(error).split()))
            return {"CANCELLED"}
        except KeyboardInterrupt:
            self.report({"WARNING"}, "Style transfer cancelled: nothing was changed")
            return {"CANCELLED"}
        return {"FINISHED"}

    def _paint(self, context: bpy.types.Context, obj: bpy.types.Object) -> None:
        assert context.scene
        request = settings.read(self, context.scene)
        if request.output:
            check_output(request.output, request.style)
        if obj.mode == "EDIT":
            obj.update_from_editmode()
        made = export(obj, context.scene, context.evaluated_depsgraph_get(), request)
        for text in made.warnings:
            self.report({"WARNING"}, text)
        with tempfile.TemporaryDirectory(
            prefix="style_transfer_3d_", dir=bpy.app.tempdir or None, ignore_cleanup_errors=True
        ) as folder:
            save(made, Path(folder))
            style_sha256 = made.job.style.sha256  # of the file as it is now, not after the run
            done = self._run(Path(folder))
            recipe = make_recipe(request, style_sha256, made.uv_map, done.report)
            write_back(obj, made.slots, done.texture, recipe, request)

    def _run(self, folder: Path) -> worker.Done:
        """Run the engine on the job in `folder` and tell what it says."""
        with worker.Engine(folder, worker.find_python()) as engine:
            for message in engine.messages():
                match message:
                    case worker.Done():
                        return message
                    case worker.Warn(text):
                        self.report({"WARNING"}, text)
                    case worker.Status() | worker.Progress() if bpy.app.background:
                        print(progress_line(message), flush=True)
        raise AssertionError("the messages end with Done or an error")


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


def progress_line(message: worker.Status | worker.Progress) -> str:
    """What a headless run prints, such as `Step 12/330, style 0.21, content 0.33, 0:12`."""
    if isinstance(message, worker.Status):
        return message.text
    minutes, seconds = divmod(int(message.seconds), 60)
    losses = "".join(f", {name} {loss:.4g}" for name, loss in message.losses.items())
    return f"Step {message.step}/{message.steps}{losses}, {minutes}:{seconds:02}"


def register() -> None:
    """Make the operator known to Blender."""
    bpy.utils.register_class(OBJECT_OT_style_transfer)


def unregister() -> None:
    """Take the operator back."""
    bpy.utils.unregister_class(OBJECT_OT_style_transfer)
