"""The relief in a material: our nodes that feed Normal, put in with what was there before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from .uv_node import place_by

_MARK = "style_transfer_3d_relief"  # a node's property: it is part of a relief
_COLUMN = 220  # between two nodes side by side


@dataclass(frozen=True)
class ReliefLook:
    """How a relief is shown.

    Attributes:
        kind: BUMP or NORMAL, what the image holds.
        strength: 0 flat, 1 as high as it is.
        height: of a bump map's white over its black, world units.
        uv_map: name of the UV map that places it; empty for the active render one.
    """

    kind: str
    strength: float
    height: float
    uv_map: str = ""


def plug_in(socket: bpy.types.NodeSocket, image: bpy.types.Image, look: ReliefLook) -> None:
    """Let `socket`, a shader's Normal, show the relief `image` on top of what feeds it."""
    tree = socket.id_data
    assert isinstance(tree, bpy.types.NodeTree)
    assert socket.node
    active = tree.nodes.active
    before = _link(socket)
    corner = (socket.node.location.x, min(node.location.y for node in tree.nodes) - 300)

    def place(kind: str, columns: int) -> Any:
        node = tree.nodes.new(kind)
        node.location = (corner[0] - columns * _COLUMN, corner[1])
        node[_MARK] = True
        return node

    picture = place("ShaderNodeTexImage", 5)
    picture.image = image
    place_by(picture, look.uv_map)
    shape = _bump if look.kind == "BUMP" else _normal_map
    normal, below = shape(place, picture, look)
    if before and below is None and not before.is_muted:
        normal, below = _sum(place, normal)
    if before and below:
        assert before.from_socket
        tree.links.new(before.from_socket, below).is_muted = before.is_muted
    tree.links.new(normal, socket)
    tree.nodes.active = active


def take_out(socket: bpy.types.NodeSocket, *, remove: bool) -> set[bpy.types.Image]:
    """Give `socket`, a shader's Normal, back what fed it before our relief, if there is one.

    Args:
        socket: the same as for `plug_in`.
        remove: whether the relief's nodes go, too.

    Returns:
        The images that the removed nodes showed.
    """
    tree = socket.id_data
    assert isinstance(tree, bpy.types.NodeTree)
    nodes = _ours(socket)
    below = next((entry for node in nodes if (entry := _entry(node))), None)
    before = _link(below) if below else None
    if before:
        assert before.from_socket
        tree.links.new(before.from_socket, socket).is_muted = before.is_muted
    elif nodes:
        for link in list(socket.links or ()):
            tree.links.remove(link)
    images = set()
    for node in nodes if remove else ():
        if isinstance(node, bpy.types.ShaderNodeTexImage):
            place_by(node, "")
            if node.image:
                images.add(node.image)
        tree.nodes.remove(node)
    return images


_Place = Callable[[str, int], Any]  # a new node of a kind, so many columns to the left
_Ends = tuple[bpy.types.NodeSocket, bpy.types.NodeSocket | None]  # normal, where one goes in below


def _bump(place: _Place, picture: bpy.types.Node, look: ReliefLook) -> _Ends:
    node = place("ShaderNodeBump", 1)
    node.inputs["Strength"].default_value = look.strength
    node.inputs["Distance"].default_value = look.height
    node.id_data.links.new(picture.outputs["Color"], node.inputs["Height"])
    return node.outputs["Normal"], node.inputs["Normal"]


def _normal_map(place: _Place, picture: bpy.types.Node, look: ReliefLook) -> _Ends:
    node = place("ShaderNodeNormalMap", 4)
    node.uv_map = look.uv_map
    node.inputs["Strength"].default_value = look.strength
    node.id_data.links.new(picture.outputs["Color"], node.inputs["Color"])
    return node.outputs["Normal"], None


def _sum(place: _Place, normal: bpy.types.NodeSocket) -> _Ends:
    """Another normal, by so much turned as `normal` is from the surface's."""
    surface = place("ShaderNodeNewGeometry", 4)
    surface.location.y -= 200
    links = surface.id_data.links
    turn, both, unit = (
        _math(place, operation, columns)
        for operation, columns in (("SUBTRACT", 3), ("ADD", 2), ("NORMALIZE", 1))
    )
    links.new(normal, turn.inputs[0])
    links.new(surface.outputs["Normal"], turn.inputs[1])
    links.new(turn.outputs[0], both.inputs[1])
    links.new(both.outputs[0], unit.inputs[0])
    return unit.outputs[0], both.inputs[0]


def _math(place: _Place, operation: str, columns: int) -> Any:
    node = place("ShaderNodeVectorMath", columns)
    node.operation = operation
    return node


def _entry(node: Any) -> Any:
    """Where the artist's normal goes into one of our nodes."""
    if node.bl_idname == "ShaderNodeBump":
        return node.inputs["Normal"]
    if node.bl_idname == "ShaderNodeVectorMath" and node.operation == "ADD":
        return node.inputs[0]
    return None


def _ours(socket: bpy.types.NodeSocket) -> list[bpy.types.Node]:
    """The nodes of the relief that feeds `socket`; none if the artist's own come first."""
    found: list[bpy.types.Node] = []
    sockets = [socket]
    while sockets:
        link = _link(sockets.pop())
        node = link.from_node if link else None
        if node and node.get(_MARK) and node not in found:
            found.append(node)
            # What goes in below is the artist's, or another relief that the artist put there.
            sockets += [entry for entry in node.inputs if entry != _entry(node)]
    return found


def _link(socket: bpy.types.NodeSocket) -> bpy.types.NodeLink | None:
    return socket.links[0] if socket.links else None
