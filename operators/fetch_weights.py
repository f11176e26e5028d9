"""The button that fetches VGG-19's weights, with the engine's Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy

from ..engine.errors import JobError
from . import pip
from .alone import steps_alone
from .child import Step, Steps, run
from .clean_environment import clean_environment
from .engine_python import fetched_vgg19, find, user_folder
from .task import TaskOperator, check_online
from .worker import ROOT

FETCH = "Fetch VGG-19"
LOG = "fetch.log"


class WM_OT_style_transfer_3d_fetch_vgg19(TaskOperator):
    """Into the add-on's own folder."""

    bl_idname = "wm.style_transfer_3d_fetch_vgg19"
    bl_label = FETCH
    bl_description = (
        "Download the weights of the network VGG-19 (575 MB, of which 80 MB are kept). It paints "
        "better strokes than VGG-16, which comes with the add-on"
    )
    task_name = FETCH

    def steps(self) -> Steps:
        """Fetch the weights with the Python that has torch."""
        check_online(FETCH)
        folder = user_folder(create=True)
        steps = fetch(find().path, fetched_vgg19(), folder / LOG)
        return steps_alone(fetched_vgg19().parent, FETCH, steps)


def fetch(python: str, destination: Path, log_file: Path, root: Path = ROOT) -> Steps:
    """Download the weights into `destination`; closed half-way, nothing is left of them.

    Args:
        python: one that has torch and torchvision.
        destination: the file to write.
        log_file: gets all that is said.
        root: the folder that holds the package `engine`.

    Raises:
        JobError: if it fails.
    """
    command = (python, "-s", "-X", "utf8", "-m", "engine.fetch_vgg19", str(destination))
    try:
        with log_file.open("w", encoding="utf-8") as log:
            ended = yield from run(
                command, Step("Starting"),
                environment=clean_environment(), log=log, folder=root, read=_read,
            )  # fmt: skip
    except OSError as error:
        raise JobError(
            f"File {str(error.filename or destination)!r}",
            f"it cannot be used ({error.strerror})",
            "Check that it is there and that you may write to the add-on's folder",
        ) from error
    finally:
        for half in destination.parent.glob(destination.name + ".*"):
            half.unlink(missing_ok=True)
    messages = [message for line in ended.lines if (message := _message(line))]
    last = messages[-1] if messages else {}
    if last.get("type") == "ERROR":
        raise JobError(*(str(last[part]) for part in ("what", "why", "cure")))
    if ended.code or last.get("type") != "DONE" or not destination.is_file():
        raise JobError(
            FETCH,
            f"it ended half-way ({pip.last_words(ended.lines)})",
            f"Try again. All that was said is in {str(log_file)!r}",
        )
    return "VGG-19 is here: backbone Auto takes it from now on"


def _read(line: str, step: Step) -> Step:
    """What is told after a line."""
    message = _message(line)
    if message.get("type") in ("STATUS", "PROGRESS"):
        return Step(str(message["text"]), float(message.get("share", 0.0)))
    return step


def _message(line: str) -> dict[str, Any]:
    """The message in a line; an empty one if there is none, for torch may warn of something."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def register() -> None:
    """Make the button known to Blender."""
    bpy.utils.register_class(WM_OT_style_transfer_3d_fetch_vgg19)


def unregister() -> None:
    """Take the button back."""
    bpy.utils.unregister_class(WM_OT_style_transfer_3d_fetch_vgg19)
