"""Which objects a run paints, and why one cannot be painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import bpy

from ..engine.errors import JobError


@dataclass(frozen=True)
class Selection:
    """What is to be painted.

    Attributes:
        meshes: the mesh objects, the active one first.
        left_out: what else is selected, which has nothing to paint.
    """

    meshes: tuple[bpy.types.Object, ...]
    left_out: tuple[bpy.types.Object, ...]

    @property
    def name(self) -> str:
        """Such as `Cube`, or `Cube and 2 more`."""
        return _and_more(self.meshes)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the artist should know about what is left out."""
        if not self.left_out:
            return ()
        return (f"Object {_and_more(self.left_out)!r} is left out: only meshes can be painted",)


def selection(context: bpy.types.Context) -> Selection:
    """The selected meshes; the active object alone where no mesh is selected.

    Raises:
        JobError: if there is no mesh among them, or one cannot be painted.
    """
    active = context.object
    chosen = sorted(context.selected_objects, key=lambda obj: obj != active)
    meshes = tuple(obj for obj in chosen if obj.type == "MESH")
    if not meshes:
        return Selection((paintable(active),), ())
    for obj in meshes:
        paintable(obj)
    return Selection(meshes, tuple(obj for obj in chosen if obj.type != "MESH"))


def paintable(obj: bpy.types.Object | None) -> bpy.types.Object:
    """`obj` itself; raises JobError if it cannot be painted, or not in the mode that it is in."""
    if why := refusal(obj):
        raise why
    assert obj
    _check_mode(obj)
    return obj


def refusal(obj: bpy.types.Object | None) -> JobError | None:
    """Why `obj` cannot be painted in any mode; None if it can."""
    if obj is None:
        return JobError("Object", "none is active", "Select a mesh object")
    what = f"Object {obj.name!r}"
    if obj.type != "MESH":
        return JobError(what, f"it is no mesh but a {obj.type.lower()}", "Select a mesh object")
    if obj.library:
        return JobError(
            what,
            _read_only(obj.library),
            "Make it local (Object > Relations > Make Local) or its own version of it (Object >"
            " Library Override > Make)",
        )
    if obj.data and obj.data.library and not obj.material_slots:
        return JobError(
            f"Mesh {obj.data.name!r} of {obj.name!r}",
            f"{_read_only(obj.data.library)}, and has no material slot for the paint",
            "Make it local (Object > Relations > Make Local > Selected Objects and Data)",
        )
    return None


def _check_mode(obj: bpy.types.Object) -> None:
    """Raise JobError if Blender does not tell all faces of `obj` in the mode that it is in."""
    if obj.mode == "SCULPT" and any(
        isinstance(modifier, bpy.types.MultiresModifier)
        and modifier.show_viewport
        and (modifier.levels or modifier.sculpt_levels)
        for modifier in obj.modifiers
    ):
        raise JobError(
            f"Object {obj.name!r}",
            "it is in Sculpt Mode, where Blender gives away no face that its Multiresolution makes",
            "Leave Sculpt Mode",
        )


def _read_only(library: bpy.types.Library) -> str:
    return f"it is linked from another file {PurePath(library.filepath).name!r} and read-only"


def _and_more(objects: Sequence[bpy.types.Object]) -> str:
    more = len(objects) - 1
    return f"{objects[0].name} and {more} more" if more else objects[0].name
