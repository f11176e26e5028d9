"""Which UV map places an image in a material."""

from __future__ import annotations

import bpy

_OURS = "style_transfer_3d_uv_map"  # a node's property


def place_by(picture: bpy.types.ShaderNodeTexImage, uv_map: str) -> None:
    """Let the UV map of that name place what `picture`, a node of our own, shows.

    Empty stands for the active render one, which needs no node.
    """
    tree = picture.id_data
    assert isinstance(tree, bpy.types.NodeTree)
    assert picture.inputs
    vector = picture.inputs["Vector"]
    for link in list(vector.links or ()):
        if link.from_node and link.from_node.get(_OURS):
            tree.nodes.remove(link.from_node)
    if not uv_map:
        return
    node = tree.nodes.new("ShaderNodeUVMap")
    assert isinstance(node, bpy.types.ShaderNodeUVMap)
    assert node.outputs
    node.uv_map = uv_map
    node[_OURS] = True
    node.location = (picture.location.x - 200, picture.location.y)
    tree.links.new(node.outputs["UV"], vector)
