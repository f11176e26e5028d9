"""Whether what a run makes can be saved where it was asked for, without loss to the artist."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import bpy

from ..engine.errors import JobError
from . import udim
from .earlier_results import given_up, is_result
from .outputs import beside, files, target_requests
from .request import Request
from .targets import Target

ENDINGS = (".png", ".exr")  # what a texture can be saved as
_DELETE = "delete that image (in the Outliner, with Blender File shown)"


def check_outputs(request: Request, targets: Sequence[Target], *, may_replace: bool = True) -> None:
    """Raise JobError unless all that `request` wants saved of `targets` can be.

    `may_replace` is whether the artist can have earlier results replaced at all.
    """
    pictures = [style.file for style in request.styles]
    gone = given_up(targets) if request.replace else frozenset()
    cure = _DELETE
    if may_replace:
        cure = "" if request.replace else "turn Replace Earlier Result on if nothing else uses it"
    for asked, target in zip(target_requests(request, targets), targets, strict=True):
        reliefs = files(beside(asked), target) if request.settings.relief != "NONE" else []
        for file in (*files(asked, target), *reliefs):
            check_output(file, pictures, gone, cure_of_results=cure)


def check_output(
    path: Path,
    styles: Sequence[Path],
    gone: Collection[bpy.types.Image] = (),
    *,
    cure_of_results: str = _DELETE,
) -> None:
    """Raise JobError unless the texture can be saved as `path` without loss to the artist.

    Args:
        path: absolute.
        styles: pictures that the run learns from.
        gone: images that the run replaces, so that their files may be written over.
        cure_of_results: what else helps than another file where it is an earlier result's.
    """
    what = f"Output {str(path)!r}"
    if path.resolve() in [style.resolve() for style in styles]:
        raise JobError(what, "it is the style picture", "Choose another file")
    for image in bpy.data.images:
        used = [file.resolve() for file in udim.image_files(image)]
        if path.resolve() in used and image not in gone:
            other = f", or {cure_of_results}" if is_result(image) and cure_of_results else ""
            cure = f"Choose another file{other}"
            raise JobError(what, f"it is the file of image {image.name!r}", cure)
    check_file(path, ENDINGS, "Output")


def check_file(path: Path, endings: Sequence[str], title: str) -> None:
    """Raise JobError unless a file named `path` can be made; `title` says what it is for."""
    what = f"{title} {str(path)!r}"
    if path.suffix.lower() not in endings:
        cure = "Give it that ending" if len(endings) == 1 else "Give it one of them"
        raise JobError(what, f"its name does not end with {' or '.join(endings)}", cure)
    if path.is_dir():
        raise JobError(what, "it is a folder", "Give a file in it")
    check_folder(path.parent, what)


def check_folder(folder: Path, what: str) -> None:
    """Raise JobError about `what` unless files can be made in `folder`."""
    if not folder.is_dir():
        raise JobError(what, f"there is no folder {str(folder)!r}", "Make it or choose another")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise JobError(
            what,
            f"nothing can be written to folder {str(folder)!r} ({error.strerror})",
            "Choose another or change its permissions",
        ) from error
