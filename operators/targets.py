"""Where the paint goes: which faces share a texture, and which image of Blender's that becomes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import PurePath

import bpy
import numpy as np

from . import udim
from .material_slots import Place
from .patches import Patch


@dataclass(frozen=True)
class Target:
    """One image to be made, with all that will show it.

    Attributes:
        name: that the image gets, without what kind of image it is.
        textures: the textures of the job that it is made of: one, or one for each tile.
        tiles: their UDIM numbers, 1001 and up; empty for an ordinary image.
        places: the `session_uid` of objects, and a material slot of theirs.
        uv_maps: those that place it on its objects.
        named_uv_map: the one of them that was asked for; empty where each object's active
            render one is taken.
    """

    name: str
    textures: tuple[int, ...] = (0,)
    tiles: tuple[int, ...] = ()
    places: tuple[tuple[int, int], ...] = ()
    uv_maps: tuple[str, ...] = ()
    named_uv_map: str = ""

    def find(self) -> list[Place]:
        """Its places as they are now, whatever the objects are called.

        None of objects that were deleted, or are no meshes any more.
        """
        objects = {obj.session_uid: obj for obj in bpy.data.objects if obj.type == "MESH"}
        return [(objects[uid], slot) for uid, slot in self.places if uid in objects]


@dataclass(frozen=True)
class _Group:
    """The patches that are painted in one image."""

    patches: tuple[Patch, ...]

    @property
    def image(self) -> bpy.types.Image | None:
        """What they all show."""
        return self.patches[0].image

    @property
    def objects(self) -> set[bpy.types.Object]:
        """Whose they are."""
        return {patch.obj for patch in self.patches}


def find_targets(
    patches: Sequence[Patch], named_uv_map: str
) -> tuple[tuple[Target, ...], np.ndarray]:
    """Share out the faces of a job.

    Faces that show the same image are painted in the same new one, a tile for each of its tiles;
    what shows no image is painted in one of the object's own, which objects share that share
    both mesh and materials. It has tiles where an image in the material has.

    Returns:
        The targets, and the textures (F,) int64 of all faces.
    """
    collected: dict[Hashable, list[Patch]] = {}
    for patch in patches:
        collected.setdefault(patch.image or (patch.owner, patch.is_tiled), []).append(patch)
    groups = [_Group(tuple(each)) for each in collected.values()]
    textures = np.zeros(sum(len(patch.faces) for patch in patches), np.int64)
    targets, first = [], 0
    for group, name in zip(groups, _names(groups), strict=True):
        tiles = np.unique(np.concatenate([patch.tiles for patch in group.patches]))  # (T,)
        for patch in group.patches:
            textures[patch.faces] = first + np.searchsorted(tiles, patch.tiles)
        targets.append(
            Target(
                name,
                textures=tuple(range(first, first + len(tiles))),
                tiles=tuple(tiles[tiles != udim.UNTILED].tolist()),
                places=tuple((patch.obj.session_uid, patch.slot) for patch in group.patches),
                uv_maps=tuple(dict.fromkeys(patch.uv_map for patch in group.patches)),
                named_uv_map=named_uv_map,
            )
        )
        first += len(tiles)
    return tuple(targets), textures


def distinct(names: Sequence[str], separator: str) -> list[str]:
    """`names` with a number, from 2 on, at the end of those that another one has before them."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}{separator}{n}" if n > 1 else name for n in count(1))
        taken = {other.casefold() for other in found}
        found.append(next(one for one in numbered if one.casefold() not in taken))
    return found


def _names(groups: Sequence[_Group]) -> list[str]:
    """A name for each, no two alike: the object's, or the image's where they do not pair up."""
    return distinct(
        [
            group.patches[0].obj.name
            if group.image is None or _pairs_up(group, groups)
            else _stem(group.image)
            for group in groups
        ],
        " ",
    )


def _pairs_up(group: _Group, groups: Sequence[_Group]) -> bool:
    """Whether it has all faces of one object, and of no other one."""
    sharing = [other for other in groups if group.objects & other.objects]
    return len(group.objects) == len(sharing) == 1


def _stem(image: bpy.types.Image) -> str:
    """An image's name without what is a file's: its ending, and the number of a tile."""
    path, endings = PurePath(image.name), bpy.path.extensions_image  # type: ignore[attr-defined]
    name = path.stem if path.suffix.lower() in endings else image.name
    return udim.without_number(name) if image.source == "TILED" else name
