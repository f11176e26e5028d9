"""A material that emits its surface's color, so that a bake sees that and no light."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .paint_node import is_ours, take_out
from .surface_color import (
    color_input,
    color_places,
    group_output,
    is_coat,
    mixed_inputs,
    outputs,
)


def surface_copy(material: bpy.types.Material, made: list[bpy.types.ID]) -> bpy.types.Material:
    """`material` as it was before we painted it, for nothing but its surface."""
    own = material.copy()
    made.append(own)
    assert own.node_tree
    output = next(iter(outputs(own.node_tree)), None)
    for node in reversed(list(own.node_tree.nodes)):  # the last paint first
        if is_ours(node):
            take_out(node)
        elif isinstance(node, bpy.types.ShaderNodeOutputMaterial) and node != output:
            own.node_tree.nodes.remove(node)
    if isinstance(output, bpy.types.ShaderNodeOutputMaterial):
        output.target = "ALL"
        assert output.inputs
        for name in ("Volume", "Displacement"):
            for link in list(output.inputs[name].links or ()):
                own.node_tree.links.remove(link)
    return own


def let_glow(own: bpy.types.Material, made: list[bpy.types.ID]) -> list[bpy.types.Image]:
    """Let the surface of `own` emit its color; returns the images that the color is made of."""
    places = color_places(own)
    coats = any(is_coat(place.socket.node) for place in places)
    assert own.node_tree
    surface = outputs(own.node_tree)[0].inputs["Surface"]
    glow = _Glow({}, made, coats=coats).of(surface)
    assert glow
    own.node_tree.links.new(glow, surface)
    return list(dict.fromkeys(_images([glow.node])))


@dataclass(frozen=True)
class _Glow:
    """Turns shaders into emissions of their colors, in place.

    Attributes:
        done: by node, the output that now emits; None where there is no color.
        made: gets the copies of node groups.
        coats: whether coats count, for there is nothing else.
    """

    done: dict[bpy.types.Node, bpy.types.NodeSocket | None]
    made: list[bpy.types.ID]
    coats: bool

    def of(self, socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
        """The output that emits the color of what feeds `socket`; None if that has none."""
        if not socket.links or socket.links[0].is_muted:
            return None
        output = socket.links[0].from_socket
        node = output.node if output else None
        assert output
        assert node
        if node.mute:
            links = [link for link in node.internal_links if link.to_socket == output]
            return self.of(links[0].from_socket) if links and links[0].from_socket else None
        if isinstance(node, bpy.types.NodeReroute):
            return self.of(node.inputs[0])
        if output.type != "SHADER" or isinstance(node, bpy.types.NodeGroupInput):
            return output
        if node not in self.done:
            self.done[node] = self._node(node, output)
        return self.done[node]

    def _node(
        self, node: bpy.types.Node, output: bpy.types.NodeSocket
    ) -> bpy.types.NodeSocket | None:
        tree = node.id_data
        assert isinstance(tree, bpy.types.NodeTree)
        if mixed := mixed_inputs(node):
            glows = [(glow, socket) for socket in mixed if (glow := self.of(socket))]
            if len(glows) == 1:  # the other one is a hole or a coat
                return glows[0][0]
            for glow, socket in glows:
                tree.links.new(glow, socket)
            return output if glows else None
        if isinstance(node, bpy.types.ShaderNodeGroup):
            return self._group(node, output)
        color: Any = color_input(node)
        if color is None or (is_coat(node) and not self.coats):
            return None
        emission: Any = tree.nodes.new("ShaderNodeEmission")
        emission.inputs["Color"].default_value = color.default_value
        if color.links and not color.links[0].is_muted:
            tree.links.new(color.links[0].from_socket, emission.inputs["Color"])
        return emission.outputs["Emission"]

    def _group(
        self, node: bpy.types.ShaderNodeGroup, output: bpy.types.NodeSocket
    ) -> bpy.types.NodeSocket | None:
        if not node.node_tree:
            return None
        tree = node.id_data
        assert isinstance(tree, bpy.types.NodeTree)
        assert node.inputs
        for socket in [socket for socket in node.inputs if socket.type == "SHADER"]:
            if glow := self.of(socket):
                tree.links.new(glow, socket)
        node.node_tree = node.node_tree.copy()
        self.made.append(node.node_tree)
        end = group_output(node)
        if not end:
            return None
        assert end.inputs
        for socket in [socket for socket in end.inputs if socket.type == "SHADER"]:
            if glow := self.of(socket):
                node.node_tree.links.new(glow, socket)
        return output


def _images(nodes: list[bpy.types.Node | None]) -> Iterator[bpy.types.Image]:
    """The images of all nodes that lead to `nodes`, in node groups too."""
    seen: set[bpy.types.Node] = set()
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(node, bpy.types.ShaderNodeTexImage | bpy.types.ShaderNodeTexEnvironment):
            if node.image:
                yield node.image
        elif isinstance(node, bpy.types.ShaderNodeGroup):
            nodes.append(group_output(node))
        for socket in node.inputs or ():
            nodes.extend(link.from_node for link in socket.links or () if not link.is_muted)
