"""The painted texture -> an image of Blender's and a node in the object's materials."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bpy

from ..engine.job import JobError
from .export import slot_material
from .material import base_color, has_nodes
from .settings import Request

RECIPE = "style_transfer_3d"  # the image's custom property
_MANIFEST = Path(__file__).parent.parent / "blender_manifest.toml"


def make_recipe(request: Request, style_sha256: str, uv_map: str, report: Path) -> str:
    """All that made a texture, as JSON: to be read by people, to be run again.

    Files are named without their folders, which say more about a machine than about a picture.
    """
    weights = request.settings.weights_file
    settings = {**asdict(request.settings), "weights_file": Path(weights).name if weights else ""}
    recipe: dict[str, Any] = {
        "version": tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"],
        "uv_map": uv_map,
        "style": {"file": request.style.name, "sha256": style_sha256},
        "views": request.views,
        "settings": settings,
        "report": json.loads(report.read_text(encoding="utf-8")),
    }
    return json.dumps(recipe)


def check_output(path: Path, style: Path) -> None:
    """Raise JobError unless the texture can be saved as `path` without loss to the artist."""
    what = f"Output {str(path)!r}"
    if path.resolve() == style.resolve():
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
) -> bpy.types.Image:
    """Show `texture` on `obj` and on nothing else; the artist's images and nodes stay.

    Args:
        slots: the material slots that the object's faces use.
        texture: the PNG file that the engine made.
        recipe: what the image is to remember.
        request: its output is where the texture is saved; else it is packed.

    Raises:
        JobError: if the texture cannot be saved; nothing is changed then.
    """
    image = _load(texture, request)
    image.name = f"{obj.name} style"
    image[RECIPE] = recipe
    assert isinstance(obj.data, bpy.types.Mesh)
    if not obj.material_slots:
        obj.data.materials.append(None)
    painted: dict[bpy.types.Material | None, bpy.types.Material] = {}
    for slot in slots:
        material = slot_material(obj, slot)
        if material not in painted:
            painted[material] = _own_material(obj, material)
            _plug_in(painted[material], image)
        if painted[material] != material:
            _set_material(obj, slot, painted[material])
    return image


def _load(texture: Path, request: Request) -> bpy.types.Image:
    if request.output:
        save_file(request.output, texture.read_bytes())
        relative = request.output_as_given.startswith("//")
        return bpy.data.images.load(request.output_as_given if relative else str(request.output))
    image = bpy.data.images.load(str(texture))
    image.pack()
    image.filepath_raw = ""  # the file is gone soon
    return image


def _own_material(obj: bpy.types.Object, material: bpy.types.Material | None) -> bpy.types.Material:
    """`material` where `obj` alone uses it, else a copy; a new one for an empty slot."""
    if material is None:
        material = bpy.data.materials.new(f"{obj.name} style")
    elif material.library or _users(material) - {obj} - ({obj.data} if _owns_mesh(obj) else set()):
        material = material.copy()
    if not has_nodes(material):
        material.use_nodes = True
    return material


def _set_material(obj: bpy.types.Object, slot: int, material: bpy.types.Material) -> None:
    """Put `material` into a slot of `obj`, not of the other objects that share its mesh."""
    if not _owns_mesh(obj):
        obj.material_slots[slot].link = "OBJECT"
    obj.material_slots[slot].material = material


def _owns_mesh(obj: bpy.types.Object) -> bool:
    assert obj.data
    return not obj.data.library and not _users(obj.data) - {obj}


def _users(data: bpy.types.ID) -> set[bpy.types.ID]:
    return bpy.data.user_map(subset=[data])[data]


def _plug_in(material: bpy.types.Material, image: bpy.types.Image) -> None:
    """Feed Base Color from a new node that shows `image`, placed below what is there."""
    socket, tree = base_color(material), material.node_tree
    assert tree
    assert socket.node
    lowest = min(node.location.y for node in tree.nodes)
    node = tree.nodes.new("ShaderNodeTexImage")
    assert isinstance(node, bpy.types.ShaderNodeTexImage)
    assert node.outputs
    node.image = image
    node.location = (socket.node.location.x - 300, lowest - 300)
    tree.links.new(node.outputs["Color"], socket)
    tree.nodes.active = node  # what Solid shading and texture painting show
