"""UVs that reach outside 0-1: which unit squares they are in, and each moved to 0-1."""

from __future__ import annotations

from itertools import islice
from typing import Any

import bpy
import numpy as np

MOST = 64  # unit squares looked for
MOVED = "style transfer tile"  # the UV map that `tile_mover` makes


def uv_tiles(uvs: np.ndarray) -> list[tuple[int, int]]:
    """The unit squares, by their lower left corner, that faces with UVs (F, 3, 2) reach into.

    Some of them, and more than MOST, where there are more than that.
    """
    near = 1e-5  # what reaches beyond an edge by less is rounding
    uvs = uvs.clip(-1e6, 1e6)
    low = np.floor(uvs.min(1) + near).astype(np.int64)  # (F, 2)
    high = np.maximum(np.ceil(uvs.max(1) - near).astype(np.int64) - 1, low)
    spans = np.unique(np.concatenate((low, high), -1), axis=0)  # (S, 4)
    found: set[tuple[int, int]] = set()
    for left, bottom, right, top in spans.tolist():
        squares = ((u, v) for u in range(left, right + 1) for v in range(bottom, top + 1))
        found.update(islice(squares, MOST + 1))
        if len(found) > MOST:
            break
    return sorted(found)


def tile_mover(uv_map: str, tile: tuple[int, int]) -> bpy.types.GeometryNodeTree:
    """Geometry nodes that store the UV map, with `tile` moved to 0-1, as another one.

    The map itself has to stay, for the material may use it.
    """
    tree = bpy.data.node_groups.new(MOVED, "GeometryNodeTree")
    assert isinstance(tree, bpy.types.GeometryNodeTree)
    assert tree.interface
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    nodes: Any = tree.nodes
    start, end, read, move, store = (
        nodes.new(kind)
        for kind in (
            "NodeGroupInput", "NodeGroupOutput", "GeometryNodeInputNamedAttribute",
            "ShaderNodeVectorMath", "GeometryNodeStoreNamedAttribute",
        )
    )  # fmt: skip
    read.data_type, read.inputs["Name"].default_value = "FLOAT_VECTOR", uv_map
    move.operation, move.inputs[1].default_value = "SUBTRACT", (*tile, 0)
    store.data_type, store.domain = "FLOAT2", "CORNER"
    store.inputs["Name"].default_value = MOVED
    value = next(s for s in store.inputs if s.name == "Value" and s.enabled)
    tree.links.new(start.outputs[0], store.inputs["Geometry"])
    tree.links.new(read.outputs["Attribute"], move.inputs[0])
    tree.links.new(move.outputs[0], value)
    tree.links.new(store.outputs["Geometry"], end.inputs[0])
    return tree
