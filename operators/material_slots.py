"""The materials of objects, so that painting them paints nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from ..engine.errors import JobError

Place = tuple[bpy.types.Object, int]  # an object and the index of a material slot of its


@dataclass(frozen=True)
class Change:
    """A material of the objects' own was put into a slot.

    Attributes:
        obj: whose slot it is.
        slot: its index.
        material: what is in it now.
        before: what was in it at the same link, 'OBJECT' or 'DATA'.
        link: to where the slot was linked before.
    """

    obj: bpy.types.Object
    slot: int
    material: bpy.types.Material
    before: bpy.types.Material | None
    link: str


def slot_material(obj: bpy.types.Object, slot: int) -> bpy.types.Material | None:
    """The material in `slot` of `obj`; None if it is empty or there is no such slot."""
    return obj.material_slots[slot].material if slot < len(obj.material_slots) else None


def own_materials(places: Sequence[Place]) -> frozenset[bpy.types.ID]:
    """The materials in `places` that nothing else uses."""
    return _Mine.of(places).materials


def make_own(places: Sequence[Place]) -> list[Change]:
    """Give the slots in `places` materials that nothing else uses: copies of those that are shared.

    What they share among them they share afterwards.

    Returns:
        What was changed. An object without slots gets one.
    """
    for obj, _slot in places:
        assert isinstance(obj.data, bpy.types.Mesh)
        if not obj.material_slots:
            obj.data.materials.append(None)
    mine = _Mine.of(places)
    own: dict[bpy.types.Material | None, bpy.types.Material] = {}
    changes = []
    for obj, slot in places:
        material = slot_material(obj, slot)
        if slot < len(obj.material_slots) and material not in (*mine.materials, *own.values()):
            if material not in own:
                own[material] = _copy(obj, material)
            changes.append(_put(obj, slot, own[material], of_mesh=obj.data in mine.meshes))
    return changes


@dataclass(frozen=True)
class _Mine:
    """What some places use and nothing else does."""

    materials: frozenset[bpy.types.ID]
    meshes: frozenset[bpy.types.ID]

    @classmethod
    def of(cls, places: Sequence[Place]) -> _Mine:
        objects = {obj for obj, _slot in places}
        meshes = {obj.data for obj in objects if obj.data}
        materials = {m for obj, slot in places if (m := slot_material(obj, slot))}
        users = bpy.data.user_map(subset=[*meshes, *materials])
        own_meshes = {m for m in meshes if not m.library and users[m] <= objects}
        own_trees = _trees_of(users, materials, objects)
        own_materials = {
            m
            for m in materials
            if not m.library
            and not m.override_library
            and users[m] <= objects | own_meshes | own_trees
        }
        return cls(frozenset(own_materials), frozenset(own_meshes))


def check_nodes(places: Sequence[Place]) -> None:
    """Raise JobError for a material that a modifier's nodes set and that has to be copied.

    They would go on setting the one that is not painted.
    """
    nodes = [
        (obj, modifier, material)
        for obj, slot in places
        if (material := slot_material(obj, slot))
        for modifier in obj.modifiers
        if isinstance(modifier, bpy.types.NodesModifier)
    ]
    if not nodes:
        return
    mine = _Mine.of(places)
    users = bpy.data.user_map(subset={material for _obj, _modifier, material in nodes})
    for obj, modifier, material in nodes:
        if material not in mine.materials and modifier.node_group in users[material]:
            raise JobError(
                f"Object {obj.name!r}",
                f"its modifier {modifier.name!r} sets the material {material.name!r}, which is"
                " not its alone, so a copy that is painted would not be seen",
                "Make the material and the modifier's node group single-user, apply the modifier,"
                " or set Assign to Image Only",
            )


def _trees_of(
    users: dict[bpy.types.ID, set[bpy.types.ID]],
    materials: set[bpy.types.Material],
    objects: set[bpy.types.Object],
) -> set[bpy.types.ID]:
    """The geometry nodes among `users` of `materials` that none but `objects` have."""
    trees = {u for m in materials for u in users[m] if isinstance(u, bpy.types.GeometryNodeTree)}
    users_of = bpy.data.user_map(subset=trees) if trees else {}
    return {tree for tree in trees if users_of[tree] <= objects and not tree.library}


def undo(change: Change) -> None:
    """Put back what was in the slot; its material may be removed then."""
    if change.slot < len(change.obj.material_slots):
        slot = change.obj.material_slots[change.slot]
        if slot.material == change.material:
            slot.material = change.before
            slot.link = change.link  # type: ignore[assignment]


def _put(
    obj: bpy.types.Object, slot: int, material: bpy.types.Material, *, of_mesh: bool
) -> Change:
    """Put `material` into a slot, for all objects `of_mesh` or for `obj` alone."""
    place = obj.material_slots[slot]
    link = place.link
    if not of_mesh:
        place.link = "OBJECT"
    before = place.material
    place.material = material
    return Change(obj, slot, material, before, link)


def _copy(obj: bpy.types.Object, material: bpy.types.Material | None) -> bpy.types.Material:
    if material is not None:
        new = material.copy()
        # An override's copy is one too, and Blender does not save the nodes that it gets.
        return new.make_local(clear_liboverride=True) if new.override_library else new
    new = bpy.data.materials.new(f"{obj.name} style")
    if bpy.app.version < (5, 0, 0):  # from then on it has nodes in any case
        new.use_nodes = True
    return new
