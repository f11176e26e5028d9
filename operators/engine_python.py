"""Which Python runs the engine, and where the add-on keeps what it fetched. Never imports torch."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..engine.errors import JobError
from . import environment
from .needs import NEEDS, PACKAGES
from .worker import PYTHON_VARIABLE

ROOT_PACKAGE = __package__.rpartition(".")[0]
VGG19_FILE = "vgg19_features.pt"


class NotInstalled(JobError):
    """There is no Python with what the engine needs, which the button Install mends."""


@dataclass(frozen=True)
class EnginePython:
    """The Python that runs the engine.

    Attributes:
        path: its program.
        origin: which one it is, such as `Blender's own Python`.
    """

    path: str
    origin: str


def find() -> EnginePython:
    """The first of: the one named in the preferences, the one named in the environment, the
    private environment, Blender's own.

    Asks a few files only, so that a panel may call it whenever it is drawn.

    Raises:
        JobError: if the one that is named is not there or cannot be executed.
        NotInstalled: if none is named and none has what the engine needs.
    """
    chosen = preferences()
    if chosen and chosen.engine_python:
        cure = "Correct it in the add-on's preferences, or leave the field empty"
        return EnginePython(
            _program(chosen.engine_python, cure), "the Python named in the preferences"
        )
    if named := os.environ.get(PYTHON_VARIABLE):
        cure = f"Correct {PYTHON_VARIABLE}, or unset it"
        return EnginePython(_program(named, cure), f"the Python named by {PYTHON_VARIABLE}")
    folder = private_folder()
    problem = environment.problem(folder)
    if not problem:
        return EnginePython(
            str(environment.python_in(folder)), "the Python installed by this add-on"
        )
    if sys.executable and all(environment.has_package(name) for name in PACKAGES):
        return EnginePython(sys.executable, "Blender's own Python")
    if folder.exists():
        raise NotInstalled(f"PyTorch in {str(folder)!r}", problem, "Install it again")
    raise NotInstalled(
        "PyTorch",
        "it is not installed, and nothing can be painted without it",
        "Press Install PyTorch, here or in the add-on's preferences, or name a Python there "
        f"that has {NEEDS}",
    )


def vgg19_weights() -> Path | None:
    """VGG-19's weights: the file that the preferences name, be it there or not, else the fetched
    one; None if there is neither."""
    chosen = preferences()
    if chosen and chosen.weights_file:
        return _expanded(bpy.path.abspath(chosen.weights_file)).absolute()
    fetched = fetched_vgg19()
    return fetched if fetched.is_file() else None


def private_folder() -> Path:
    """Where the private environment is, or would be."""
    return user_folder() / "engine"


def install_log() -> Path:
    """The file that keeps what the last installation said."""
    return user_folder() / "install.log"


def fetched_vgg19() -> Path:
    """Where the weights that the button fetches are, or would be."""
    return user_folder() / VGG19_FILE


def user_folder(*, create: bool = False) -> Path:
    """The folder in which the extension keeps what is the user's.

    Imported from its source it is no extension, and has a folder among the user's data files.

    Raises:
        JobError: if it is to be created and cannot be.
    """
    try:
        folder = Path(bpy.utils.extension_path_user(ROOT_PACKAGE))
    except ValueError:
        folder = Path(bpy.utils.user_resource("DATAFILES", path="style_transfer_3d"))
    if create:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JobError(
                f"Folder {str(folder)!r}",
                f"it cannot be made ({error.strerror})",
                "Check that you may write to Blender's user folder and that there is room",
            ) from error
    return folder


def preferences() -> Any | None:
    """The add-on's preferences; None where it is not enabled as an add-on."""
    addon = bpy.context.preferences.addons.get(ROOT_PACKAGE)  # type: ignore[union-attr]
    return addon.preferences if addon else None


def _expanded(named: str) -> Path:
    """The path with a home folder for its `~`, which stays where nobody is called so."""
    path = Path(named)
    with suppress(RuntimeError):
        return path.expanduser()
    return path


def _program(named: str, cure: str) -> str:
    """The absolute path of a program that is named by its path or only by its name.

    Raises:
        JobError: if there is none, with this cure.
    """
    path = _expanded(named)
    found = shutil.which(str(path))  # Windows with Python 3.11 takes no Path
    if not found:
        why = "there is no such file"
        if path.exists():
            why = "it is a folder" if path.is_dir() else "it is not executable"
        raise JobError(f"Engine Python {named!r}", why, cure)
    return str(Path(found).absolute())
