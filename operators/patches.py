"""The faces of a job by object and material slot, with the image that they show."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import bpy
import numpy as np

from ..engine.errors import JobError
from . import udim
from .bake_look import Part
from .material import Shown, lies_on_tiles, shown
from .material_slots import slot_material
from .object_nodes import depends_on_object
from .read_mesh import Piece


@dataclass(frozen=True)
class Patch(Part):
    """The faces of one object in one material slot.

    Attributes:
        material: what is in the slot.
        shown: the image that they show, or showed before we painted them; None if it is none.
        faces: (N,) int64, indices into all faces of the job.
        tiles: (N,) int64, the UDIM number of each; `udim.UNTILED` if they lie on no tiles.
    """

    material: bpy.types.Material | None
    shown: Shown | None
    faces: np.ndarray
    tiles: np.ndarray

    @property
    def image(self) -> bpy.types.Image | None:
        """What they show, or showed before we painted them; None if it is no image."""
        return self.shown.image if self.shown else None

    @property
    def is_tiled(self) -> bool:
        """Whether they lie on UDIM tiles."""
        return bool(self.tiles.any())

    @property
    def owner(self) -> Hashable:
        """The same for objects that look the same without an image.

        They share mesh and materials, and nothing in these tells one object from another.
        """
        materials = tuple(slot.material for slot in self.obj.material_slots)
        if any(depends_on_object(material) for material in materials):
            return self.obj
        return self.obj.data, materials


def find_patches(pieces: Sequence[Piece]) -> list[Patch]:
    """All patches of a job whose faces are those of `pieces`, one piece after the other.

    Raises:
        JobError: if faces of an image with UDIM tiles lie on none.
    """
    patches, start = [], 0
    for piece in pieces:
        for slot in np.unique(piece.mesh.materials).tolist():
            own = (piece.mesh.materials == slot).nonzero()[0]  # (N,)
            part = Part(piece.obj, slot, piece.uv_map, piece.mesh.uvs[own])
            image, is_tiled = None, False
            with suppress(JobError):  # no place for paint: reading the look tells so
                image = shown(part)
                is_tiled = lies_on_tiles(part, image)
            tiles = np.full(len(own), udim.UNTILED, np.int64)
            if is_tiled:
                tiles = udim.numbers(part.uvs, piece.obj.name)
            patches.append(
                Patch(
                    **vars(part),
                    material=slot_material(piece.obj, slot),
                    shown=image,
                    faces=own + start,
                    tiles=tiles,
                )
            )
        start += len(piece.mesh.faces)
    return patches
