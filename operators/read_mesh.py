"""One object's mesh as arrays: with its modifiers, in world space."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import bmesh
import bpy
import numpy as np

from ..engine.errors import JobError
from ..engine.mesh import Mesh
from .instances import check_faces
from .material_slots import slot_material
from .mesh_arrays import corner_vertices, face_slots, read, triangle_faces
from .regions import read_region


def find_uv_layer(data: bpy.types.Mesh, uv_map: str) -> bpy.types.MeshUVLoopLayer | None:
    """The UV map of that name, or the active render one if it is empty; None if there is none."""
    if uv_map:
        return data.uv_layers.get(uv_map)
    return next((layer for layer in data.uv_layers if layer.active_render), None)


def fingerprint(obj: bpy.types.Object, uv_map: str) -> int:
    """A number that changes when the faces of the mesh of `obj` do, or its UVs in `uv_map`."""
    data = obj.data
    assert isinstance(data, bpy.types.Mesh)
    layer = find_uv_layer(data, uv_map)
    with _as_it_is_now(data) as mesh:
        corners = corner_vertices(mesh)
        uvs = np.empty((0, 2), np.float32)
        if layer:
            uvs = read(mesh.uv_layers[layer.name].uv, "vector", np.float32, (len(mesh.loops), 2))
    return zlib.crc32(uvs.tobytes(), zlib.crc32(corners.tobytes()))


@contextmanager
def _as_it_is_now(data: bpy.types.Mesh) -> Iterator[bpy.types.Mesh]:
    """`data`; in Edit Mode, in which it gives no corners and no UVs, a copy that does."""
    if not data.is_editmode:
        yield data
        return
    copy = bpy.data.meshes.new(data.name)
    try:
        bmesh.from_edit_mesh(data).to_mesh(copy)
        yield copy
    finally:
        bpy.data.meshes.remove(copy)


@contextmanager
def evaluated_mesh(
    obj: bpy.types.Object, depsgraph: bpy.types.Depsgraph
) -> Iterator[bpy.types.Mesh]:
    """The mesh of `obj` after its modifiers, for as long as the context lasts.

    Raises:
        JobError: if Blender does not evaluate it, because it is hidden.
    """
    evaluated = obj.evaluated_get(depsgraph)
    is_seen = obj.visible_get(view_layer=depsgraph.view_layer)
    if not evaluated.is_evaluated or (obj.modifiers and not is_seen):
        raise JobError(
            f"Object {obj.name!r}",
            "it is hidden in the viewport, so its place and its modifiers are not evaluated",
            "Show it (in the Outliner)",
        )
    data = evaluated.to_mesh(preserve_all_data_layers=True, depsgraph=depsgraph)
    try:
        yield data
    finally:
        evaluated.to_mesh_clear()


@dataclass(frozen=True)
class Piece:
    """One object of a job.

    Attributes:
        obj: the object.
        mesh: its triangles, placed; `materials` are its material slots, `textures` all 0.
        uv_map: name of the UV map that places the paint.
        regions: (F, 3) float32 in 0-1 by name, those of the names asked for that it has.
    """

    obj: bpy.types.Object
    mesh: Mesh
    uv_map: str
    regions: dict[str, np.ndarray]


def read_piece(
    obj: bpy.types.Object,
    depsgraph: bpy.types.Depsgraph,
    region_names: Sequence[str],
    *,
    uv_map: str,
    origin: np.ndarray,
) -> Piece:
    """Read `obj` as it is rendered.

    Args:
        obj: the object.
        depsgraph: what evaluates its modifiers.
        region_names: of what to read besides.
        uv_map: name of the UV map; empty for the active render one.
        origin: (3,) float64, the point of the world that the vertices are counted from.

    Raises:
        JobError: naming `obj`, if it has nothing that can be painted.
    """
    evaluated = obj.evaluated_get(depsgraph)
    matrix = np.array(evaluated.matrix_world)  # float64
    matrix[:3, 3] -= origin
    with evaluated_mesh(obj, depsgraph) as data:
        check_faces(obj, data, depsgraph)
        slots = own_slots(obj, evaluated, data)
        layer = required_uv_layer(obj, data, uv_map)
        corners = read_corners(data, matrix)
        mesh = read_mesh(obj, data, corners, matrix, layer, slots)
        found = {name: read_region(evaluated, data, name, corners) for name in region_names}
        name = layer.name
    return Piece(obj, mesh, name, {k: v for k, v in found.items() if v is not None})


def required_uv_layer(
    obj: bpy.types.Object, data: bpy.types.Mesh, uv_map: str
) -> bpy.types.MeshUVLoopLayer:
    """As `find_uv_layer`, of the evaluated mesh `data` of `obj`.

    Raises:
        JobError: naming `obj`, if there is none.
    """
    layer = find_uv_layer(data, uv_map)
    if layer:
        return layer
    what = f"Mesh of {obj.name!r}"
    if not len(data.uv_layers):
        if isinstance(obj.data, bpy.types.Mesh) and len(obj.data.uv_layers):
            cure = "Apply them and unwrap it, or let the one that makes the faces keep UVs"
            raise JobError(what, "its modifiers leave it no UV map", cure)
        cure = "Unwrap it: the button Unwrap, or bpy.ops.object.style_transfer_unwrap()"
        raise JobError(what, "it has no UV map", cure)
    names = " or ".join(repr(layer.name) for layer in data.uv_layers)
    cure = f"Choose {names} in the setting UV Map (uv_map=...)"
    if not uv_map:
        raise JobError(what, "none of its UV maps is the one active for rendering", cure)
    raise JobError(what, f"it has no UV map {uv_map!r}", f"{cure}, or leave it empty")


def read_mesh(
    obj: bpy.types.Object,
    data: bpy.types.Mesh,
    corners: np.ndarray,
    matrix: np.ndarray,
    layer: bpy.types.MeshUVLoopLayer,
    slots: np.ndarray,
) -> Mesh:
    """The triangles of `data` with the UVs in `layer`, their slots in `materials`.

    Args:
        obj: the object, for its name.
        data: its mesh after modifiers.
        corners: (F, 3) int32, the triangles, as of `read_corners`.
        matrix: (4, 4) float64, places them.
        layer: of `data`.
        slots: (P,) int64 of each of its faces.

    Raises:
        JobError: naming `obj`, if it has nothing that can be painted.
    """
    vertices = read(data.vertices, "co", np.float32, (len(data.vertices), 3))
    uvs = read(layer.uv, "vector", np.float32, (len(data.loops), 2))
    placed = vertices.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    mesh = Mesh(
        vertices=placed.astype(np.float32),
        faces=corner_vertices(data)[corners].astype(np.int64),
        uvs=uvs[corners],
        materials=slots[triangle_faces(data)],
        textures=np.zeros(len(corners), np.int64),
    )
    try:
        mesh.validate()
    except JobError as error:
        raise JobError(f"{error.what} of {obj.name!r}", error.why, error.cure) from error
    return mesh


def read_corners(data: bpy.types.Mesh, matrix: np.ndarray) -> np.ndarray:
    """The triangles of `data` as loops, (F, 3) int32, outside out where `matrix` mirrors them."""
    data.calc_loop_triangles()
    count = len(data.loop_triangles)
    corners = read(data.loop_triangles, "loops", np.int32, (count, 3))
    mirrored = np.linalg.det(matrix[:3, :3]) < 0
    return np.ascontiguousarray(corners[:, ::-1]) if mirrored else corners


def map_warnings(pieces: Sequence[Piece]) -> list[str]:
    """Sentences about objects that are painted in another UV map than they are rendered by."""
    return [
        f"UV map {piece.uv_map!r} of {piece.obj.name!r} is not the one active for rendering:"
        " an image on it is taken for the original look as if that map placed it"
        for piece in pieces
        if isinstance(piece.obj.data, bpy.types.Mesh)
        and piece.uv_map in piece.obj.data.uv_layers
        and not piece.obj.data.uv_layers[piece.uv_map].active_render
    ]


def own_slots(
    obj: bpy.types.Object, evaluated: bpy.types.Object, data: bpy.types.Mesh
) -> np.ndarray:
    """The slots (P,) int64 of `obj` that the faces of `data` get their materials from.

    Modifiers may put materials into another order, and add faces that have none.

    Args:
        obj: as the artist has it.
        evaluated: after its modifiers.
        data: the mesh of `evaluated`.

    Raises:
        JobError: if a modifier gives faces a material that is in none of the slots.
    """
    slots = face_slots(data).clip(0, max(len(evaluated.material_slots) - 1, 0))
    own: np.ndarray = np.zeros(max(len(evaluated.material_slots), 1), np.int64)
    held = [slot.material for slot in obj.material_slots]
    for index in np.unique(slots).tolist():
        given = slot_material(evaluated, index)
        material = given.original if given else None
        if index < len(held) and held[index] == material:
            own[index] = index
        elif material in held:
            own[index] = held.index(material)
        elif material is not None:
            raise JobError(
                f"Object {obj.name!r}",
                f"a modifier gives it the material {material.name!r}, which is in none of its"
                " slots",
                "Apply the modifier or set the material in a slot of the object",
            )
    return own[slots]
