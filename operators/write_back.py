"""The painted texture -> an image of Blender's and a node in the object's materials."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy

from ..engine.job import JobError
from .material import base_color, has_nodes, source
from .material_slots import make_own, slot_material
from .paint_node import is_ours, plug_in
from .settings import Request

RECIPE = "style_transfer_3d"  # the image's custom property
_MANIFEST = Path(__file__).parent.parent / "blender_manifest.toml"


@dataclass(frozen=True)
class Written:
    """The new image, and what the artist should know about where it is not shown."""

    image: bpy.types.Image
    warnings: tuple[str, ...]


def make_recipe(request: Request, sha256s: Sequence[str], uv_map: str, report: Path) -> str:
    """All that made a texture, as JSON: to be read by people, to be run again.

    Files are named without their folders, which say more about a machine than about a picture.
    """
    weights = request.settings.weights_file
    settings = {**asdict(request.settings), "weights_file": Path(weights).name if weights else ""}
    recipe: dict[str, Any] = {
        "version": tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"],
        "uv_map": uv_map,
        "styles": [
            {"file": s.file.name, "sha256": sha256, "weight": s.weight, "region": s.region}
            for s, sha256 in zip(request.styles, sha256s, strict=True)
        ],
        "protect": request.protect,
        "views": request.views,
        "settings": settings,
        "report": json.loads(report.read_text(encoding="utf-8")),
    }
    return json.dumps(recipe)


def check_output(path: Path, styles: Sequence[Path]) -> None:
    """Raise JobError unless the texture can be saved as `path` without loss to the artist."""
    what = f"Output {str(path)!r}"
    if path.resolve() in [style.resolve() for style in styles]:
        raise JobError(what, "it is the style picture", "Choose another file")
    for image in bpy.data.images:
        file = Path(bpy.path.abspath(image.filepath, library=image.library))
        if image.filepath and file.resolve() == path.resolve() and not image.get(RECIPE):
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
    obj: bpy.types.Object, slots: Sequence[int], texture: Path, recipe: str, request: Request
) -> Written:
    """Show `texture` on `obj` and on nothing else; the artist's images and nodes stay.

    Args:
        slots: the material slots that the object's faces use.
        texture: the PNG file that the engine made.
        recipe: what the image is to remember.
        request: its output is where the texture is saved, else it is packed; it also says
            whether our own earlier result is replaced.

    Raises:
        JobError: if the texture cannot be saved; nothing is changed then.
    """
    image = load(f"{obj.name} style", texture, recipe, request)
    make_own(obj, slots)
    warnings = []
    replaced: set[bpy.types.Image] = set()
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
            replaced.add(earlier.image)
            earlier.image = image
        else:
            plug_in(socket, image)
    _give_way(replaced, image)
    return Written(image, tuple(warnings))


def load(name: str, texture: Path, recipe: str, request: Request) -> bpy.types.Image:
    """`texture` as an image of Blender's, saved or packed as `request` says.

    Raises:
        JobError: if it cannot be saved; nothing is changed then.
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
    image[RECIPE] = recipe
    return image


def _earlier_result(socket: bpy.types.NodeSocket) -> bpy.types.ShaderNodeTexImage | None:
    """The node of our own that feeds `socket` with a result."""
    output = source(socket)
    node = output.node if output else None
    if not isinstance(node, bpy.types.ShaderNodeTexImage) or not is_ours(node):
        return None
    return node if node.image and node.image.get(RECIPE) is not None else None


def _give_way(replaced: set[bpy.types.Image], image: bpy.types.Image) -> None:
    """Remove the results that are not in use any more; the new one takes a name over."""
    for old in replaced:
        if not old.users:
            name = old.name
            bpy.data.images.remove(old)
            image.name = name
