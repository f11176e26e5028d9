"""Nodes by which objects that share a material look different."""

from __future__ import annotations

import bpy

from .node_trees import all_nodes

# Where a point of the surface is in the world, and how it is turned there.
_PLACED = ("Position", "Normal", "Tangent", "True Normal", "Incoming")


def depends_on_object(material: bpy.types.Material | None) -> bool:
    """Whether `material` may look different on objects that share their mesh."""
    tree = material.node_tree if material else None
    return tree is not None and any(map(_depends, all_nodes(tree)))


def reads_random(tree: bpy.types.NodeTree) -> bool:
    """Whether something in `tree`, groups included, takes the random number of the object."""
    return any(
        isinstance(node, bpy.types.ShaderNodeObjectInfo) and _is_linked(node, "Random")
        for node in all_nodes(tree)
    )


def _depends(node: bpy.types.Node) -> bool:
    if isinstance(node, bpy.types.ShaderNodeAttribute):
        return node.attribute_type in {"OBJECT", "INSTANCER"}
    if isinstance(node, bpy.types.ShaderNodeTexCoord):
        return node.object is not None
    if isinstance(node, bpy.types.ShaderNodeNewGeometry):
        return any(_is_linked(node, name) for name in _PLACED)
    return isinstance(node, bpy.types.ShaderNodeObjectInfo)


def _is_linked(node: bpy.types.Node, output: str) -> bool:
    assert node.outputs
    return node.outputs[output].is_linked
