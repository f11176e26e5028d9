"""What Blender keeps of a mesh, as arrays copied whole.

Attributes are copied at once. The properties of `loops`, `polygons` and `loop_triangles` that
say the same are asked for element by element: a hundred times as long.
"""

from __future__ import annotations

import bpy
import numpy as np


def corner_vertices(data: bpy.types.Mesh) -> np.ndarray:
    """The vertex of each face corner (loop), (L,) int32."""
    return _attribute(data, ".corner_vert", len(data.loops))


def face_slots(data: bpy.types.Mesh) -> np.ndarray:
    """The material slot of each face, (P,) int32; it may lie beyond the slots that there are."""
    return _attribute(data, "material_index", len(data.polygons))


def triangle_faces(data: bpy.types.Mesh) -> np.ndarray:
    """The face of each triangle, (T,) int32, after `calc_loop_triangles`."""
    return read(data.loop_triangle_polygons, "value", np.int32, (len(data.loop_triangles),))


def read(
    collection: bpy.types.bpy_prop_collection, name: str, kind: type, shape: tuple[int, ...]
) -> np.ndarray:
    """The property `name` of all of `collection`, as an array of that shape."""
    values: np.ndarray = np.empty(shape, kind)
    collection.foreach_get(name, values.reshape(-1))
    return values


def _attribute(data: bpy.types.Mesh, name: str, count: int) -> np.ndarray:
    """The attribute `name` as (count,) int32; what Blender has not made is 0 everywhere."""
    attribute = data.attributes.get(name)
    if attribute is None:
        return np.zeros(count, np.int32)
    assert isinstance(attribute, bpy.types.IntAttribute)
    return read(attribute.data, "value", np.int32, (count,))
