"""How the faces of a job look before they are painted, each look read only once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from . import udim
from .material import Look, grey, look
from .patches import Patch


@dataclass(frozen=True)
class Looks:
    """The looks of a job.

    Attributes:
        originals: (H, W, 3) float32 each, as `Job.originals`.
        alphas: (H, W) float32 in 0-1 of each of `originals`; None where it is opaque.
        materials: (F,) int64, which of `originals` each face has.
        warnings: what the artist should know.
    """

    originals: tuple[np.ndarray, ...]
    alphas: tuple[np.ndarray | None, ...]
    materials: np.ndarray
    warnings: tuple[str, ...]


def read_looks(patches: Sequence[Patch], size: int, context: bpy.types.Context) -> Looks:
    """The look of each face: by its material and UV map, or by the UDIM tile that it lies on.

    Args:
        patches: the faces.
        size: of the textures that are going to be painted.
        context: where the scene is.

    Raises:
        JobError: as `look`.
    """
    looks: list[Look] = []
    numbers: dict[Hashable, int] = {}
    materials = np.zeros(sum(len(patch.faces) for patch in patches), np.int64)
    for patch in patches:
        for tile in np.unique(patch.tiles).tolist():
            key = _key(patch, tile)
            if key not in numbers and patch.shown and tile != udim.UNTILED:
                for number, read in _tiles(patch, patches).items():
                    numbers[_key(patch, number)] = len(looks)
                    looks.append(read)
            elif key not in numbers:
                numbers[key] = len(looks)
                looks.append(look(patch, size, context, tile))
            materials[patch.faces[patch.tiles == tile]] = numbers[key]
    return Looks(
        tuple(one.pixels for one in looks),
        tuple(one.alpha for one in looks),
        materials,
        tuple(dict.fromkeys(text for one in looks for text in one.warnings)),
    )


def _key(patch: Patch, tile: int) -> Hashable:
    """The same for faces of the same look."""
    if patch.shown:
        return patch.shown, tile
    owner = patch.obj if patch.obj.modifiers else patch.owner
    return owner, patch.slot, patch.uv_map, tile


def _tiles(patch: Patch, patches: Sequence[Patch]) -> dict[int, Look]:
    """The looks of those tiles of the image of `patch` that faces lie on."""
    assert patch.shown
    image = patch.shown.image
    wanted = {
        number for other in patches if other.shown == patch.shown for number in other.tiles.tolist()
    }
    found: dict[int, Look] = {}
    with udim.single_images(image) as singles:
        for number in sorted(wanted):
            if number in singles:
                found[number] = patch.shown.look(singles[number])
                continue
            found[number] = Look(grey().pixels, warnings=(udim.no_tile(image, number),))
    return found
