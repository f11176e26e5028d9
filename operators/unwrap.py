"""object.style_transfer_unwrap: a UV map for a mesh that has none, and nothing else changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import radians
from typing import Any

import bpy
import numpy as np

from ..engine.errors import JobError
from . import selection
from .mesh_arrays import read
from .running import Run

NAME = "Style"
_ANGLE = radians(66)  # Blender's own for a Smart UV Project
_MARGIN = 0.005  # between islands; at 1024 texels they are some five apart


class OBJECT_OT_style_transfer_unwrap(bpy.types.Operator):
    """Smart UV Project of all faces, from any mode."""

    bl_idname = "object.style_transfer_unwrap"
    bl_label = "Unwrap"
    bl_description = (
        "Give the active mesh a new UV map by Smart UV Project. Its other UV maps, its mode and "
        "its selection stay"
    )
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - as Blender wants it

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object can get a UV map; tells the artist why not."""
        why = refusal(context.object)
        if why:
            cls.poll_message_set(str(why))
        return why is None

    def execute(self, context: bpy.types.Context) -> set[Any]:
        """Unwrap a copy and take its UVs over."""
        obj = context.object
        assert obj
        mesh = obj.data
        assert isinstance(mesh, bpy.types.Mesh)
        try:
            with _in_object_mode(context):
                if not len(mesh.polygons):
                    what = f"Mesh of {obj.name!r}"
                    raise JobError(what, "it has no faces", "Choose a mesh with faces")
                uvs = _unwrapped(context, mesh, np.array(obj.matrix_world.to_scale()))
                layer = mesh.uv_layers.new(name=NAME, do_init=False)
                layer.uv.foreach_set("vector", uvs)
                layer.active_render = True
        except JobError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def refusal(obj: bpy.types.Object | None) -> JobError | None:
    """Why `obj` cannot get a new UV map; None if it can."""
    why = selection.refusal(obj)
    if why:
        return why
    assert obj
    assert isinstance(obj.data, bpy.types.Mesh)
    what = f"Mesh of {obj.name!r}"
    if obj.data.library:
        cure = "Make it local (Object > Relations > Make Local > Selected Objects and Data)"
        return JobError(what, "it is linked from another file", cure)
    if len(obj.data.uv_layers) >= 8:
        return JobError(what, "it has 8 UV maps, which is all that Blender allows", "Remove one")
    if Run.current:
        return JobError(what, "a mesh is being painted at the moment", "Wait until it is done")
    return None


@contextmanager
def _in_object_mode(context: bpy.types.Context) -> Iterator[None]:
    """Leave the mode that the artist is in, and come back to it, with all that is selected."""
    layer = context.view_layer
    assert layer
    active = layer.objects.active  # not always what is unwrapped
    mode = active.mode if active else "OBJECT"
    together = [o for o in layer.objects if o.mode == mode]
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    selected = [o for o in layer.objects if o.select_get()]
    try:
        yield
    finally:
        if mode != "OBJECT":
            _select(layer, together, active)
            bpy.ops.object.mode_set(mode=mode)
        _select(layer, selected, active)


def _select(
    layer: bpy.types.ViewLayer, objects: list[bpy.types.Object], active: bpy.types.Object | None
) -> None:
    for one in layer.objects:
        one.select_set(one in objects)
    layer.objects.active = active


def _unwrapped(context: bpy.types.Context, mesh: bpy.types.Mesh, scale: np.ndarray) -> np.ndarray:
    """New UVs for the corners of `mesh`, float32 (2 * corners,), which itself is left alone.

    What is unwrapped is a bare copy, as large as the object is by its `scale` (3,): no hidden
    face is left out, no selection is touched, no texel is long.
    """
    assert context.view_layer
    assert context.scene
    copy = _bare_copy(mesh)
    if scale.all():
        places = read(copy.vertices, "co", np.float32, (len(copy.vertices), 3)) * np.abs(scale)
        copy.vertices.foreach_set("co", places.astype(np.float32).reshape(-1))
    stand_in = bpy.data.objects.new(copy.name, copy)
    try:
        context.scene.collection.objects.link(stand_in)
        _select(context.view_layer, [stand_in], stand_in)
        # Without an area neither a local view nor the UV editor's own selection matters.
        with context.temp_override(area=None, region=None):
            bpy.ops.object.mode_set(mode="EDIT")
            bpy.ops.mesh.select_all(action="SELECT")
            bpy.ops.uv.smart_project(angle_limit=_ANGLE, island_margin=_MARGIN)
            bpy.ops.object.mode_set(mode="OBJECT")
        return read(copy.uv_layers[0].uv, "vector", np.float32, (2 * len(mesh.loops),))
    finally:
        bpy.data.objects.remove(stand_in)
        bpy.data.meshes.remove(copy)
        context.view_layer.update()  # it still lists the removed object


def _bare_copy(mesh: bpy.types.Mesh) -> bpy.types.Mesh:
    """The vertices and faces of `mesh`, with its corners in their order, and nothing else."""
    copy = bpy.data.meshes.new(NAME)
    copy.vertices.add(len(mesh.vertices))
    copy.loops.add(len(mesh.loops))
    copy.polygons.add(len(mesh.polygons))
    for collection, name, kind, width in (
        ("vertices", "co", np.float32, 3),
        ("loops", "vertex_index", np.int32, 1),
        ("polygons", "loop_start", np.int32, 1),
    ):
        count = len(getattr(mesh, collection)) * width
        values = read(getattr(mesh, collection), name, kind, (count,))
        getattr(copy, collection).foreach_set(name, values)
    copy.update(calc_edges=True)
    return copy


def register() -> None:
    """Make the operator known to Blender."""
    bpy.utils.register_class(OBJECT_OT_style_transfer_unwrap)


def unregister() -> None:
    """Take the operator back."""
    bpy.utils.unregister_class(OBJECT_OT_style_transfer_unwrap)
