"""The painted texture -> an image of Blender's and a node in the object's materials."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from ..engine.errors import JobError
from . import relief_nodes
from .material import base_color, has_nodes, source
from .material_slots import make_own, slot_material
from .paint_node import is_ours, plug_in
from .settings import Request
from .worker import Done

RECIPE = "style_transfer_3d"  # the image's custom property
RELIEF = "style_transfer_3d_relief"  # the same of a relief's image
_MANIFEST = Path(__file__).parent.parent / "blender_manifest.toml"


@dataclass(frozen=True)
class Written:
    """The new images, and what the artist should know about where they are not shown."""

    painted: Painted
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Painted:
    """A result as images of Blender's.

    Attributes:
        image: the colours.
        relief: of the strokes; None if none was asked for.
        look: how the relief is shown.
    """

    image: bpy.types.Image
    relief: bpy.types.Image | None
    look: relief_nodes.ReliefLook


def make_recipe(
    request: Request, sha256s: Sequence[str], made_on: Mapping[str, str], report: Path
) -> str:
    """All that made a texture, as JSON: to be read by people, to be run again.

    `made_on` tells what was painted: an object's UV map and views, or an image.
    Files are named without their folders, which say more about a machine than about a picture.
    """
    weights = request.settings.weights_file
    settings = {**asdict(request.settings), "weights_file": Path(weights).name if weights else ""}
    recipe: dict[str, Any] = {
        "version": tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"],
        **made_on,
        "styles": [
            {"file": s.file.name, "sha256": sha256, "weight": s.weight, "region": s.region}
            for s, sha256 in zip(request.styles, sha256s, strict=True)
        ],
        "protect": request.protect,
        "settings": settings,
        "report": json.loads(report.read_text(encoding="utf-8")),
    }
    return json.dumps(recipe)


def check_outputs(request: Request) -> None:
    """Raise JobError unless all that `request` wants saved can be."""
    if not request.output:
        return
    pictures = [style.file for style in request.styles]
    check_output(request.output, pictures)
    relief = beside(request).output
    if relief and request.settings.relief != "NONE":
        check_output(relief, pictures)


def check_output(path: Path, styles: Sequence[Path]) -> None:
    """Raise JobError unless the texture can be saved as `path` without loss to the artist."""
    what = f"Output {str(path)!r}"
    if path.resolve() in [style.resolve() for style in styles]:
        raise JobError(what, "it is the style picture", "Choose another file")
    for image in bpy.data.images:
        file = Path(bpy.path.abspath(image.filepath, library=image.library))
        if (
            image.filepath
            and file.resolve() == path.resolve()
            and not (image.get(RECIPE) or image.get(RELIEF))
        ):
            raise JobError(what, f"it is the file of image {image.name!r}", "Choose another file")
    check_file(path, ".png", "Output")


def check_file(path: Path, ending: str, title: str) -> None:
    """Raise JobError unless a file named `path` can be made; `title` says what it is for."""
    what = f"{title} {str(path)!r}"
    if path.suffix.lower() != ending:
        raise JobError(what, f"its name does not end with {ending}", "Give it that ending")
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


def save_file(path: Path, data: bytes) -> None:
    """Write `data` to `path`, where there is never a part of it.

    Raises:
        JobError: if it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise JobError(
            f"File {str(path)!r}", f"it cannot be written ({error.strerror})", "Choose another"
        ) from error


def write_back(
    obj: bpy.types.Object, slots: Sequence[int], done: Done, recipe: str, request: Request
) -> Written:
    """Show what is painted on `obj` and on nothing else; the artist's images and nodes stay.

    Args:
        slots: the material slots that the object's faces use.
        done: the files that the engine made.
        recipe: what the images are to remember.
        request: its output is where the texture is saved, else it is packed; it also says
            whether our own earlier result is replaced.

    Raises:
        JobError: if a texture cannot be saved; nothing is changed then.
    """
    painted = load(obj.name, done, recipe, request)
    image = painted.image
    make_own(obj, slots)
    warnings = []
    replaced: dict[bpy.types.Image, bpy.types.Image | None] = {}  # by what
    for material in dict.fromkeys(slot_material(obj, slot) for slot in slots):
        if material is None:  # the artist has taken the slot away
            continue
        if not has_nodes(material):
            material.use_nodes = True
        try:
            socket = base_color(material)
        except JobError as error:
            warnings.append(f"{error} The texture is image {image.name!r}")
            continue
        earlier = _earlier_result(socket)
        if request.replace and earlier and earlier.image:
            replaced[earlier.image] = image
            earlier.image = image
        else:
            plug_in(socket, image)
        assert socket.node
        normal = socket.node.inputs["Normal"]
        flattened = relief_nodes.take_out(normal, remove=request.replace)
        replaced.update(dict.fromkeys(flattened, painted.relief))
        if painted.relief:
            relief_nodes.plug_in(normal, painted.relief, painted.look)
    _give_way(replaced)
    return Written(painted, tuple(warnings))


def load(name: str, done: Done, recipe: str, request: Request) -> Painted:
    """A result as images named after `name`, saved or packed as `request` says.

    Raises:
        JobError: if one cannot be saved; Blender has no new image then.
    """
    relief = None
    if done.relief:
        relief = load_one(f"{name} relief", done.relief, beside(request))
        assert relief.colorspace_settings
        relief.colorspace_settings.name = "Non-Color"  # type: ignore[assignment]
        relief[RELIEF] = recipe
    try:
        image = load_one(f"{name} style", done.texture, request)
    except JobError:
        if relief:
            bpy.data.images.remove(relief)
        raise
    image[RECIPE] = recipe
    look = relief_nodes.ReliefLook(
        request.settings.relief, request.relief_strength, done.relief_height
    )
    return Painted(image, relief, look)


def beside(request: Request) -> Request:
    """The same with an output for the relief: NAME_relief.png where the texture is NAME.png."""
    if not request.output:
        return request
    path, given = request.output, request.output_as_given
    ending = f"_relief{path.suffix}"
    return replace(
        request,
        output=path.with_name(path.stem + ending),
        output_as_given=given.removesuffix(path.suffix) + ending,
    )


def load_one(name: str, texture: Path, request: Request) -> bpy.types.Image:
    """The picture in `texture` as an image, saved or packed as `request` says.

    Raises:
        JobError: if it cannot be saved; Blender has no new image then.
    """
    if request.output:
        save_file(request.output, texture.read_bytes())
        relative = request.output_as_given.startswith("//")
        image = bpy.data.images.load(request.output_as_given if relative else str(request.output))
    else:
        image = bpy.data.images.load(str(texture))
        image.pack()
        image.filepath_raw = ""  # the file is gone soon
    image.name = name
    return image


def _earlier_result(socket: bpy.types.NodeSocket) -> bpy.types.ShaderNodeTexImage | None:
    """The node of our own that feeds `socket` with a result."""
    output = source(socket)
    node = output.node if output else None
    if not isinstance(node, bpy.types.ShaderNodeTexImage) or not is_ours(node):
        return None
    return node if node.image and node.image.get(RECIPE) is not None else None


def _give_way(replaced: dict[bpy.types.Image, bpy.types.Image | None]) -> None:
    """Remove the results that are not in use any more; what replaces one takes its name over."""
    for old, new in replaced.items():
        if not old.users:
            name = old.name
            bpy.data.images.remove(old)
            if new:
                new.name = name
