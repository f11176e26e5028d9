"""Our Image Texture node in a material: plugged in, found again, taken out."""

from __future__ import annotations

import json
from typing import Any

import bpy

from .uv_node import place_by

_RECORD = "style_transfer_3d"  # a node's property: what was there before it


def plug_in(
    socket: bpy.types.NodeSocket, image: bpy.types.Image, *, uv_map: str
) -> bpy.types.ShaderNodeTexImage:
    """Feed `socket` from a new node that shows `image` by `uv_map`, below what is there.

    An empty `uv_map` stands for the active render one.

    The node is the active one, which Solid shading and texture painting show, and remembers
    what it displaced.
    """
    tree = socket.id_data
    assert isinstance(tree, bpy.types.NodeTree)
    assert socket.node
    lowest = min(node.location.y for node in tree.nodes)
    record: dict[str, Any] = {
        "active": tree.nodes.active.name if tree.nodes.active else None,
        "link": None,
    }
    for link in socket.links or ():
        assert link.from_node
        assert link.from_socket
        record["link"] = [link.from_node.name, link.from_socket.identifier, link.is_muted]
    node = tree.nodes.new("ShaderNodeTexImage")
    assert isinstance(node, bpy.types.ShaderNodeTexImage)
    assert node.outputs
    node.image = image
    node.location = (socket.node.location.x - 300, lowest - 300)
    node[_RECORD] = json.dumps(record)
    tree.links.new(node.outputs["Color"], socket)
    place_by(node, uv_map)
    tree.nodes.active = node
    return node


def take_out(node: bpy.types.Node) -> None:
    """Remove `node`; what it displaced comes back wherever the node still is in use."""
    tree = node.id_data
    assert isinstance(tree, bpy.types.NodeTree)
    assert node.outputs
    record = json.loads(node[_RECORD])
    before = displaced(node)
    for link in list(node.outputs["Color"].links or ()):
        assert link.to_socket
        if before:
            tree.links.new(before, link.to_socket).is_muted = record["link"][2]
    if tree.nodes.active == node and record["active"] in tree.nodes:
        tree.nodes.active = tree.nodes[record["active"]]
    assert isinstance(node, bpy.types.ShaderNodeTexImage)
    place_by(node, "")
    tree.nodes.remove(node)


def displaced(node: bpy.types.Node) -> bpy.types.NodeSocket | None:
    """The output that fed the socket before `node` did; None if nothing did or it is gone."""
    link = json.loads(node[_RECORD])["link"]
    tree = node.id_data
    assert isinstance(tree, bpy.types.NodeTree)
    other = tree.nodes.get(link[0]) if link else None
    if not other or not other.outputs:
        return None
    return next((output for output in other.outputs if output.identifier == link[1]), None)


def fed_before(node: bpy.types.Node) -> bpy.types.NodeSocket | None:
    """As `displaced`, but None if that link was muted."""
    link = json.loads(node[_RECORD])["link"]
    return displaced(node) if link and not link[2] else None


def is_ours(node: bpy.types.Node | None) -> bool:
    """Whether `plug_in` made `node`."""
    return node is not None and node.get(_RECORD) is not None
