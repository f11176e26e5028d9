"""Objects, cameras and images -> Job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import bpy
import numpy as np

from ..engine.errors import JobError
from ..engine.job import Job, Style
from ..engine.mesh import Mesh
from ..engine.settings import RANGES
from .instances import instance_warnings
from .looks import Looks, read_looks
from .material_slots import check_nodes
from .origin import find_origin
from .patches import find_patches
from .read_mesh import Piece, map_warnings, read_piece
from .read_views import read_views
from .regions import no_region
from .request import Request
from .surface_color import color_sockets, has_nodes
from .targets import Target, find_targets
from .uv_check import uv_warnings


@dataclass(frozen=True)
class Export:
    """Objects as a job.

    Attributes:
        job: what the engine needs, all objects as one mesh.
        targets: the images that its textures become.
        alphas: (h, w) float32 in 0-1, row 0 on top, how opaque each texture of the job is to
            be, to be resized to it; None where it is so everywhere.
        warnings: what was left out, for the artist.
    """

    job: Job
    targets: tuple[Target, ...]
    alphas: tuple[np.ndarray | None, ...]
    warnings: tuple[str, ...]


def export(
    objects: Sequence[bpy.types.Object], context: bpy.types.Context, request: Request
) -> Export:
    """Read `objects` as they are rendered: with their modifiers, in world space.

    Raises:
        JobError: if one cannot be painted, or a camera or an image cannot be used.
    """
    for obj in objects:
        if obj.mode == "EDIT":
            obj.update_from_editmode()
    depsgraph = context.evaluated_depsgraph_get()
    origin = find_origin(objects, depsgraph)
    pieces = [
        read_piece(obj, depsgraph, request.region_names, uv_map=request.uv_map, origin=origin)
        for obj in objects
    ]
    patches = find_patches(pieces)
    if request.assign == "MATERIAL":
        for material in dict.fromkeys(patch.material for patch in patches):
            _check_place(material)
        check_nodes([(patch.obj, patch.slot) for patch in patches])
    targets, textures = find_targets(patches, request.uv_map)
    looks = read_looks(patches, request.settings.texture_size, context)
    first, *others = (
        Style(style.file, style.weight, _region(pieces, style.region)) for style in request.styles
    )
    job = Job(
        replace(_merged(pieces), materials=looks.materials, textures=textures),
        first,
        request.settings,
        looks.originals,
        read_views(context, depsgraph, request.views, origin),
        more_styles=tuple(others),
        protected=_region(pieces, request.protect),
        shapes=((request.settings.texture_size,) * 2,) * int(textures.max() + 1),
    )
    _check_regions(job, request)
    told = (
        *looks.warnings,
        *instance_warnings(objects, depsgraph),
        *map_warnings(pieces),
        *uv_warnings(job.mesh, targets),
        *_length_warnings(job),
    )
    return Export(job, targets, _alphas(looks, textures, targets), told)


def _check_regions(job: Job, request: Request) -> None:
    """Raise JobError for a region that holds nothing, or leaves a style no place."""
    free = np.float32(1) if job.protected is None else 1 - job.protected
    if job.protected is not None and not np.any(job.protected):
        raise JobError(
            f"Region {request.protect!r}",
            "it is empty, so nothing would be protected",
            "Give it weights on the mesh, or leave the setting Protect empty",
        )
    if not np.any(free):
        raise JobError(
            f"Region {request.protect!r}",
            "it protects all of the mesh, so nothing would be painted",
            "Take some of the mesh out of it, or choose another in the setting Protect",
        )
    for style, asked in zip(job.styles, request.styles, strict=True):
        if style.region is not None and not np.any(style.region * free):
            raise JobError(
                f"Region {asked.region!r}",
                "it is empty, or all of it is protected, so nothing would take on"
                f" {asked.file.name!r}",
                "Give it weights on the mesh, or choose another",
            )


def _length_warnings(job: Job) -> list[str]:
    """A sentence where the strokes cannot be as large as was asked for in the scene's units."""
    asked = job.settings.stroke_length
    if not asked:
        return []
    extent = float(np.ptp(job.mesh.vertices[job.mesh.faces], axis=(0, 1)).max())
    low, high = RANGES["stroke_size"]
    if low <= asked / extent <= high:
        return []
    return [
        f"Picture Length {asked:.3g} counts as {extent * job.settings.strokes(extent):.3g}: what is"
        f" painted is {extent:.3g} large, and {low:g} to {high:g} of that can be had"
    ]


def _check_place(material: bpy.types.Material | None) -> None:
    """Raise JobError unless there is a place for paint in `material`, or can be made."""
    if material and (has_nodes(material) or material.node_tree):
        color_sockets(material)


def _alphas(
    looks: Looks, textures: np.ndarray, targets: Sequence[Target]
) -> tuple[np.ndarray | None, ...]:
    """The alpha of each of `textures` (F,): all faces of one that has an alpha show one image.

    Tiles of one image all have one, or none has: Blender saves them in the format of the first.
    """
    _, first = np.unique(textures, return_index=True)  # (T,) faces
    alphas = [looks.alphas[look] for look in looks.materials[first].tolist()]
    for target in targets:
        if any(alphas[texture] is not None for texture in target.textures):
            for texture in target.textures:
                if alphas[texture] is None:
                    alphas[texture] = np.ones((1, 1), np.float32)
    return tuple(alphas)


def _merged(pieces: Sequence[Piece]) -> Mesh:
    """The meshes of all pieces as one."""
    meshes = [piece.mesh for piece in pieces]
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    joined = {
        field.name: np.concatenate([getattr(mesh, field.name) for mesh in meshes])
        for field in fields(Mesh)
    }
    moved = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]
    return Mesh(**{**joined, "faces": np.concatenate(moved)})


def _region(pieces: Sequence[Piece], name: str) -> np.ndarray | None:
    """The region `name` (F, 3) of all pieces, 0 on those without it; None if there is no name.

    Raises:
        JobError: if no piece has it.
    """
    if not name:
        return None
    if not any(name in piece.regions for piece in pieces):
        raise no_region([piece.obj for piece in pieces], name)
    return np.concatenate(
        [
            piece.regions.get(name, np.zeros((len(piece.mesh.faces), 3), np.float32))
            for piece in pieces
        ]
    )
