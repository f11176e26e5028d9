"""Why nothing can be painted as things stand, and the button that mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import bmesh
import bpy

from ..engine.errors import JobError
from ..engine.job import Style
from ..operators import engine_python, install, on_image, read_views, settings
from ..operators.request import absolute, read_request
from ..operators.selection import selection
from ..operators.stylize_image import shown_image
from ..operators.task import Task
from . import preferences


@dataclass(frozen=True)
class Problem:
    """What is in the way.

    Attributes:
        error: what is wrong, why, and what to do about it.
        draw_cure: draws what mends it; None if no button can.
    """

    error: JobError
    draw_cure: Callable[[bpy.types.UILayout], None] | None = None


def problem(context: bpy.types.Context) -> Problem | None:
    """The first thing that is in the way of painting what is selected; None if none is known.

    Asks for what is quick to know, so that a panel may call it whenever it is drawn: no pixel,
    no face and no process is looked at.
    """
    return (
        _engine_problem()
        or _object_problem(context)
        or _settings_problem(context)
        or _camera_problem(context)
    )


def image_problem(context: bpy.types.Context) -> Problem | None:
    """As `problem`, of painting the image that the Image Editor shows."""
    refusal = on_image.refusal(shown_image(context))
    return _engine_problem() or (Problem(refusal) if refusal else _settings_problem(context))


def _engine_problem() -> Problem | None:
    try:
        engine_python.find()
    except engine_python.NotInstalled as error:
        installing = JobError("PyTorch", "it is being installed", "Go on with other work meanwhile")
        return Problem(installing if Task.is_going(install.INSTALL) else error, _draw_install)
    except JobError as error:
        return Problem(error, _draw_preferences)
    return None


def _object_problem(context: bpy.types.Context) -> Problem | None:
    try:
        chosen = selection(context)
    except JobError as error:
        return Problem(error)
    problems = (_mesh_problem(obj, context) for obj in chosen.meshes)
    return next((found for found in problems if found), None)


def _mesh_problem(obj: bpy.types.Object, context: bpy.types.Context) -> Problem | None:
    faces, uv_maps = _counts(obj, context)
    what = f"Mesh of {obj.name!r}"
    if not faces:
        cure = "Select a mesh with faces"
        if any(isinstance(modifier, bpy.types.NodesModifier) for modifier in obj.modifiers):
            cure += ", or add a Realize Instances node if its Geometry Nodes make instances"
        return Problem(JobError(what, "it has no faces", cure))
    if not uv_maps:
        cure = "Unwrap it: the paint needs a place on a picture for every face"
        return Problem(JobError(what, "it has no UV map", cure), partial(_draw_unwrap, obj))
    return None


def _counts(obj: bpy.types.Object, context: bpy.types.Context) -> tuple[int, int]:
    """How many faces and UV maps `obj` has, before or after its modifiers."""
    mesh = obj.data
    assert isinstance(mesh, bpy.types.Mesh)
    if mesh.is_editmode:
        edited = bmesh.from_edit_mesh(mesh)
        return len(edited.faces), len(edited.loops.layers.uv)
    counts = [(len(mesh.polygons), len(mesh.uv_layers))]
    if obj.modifiers and context.view_layer and context.view_layer.depsgraph:
        evaluated = obj.evaluated_get(context.view_layer.depsgraph).data
        if isinstance(evaluated, bpy.types.Mesh):
            counts.append((len(evaluated.polygons), len(evaluated.uv_layers)))
    return max(faces for faces, _maps in counts), max(maps for _faces, maps in counts)


def _settings_problem(context: bpy.types.Context) -> Problem | None:
    scene = context.scene
    assert scene
    group = getattr(scene, settings.SCENE_PROPERTY)
    if not group.style:
        cure = "Choose the picture to paint in the style of"
        return Problem(JobError("Style picture", "none is chosen", cure), _draw_choose)
    try:
        Style(absolute(group.style, "Style picture")).validate()
    except JobError as error:
        return Problem(error, _draw_choose)
    try:
        read_request(None, scene)
    except JobError as error:
        return Problem(error)
    return None


def _camera_problem(context: bpy.types.Context) -> Problem | None:
    scene, group = context.scene, _group()
    assert scene
    if group.views == "CAMERAS" and not read_views.enabled_cameras(context):
        cure = "Add one, or look from all around"
        why = "it has no camera that is enabled in renders"
        return Problem(JobError(f"Scene {scene.name!r}", why, cure), _draw_sphere)
    return None


def _draw_unwrap(obj: bpy.types.Object, layout: bpy.types.UILayout) -> None:
    layout.context_pointer_set("object", obj)
    layout.operator("object.style_transfer_unwrap", icon="UV")


def _draw_choose(layout: bpy.types.UILayout) -> None:
    layout.operator("object.style_transfer_choose", text="Choose a Picture...", icon="FILEBROWSER")


def _draw_sphere(layout: bpy.types.UILayout) -> None:
    layout.prop_enum(_group(), "views", "SPHERE", text="Set Views to Sphere")


def _draw_preferences(layout: bpy.types.UILayout) -> None:
    layout.operator(
        "preferences.addon_show", text="Open Preferences", icon="PREFERENCES"
    ).module = engine_python.ROOT_PACKAGE


def _draw_install(layout: bpy.types.UILayout) -> None:
    preferences.draw_offline(layout)
    preferences.draw_task(
        layout, install.INSTALL, "wm.style_transfer_3d_install", install.INSTALL, indented=False
    )


def _group() -> settings.StyleTransferSettings:
    assert bpy.context.scene
    return getattr(bpy.context.scene, settings.SCENE_PROPERTY)
