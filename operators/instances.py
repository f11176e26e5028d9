"""Instances that modifiers make: they are no faces of the mesh, and are not painted."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..engine.errors import JobError

_CURE = "add a Realize Instances node at the end"


def instancers(
    objects: Sequence[bpy.types.Object], depsgraph: bpy.types.Depsgraph
) -> list[bpy.types.Object]:
    """Those of `objects` whose Geometry Nodes make instances."""
    able = [obj for obj in objects if _may_make_instances(obj)]
    if not able:
        return []
    parents = {
        instance.parent.original
        for instance in depsgraph.object_instances
        if instance.is_instance and instance.parent and not instance.particle_system
    }
    return [obj for obj in able if obj in parents]


def check_faces(
    obj: bpy.types.Object, data: bpy.types.Mesh, depsgraph: bpy.types.Depsgraph
) -> None:
    """Raise JobError, naming `obj`, unless its evaluated mesh `data` has faces."""
    if len(data.polygons):
        return
    what = f"Mesh of {obj.name!r}"
    if instancers([obj], depsgraph):
        cure = f"To paint them, {_CURE} of its Geometry Nodes"
        raise JobError(what, "its modifiers leave only instances, and no faces", cure)
    raise JobError(what, "it has no faces", "Choose a mesh with faces")


def instance_warnings(
    objects: Sequence[bpy.types.Object], depsgraph: bpy.types.Depsgraph
) -> list[str]:
    """A sentence if some of `objects` show instances beside the faces that are painted."""
    names = " and ".join(repr(obj.name) for obj in instancers(objects, depsgraph))
    text = f"Instances that the Geometry Nodes of {names} make are left out: to paint them, {_CURE}"
    return [text] if names else []


def _may_make_instances(obj: bpy.types.Object) -> bool:
    """Whether the instances that `obj` has, if any, come from its Geometry Nodes."""
    return obj.instance_type == "NONE" and any(
        isinstance(modifier, bpy.types.NodesModifier) and modifier.show_viewport
        for modifier in obj.modifiers
    )
