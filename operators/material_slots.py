"""The materials of one object, so that painting it paints nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy


@dataclass(frozen=True)
class Change:
    """A material of the object's own was put into a slot.

    Attributes:
        slot: its index.
        material: what is in it now.
        before: what was in it at the same link, 'OBJECT' or 'DATA'.
        link: to where the slot was linked before.
    """

    slot: int
    material: bpy.types.Material
    before: bpy.types.Material | None
    link: str


def slot_material(obj: bpy.types.Object, slot: int) -> bpy.types.Material | None:
    """The material in `slot` of `obj`; None if it is empty or there is no such slot."""
    return obj.material_slots[slot].material if slot < len(obj.material_slots) else None


def make_own(obj: bpy.types.Object, slots: Sequence[int]) -> list[Change]:
    """Give `obj` a material of its own in each of `slots` where it has none or shares it.

    Returns:
        What was changed. An object without slots gets one.
    """
    assert isinstance(obj.data, bpy.types.Mesh)
    if not obj.material_slots:
        obj.data.materials.append(None)
    own: dict[bpy.types.Material | None, bpy.types.Material] = {}
    changes = []
    for slot in slots:
        material = slot_material(obj, slot)
        if slot < len(obj.material_slots) and not _is_own(obj, material):
            if material not in own:
                own[material] = _copy(obj, material)
            changes.append(_put(obj, slot, own[material]))
    return changes


def undo(obj: bpy.types.Object, change: Change) -> None:
    """Put back what was in the slot; its material may be removed then."""
    if change.slot < len(obj.material_slots):
        slot = obj.material_slots[change.slot]
        if slot.material == change.material:
            slot.material = change.before
            slot.link = change.link  # type: ignore[assignment]


def _put(obj: bpy.types.Object, slot: int, material: bpy.types.Material) -> Change:
    """Put `material` into a slot of `obj`, not of the other objects that share its mesh."""
    place = obj.material_slots[slot]
    link = place.link
    if not _owns_mesh(obj):
        place.link = "OBJECT"
    before = place.material
    place.material = material
    return Change(slot, material, before, link)


def _copy(obj: bpy.types.Object, material: bpy.types.Material | None) -> bpy.types.Material:
    if material is not None:
        return material.copy()
    new = bpy.data.materials.new(f"{obj.name} style")
    if bpy.app.version < (5, 0, 0):  # from then on it has nodes in any case
        new.use_nodes = True
    return new


def _is_own(obj: bpy.types.Object, material: bpy.types.Material | None) -> bool:
    if material is None or material.library:
        return False
    mine = {obj} | ({obj.data} if _owns_mesh(obj) else set())
    return not _users(material) - mine


def _owns_mesh(obj: bpy.types.Object) -> bool:
    assert obj.data
    return not obj.data.library and not _users(obj.data) - {obj}


def _users(data: bpy.types.ID) -> set[bpy.types.ID]:
    return bpy.data.user_map(subset=[data])[data]
