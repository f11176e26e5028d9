"""The painted textures -> images of Blender's and nodes in the objects' materials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..engine.errors import JobError
from . import relief_nodes, udim
from .earlier_results import give_way
from .material_slots import make_own, slot_material
from .messages import Done
from .new_images import new_images
from .outputs import beside, files, target_requests
from .paint_node import is_ours, plug_in
from .recipe import RECIPE, RELIEF
from .request import Request
from .saved_files import is_exr, save_texture
from .surface_color import color_sockets, has_nodes, source
from .targets import Target
from .uv_node import place_by


@dataclass(frozen=True)
class Painted:
    """A result as images of Blender's.

    Attributes:
        image: the colors.
        relief: of the strokes; None if none was asked for.
        look: how the relief is shown.
    """

    image: bpy.types.Image
    relief: bpy.types.Image | None
    look: relief_nodes.ReliefLook

    @property
    def images(self) -> list[bpy.types.Image]:
        """Those that there are."""
        return [self.image, *([self.relief] if self.relief else [])]

    def keep(self) -> None:
        """Let the images stay in the file though nothing shows them."""
        for image in self.images:
            image.use_fake_user = True


def write_back(
    targets: Sequence[Target], done: Done, recipes: Sequence[str], request: Request
) -> list[str]:
    """Show what is painted on `targets` and on nothing else; the artist's images and nodes stay.

    Args:
        targets: where to.
        done: the files that the engine made.
        recipes: what the images of each target are to remember.
        request: its output is where the textures are saved, else they are packed; it also says
            whether they are shown at all, and whether our own earlier results are replaced.

    Returns:
        What the artist should know about where they are not shown.

    Raises:
        JobError: if a texture cannot be saved; nothing is changed then.
    """
    painted = _load_all(targets, done, recipes, request)
    if request.assign == "IMAGE_ONLY":
        for one in painted:
            one.keep()
        warnings = []
    else:
        warnings = _assign(targets, painted, request)
    if request.replace:
        give_way([image for one in painted for image in one.images])
    return warnings


def _assign(targets: Sequence[Target], painted: Sequence[Painted], request: Request) -> list[str]:
    """Show `painted` on `targets`; returns what `write_back` does."""
    warnings = []
    replaced: dict[bpy.types.Image, bpy.types.Image | None] = {}  # by what
    for target, one in zip(targets, painted, strict=True):
        places = target.find()
        if not places:
            one.keep()
            kept = f"its texture is kept as image {one.image.name!r}"
            warnings.append(f"{target.name!r} is gone; {kept}")
        one.image.alpha_mode = "CHANNEL_PACKED"  # nothing is dark where it is transparent
        make_own(places)
        for material in dict.fromkeys(slot_material(obj, slot) for obj, slot in places):
            if material is None:  # the artist has taken the slot away
                continue
            try:
                sockets = _places(material)
            except JobError as error:
                warnings.append(f"{error} The texture is image {one.image.name!r}")
                continue
            replaced.update(
                _show(sockets, one, uv_map=target.named_uv_map, replace=request.replace)
            )
            if one.relief and not _normals(sockets):
                text = f"Material {material.name!r} has no Normal that would show the relief"
                warnings.append(f"{text}, which is image {one.relief.name!r}")
    _give_way(replaced)
    return warnings


def _places(material: bpy.types.Material) -> list[bpy.types.NodeSocket]:
    """The inputs that give `material` its color, at least one; it has nodes afterwards.

    Raises:
        JobError: as `color_sockets`.
    """
    if not has_nodes(material):
        material.use_nodes = True
    return color_sockets(material)


def _show(
    sockets: Sequence[bpy.types.NodeSocket], painted: Painted, *, uv_map: str, replace: bool
) -> dict[bpy.types.Image, bpy.types.Image | None]:
    """Let `sockets` show `painted`; returns the results of ours that they gave up, and for what."""
    replaced: dict[bpy.types.Image, bpy.types.Image | None] = {}
    for socket in sockets:
        earlier = _earlier_result(socket)
        if replace and earlier and earlier.image:
            replaced[earlier.image] = painted.image
            earlier.image = painted.image
            place_by(earlier, uv_map)
        else:
            plug_in(socket, painted.image, uv_map=uv_map)
    for normal in _normals(sockets):
        flattened = relief_nodes.take_out(normal, remove=replace)
        replaced.update(dict.fromkeys(flattened, painted.relief))
        if painted.relief:
            relief_nodes.plug_in(normal, painted.relief, painted.look)
    return replaced


def _normals(sockets: Sequence[bpy.types.NodeSocket]) -> list[bpy.types.NodeSocket]:
    """The inputs for normals of the shaders, or node groups, that have `sockets`."""
    nodes = dict.fromkeys(socket.node for socket in sockets)
    inputs = [socket for node in nodes if node for socket in node.inputs or ()]
    return [socket for socket in inputs if socket.name == "Normal"]


def _load_all(
    targets: Sequence[Target], done: Done, recipes: Sequence[str], request: Request
) -> list[Painted]:
    """What `load` gives for each of `targets`, or none of it."""
    asked = target_requests(request, targets)
    with new_images():
        return [
            load(target, done, recipe, own)
            for target, recipe, own in zip(targets, recipes, asked, strict=True)
        ]


def load(target: Target, done: Done, recipe: str, request: Request) -> Painted:
    """The result for one target as images named after it, saved or packed as `request` says.

    Raises:
        JobError: if one cannot be saved; Blender has no new image then.
    """
    relief = None
    with new_images():
        if done.reliefs:
            relief = _load(f"{target.name} relief", target, done.reliefs, beside(request))
            assert relief.colorspace_settings
            relief.colorspace_settings.is_data = True  # its name is the OCIO configuration's
            relief[RELIEF] = recipe
        image = _load(f"{target.name} style", target, done.textures, request)
        image[RECIPE] = recipe
    look = relief_nodes.ReliefLook(
        request.settings.relief,
        request.relief_strength,
        done.relief_height,
        target.named_uv_map,
    )
    return Painted(image, relief, look)


def _load(name: str, target: Target, textures: Sequence[Path], request: Request) -> bpy.types.Image:
    """Those of `textures` that are the target's as one image; see `load_one`."""
    own = [textures[number] for number in target.textures]
    if not target.tiles:
        return load_one(name, own[0], request)
    if request.output:
        for file, texture in zip(files(request, target), own, strict=True):
            save_texture(file, texture)
        image = udim.load(_path(request))
        _read_as_written(image, request.output)
    else:
        image = udim.load_packed(dict(zip(target.tiles, own, strict=True)))
    image.name = name
    return image


def load_one(name: str, texture: Path, request: Request) -> bpy.types.Image:
    """The picture in `texture` as an image, saved or packed as `request` says.

    Raises:
        JobError: if it cannot be saved; Blender has no new image then.
    """
    with new_images():
        if request.output:
            save_texture(request.output, texture)
            image = bpy.data.images.load(_path(request))
            _read_as_written(image, request.output)
        else:
            image = bpy.data.images.load(str(texture))
            image.pack()
            image.filepath_raw = ""  # the file is gone soon
        image.name = name
    return image


def _read_as_written(image: bpy.types.Image, path: Path) -> None:
    """An EXR file of ours has colors that are not multiplied by its alpha."""
    if is_exr(path):
        image.alpha_mode = "CHANNEL_PACKED"


def _path(request: Request) -> str:
    """The output as Blender is to keep it: relative if it was given so.

    Not so if the .blend file has moved to another folder since.
    """
    given = request.output_as_given
    is_there = given.startswith("//") and Path(bpy.path.abspath(given)) == request.output
    return given if is_there else str(request.output)


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
