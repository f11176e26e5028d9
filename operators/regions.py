"""Where on the mesh something goes: a vertex group or a color attribute as one number a corner."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import bpy
import numpy as np

from ..engine.errors import JobError
from .mesh_arrays import corner_vertices, read


def read_region(
    obj: bpy.types.Object, data: bpy.types.Mesh, name: str, corners: np.ndarray
) -> np.ndarray | None:
    """Strength (F, 3) float32 in 0-1 at the corners of triangles; None if `obj` has no such region.

    Args:
        obj: after its modifiers, which may add vertex groups and change their order.
        data: its mesh.
        name: of a vertex group or a color attribute, whose mean of red, green and blue counts.
        corners: (F, 3) int, indices of loops.
    """
    vertices = corner_vertices(data)
    group = obj.vertex_groups.get(name)
    if group:
        weights = _vertex_weights(data, group.index)
        return weights[vertices[corners]]
    joined = data.attributes.get(name)  # what Blender 4 makes of a group where geometry is joined
    if isinstance(joined, bpy.types.FloatAttribute) and joined.domain == "POINT":
        weights = read(joined.data, "value", np.float32, (len(data.vertices),))
        return weights.clip(0, 1)[vertices[corners]]
    attribute = data.color_attributes.get(name)
    if attribute is None:
        return None
    colors = read(attribute.data, "color", np.float32, (len(attribute.data), 4))
    strength = colors[:, :3].mean(-1).clip(0, 1)
    return strength[corners if attribute.domain == "CORNER" else vertices[corners]]


def region_names(objects: Sequence[bpy.types.Object]) -> list[str]:
    """Names of all regions that any of `objects` has."""
    names = (
        name
        for obj in objects
        if isinstance(obj.data, bpy.types.Mesh)
        for name in (*obj.vertex_groups.keys(), *obj.data.color_attributes.keys())
    )
    return list(dict.fromkeys(names))


def no_region(objects: Sequence[bpy.types.Object], name: str) -> JobError:
    """Why none of `objects` has the region `name`, with the nearest names that they have."""
    names = region_names(objects)
    if name in names:
        return JobError(
            f"Region {name!r}",
            "it is there, and the modifiers leave nothing of it",
            "Apply them, or choose another",
        )
    near = difflib.get_close_matches(name, names, cutoff=0.4) or names[:3]
    choice = " or ".join(map(repr, near))
    whose = " or ".join(repr(obj.name) for obj in objects[:3])
    return JobError(
        f"Region {name!r}",
        f"{whose} has no vertex group or color attribute of that name",
        f"Choose {choice}" if near else "Add a vertex group in Object Data Properties",
    )


def _vertex_weights(data: bpy.types.Mesh, index: int) -> np.ndarray:
    """(V,) float32: weights in the vertex group `index`, which Blender lends no array of."""
    weights = np.zeros(len(data.vertices), np.float32)
    for number, vertex in enumerate(data.vertices):
        for element in vertex.groups:
            if element.group == index:
                weights[number] = element.weight
    return weights
