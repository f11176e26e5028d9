"""Node trees, with the groups in them."""

from __future__ import annotations

from collections.abc import Iterator

import bpy


def all_nodes(tree: bpy.types.NodeTree) -> Iterator[bpy.types.Node]:
    """The nodes of a material's `tree`, each group followed by what is in it."""
    for node in tree.nodes:
        yield node
        if isinstance(node, bpy.types.ShaderNodeGroup) and node.node_tree:
            yield from all_nodes(node.node_tree)
