"""Where a surface takes its color from: from a material's output back through its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ..engine.errors import JobError
from .node_trees import all_nodes
from .paint_node import fed_before, is_ours

Groups = tuple[bpy.types.Node, ...]  # the node groups that a socket is in, the outermost first
# What lies on a surface, or is a hole in it: where there is another shader, that has the color.
_COATS = {
    "ShaderNodeBsdfGlossy", "ShaderNodeBsdfAnisotropic", "ShaderNodeBsdfGlass",
    "ShaderNodeBsdfRefraction", "ShaderNodeBsdfSheen", "ShaderNodeBsdfVelvet",
    "ShaderNodeBsdfRayPortal",
}  # fmt: skip
_HOLES = {"ShaderNodeBsdfTransparent", "ShaderNodeHoldout"}


@dataclass(frozen=True)
class Place:
    """An input of a node.

    Attributes:
        socket: the input.
        groups: the node groups that it is in, the outermost first.
    """

    socket: bpy.types.NodeSocket
    groups: Groups = ()


@dataclass(frozen=True)
class End:
    """What an input gets in the end.

    Attributes:
        output: what feeds it; None if nothing does.
        place: the last input on the way, whose own value counts if nothing feeds it.
    """

    output: bpy.types.NodeSocket | None
    place: Place


def has_nodes(material: bpy.types.Material) -> bool:
    """Whether the material is rendered by its nodes; from Blender 5.0 on every one is."""
    always = bpy.app.version >= (5, 0, 0)
    return material.node_tree is not None and (always or material.use_nodes)


def color_sockets(material: bpy.types.Material) -> list[bpy.types.NodeSocket]:
    """The inputs of the material's own nodes that give its surface its color, at least one.

    Base Color of a Principled BSDF, Color of another shader, the input of a node group that
    leads to one; several where shaders are mixed.

    Raises:
        JobError: if there is none, or it is in a node group where no input leads to it.
    """
    return list(dict.fromkeys(_outermost(material, place) for place in color_places(material)))


def color_places(material: bpy.types.Material) -> list[Place]:
    """The inputs of shaders, in node groups too, that give the surface its color, at least one.

    Raises:
        JobError: if there is none.
    """
    assert material.node_tree
    surfaces = [Place(output.inputs["Surface"]) for output in outputs(material.node_tree)]
    found = [place for surface in surfaces for place in _colors(surface)]
    plain = [place for place in found if not is_coat(place.socket.node)]
    if not found:
        raise JobError(
            f"Material {material.name!r}",
            "no shader with a color feeds its output",
            "Connect a Principled BSDF to the Surface of the active Material Output, or choose"
            " another material",
        )
    return list(dict.fromkeys(plain or found))


def outputs(tree: bpy.types.ShaderNodeTree) -> list[bpy.types.ShaderNode]:
    """The Material Outputs that renderers take, Cycles' first: one, unless they have their own."""
    found = (tree.get_output_node(target) for target in ("CYCLES", "EEVEE", "ALL"))
    return list(dict.fromkeys(node for node in found if node))


def is_coat(node: bpy.types.Node | None) -> bool:
    """Whether `node` is a shader that lies on a surface, such as Glossy or Glass."""
    return node is not None and node.bl_idname in _COATS


def color_input(node: bpy.types.Node) -> bpy.types.NodeSocket | None:
    """The input of a shader that is its color; None for holes and for what has none."""
    if node.bl_idname in _HOLES or not node.inputs:
        return None
    return node.inputs.get("Base Color") or node.inputs.get("Color")


def mixed_inputs(node: bpy.types.Node) -> tuple[bpy.types.NodeSocket, ...]:
    """The shaders that go into `node`; none if it mixes nothing."""
    if node.bl_idname not in {"ShaderNodeMixShader", "ShaderNodeAddShader"}:
        return ()
    assert node.inputs
    return tuple(socket for socket in node.inputs if socket.type == "SHADER")


def group_output(group: bpy.types.ShaderNodeGroup) -> bpy.types.Node | None:
    """The node in `group` that its outputs come from."""
    nodes = group.node_tree.nodes if group.node_tree else ()
    ends = [node for node in nodes if isinstance(node, bpy.types.NodeGroupOutput)]
    return next((node for node in ends if node.is_active_output), None)


def images(tree: bpy.types.NodeTree) -> Iterator[bpy.types.Image]:
    """The images of the Image Texture nodes in use in a material's `tree`, in node groups too."""
    for node in all_nodes(tree):
        if not isinstance(node, bpy.types.ShaderNodeTexImage) or not node.image:
            continue
        if any(output.is_linked for output in node.outputs or ()):
            yield node.image


def trace(place: Place) -> End:
    """Follow what feeds an input, as it was before we painted, to where it is made.

    Through reroutes, muted nodes, and into and out of node groups.
    """
    while True:
        output = _link_before_paint(place.socket)
        further = _further(output, place.groups) if output else None
        if not further:
            return End(output, place)
        place = further


def source(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """The output that feeds `socket`, directly or through reroutes; None if it is not linked."""
    while socket.links and not socket.links[0].is_muted:
        output = socket.links[0].from_socket
        assert output
        if not isinstance(output.node, bpy.types.NodeReroute):
            return output
        socket = output.node.inputs[0]
    return None


def _colors(place: Place) -> Iterator[Place]:
    end = trace(place)
    node = end.output.node if end.output else None
    if end.output is None or node is None:
        return
    if end.output.type != "SHADER":  # Blender lets such a surface glow in that color
        yield place
    elif mixed := mixed_inputs(node):
        for socket in mixed:
            yield from _colors(Place(socket, end.place.groups))
    elif color := color_input(node):
        yield Place(color, end.place.groups)


def _outermost(material: bpy.types.Material, place: Place) -> bpy.types.NodeSocket:
    """The input of the outermost group that leads to `place`."""
    socket = place.socket
    for group in reversed(place.groups):
        output = source(socket)
        if not output or not isinstance(output.node, bpy.types.NodeGroupInput):
            raise JobError(
                f"Material {material.name!r}",
                f"its color is set inside of the node group {_tree_name(group)!r}",
                "Give the group an input for it, ungroup it, or set Assign to Image Only",
            )
        socket = _same(group.inputs, output)
    return socket


def _tree_name(group: bpy.types.Node) -> str:
    assert isinstance(group, bpy.types.ShaderNodeGroup)
    return group.node_tree.name if group.node_tree else ""


def _link_before_paint(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    output = None
    if socket.links and not socket.links[0].is_muted:
        output = socket.links[0].from_socket
    while output and output.node and is_ours(output.node):
        output = fed_before(output.node)
    return output


def _further(output: bpy.types.NodeSocket, groups: Groups) -> Place | None:
    """The input that gives `output` what it has; None if it is made there."""
    node = output.node
    assert node
    if node.mute:
        links = [link for link in node.internal_links if link.to_socket == output]
        return Place(links[0].from_socket, groups) if links and links[0].from_socket else None
    if isinstance(node, bpy.types.NodeReroute):
        return Place(node.inputs[0], groups)
    if isinstance(node, bpy.types.NodeGroupInput) and groups:
        return Place(_same(groups[-1].inputs, output), groups[:-1])
    if isinstance(node, bpy.types.ShaderNodeGroup) and node.node_tree:
        end = group_output(node)
        return Place(_same(end.inputs, output), (*groups, node)) if end else None
    return None


def _same(
    inputs: bpy.types.bpy_prop_collection | None, output: bpy.types.NodeSocket
) -> bpy.types.NodeSocket:
    """The one of `inputs` that a node group has for `output`."""
    assert inputs
    return next(socket for socket in inputs if socket.identifier == output.identifier)
