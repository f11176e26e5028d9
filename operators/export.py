"""Mesh, UVs, cameras and images -> Job; the only reader of bpy mesh data."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import bpy
import numpy as np

from ..engine.errors import JobError
from ..engine.job import Job, Mesh, Style, View
from . import material
from .material_slots import slot_material
from .regions import read_region
from .settings import Request


@dataclass(frozen=True)
class Export:
    """An object as a job.

    Attributes:
        job: what the engine needs; `job.mesh.materials` points into `slots`.
        slots: the material slots that the object's faces use, in order.
        uv_map: name of the active render UV map.
        warnings: what was left out, for the artist.
    """

    job: Job
    slots: tuple[int, ...]
    uv_map: str
    warnings: tuple[str, ...]


def export(obj: bpy.types.Object, context: bpy.types.Context, request: Request) -> Export:
    """Read `obj` as it is rendered: with its modifiers, in world space.

    Raises:
        JobError: if it cannot be painted, or a camera or an image cannot be used.
    """
    if obj.mode == "EDIT":
        obj.update_from_editmode()
    depsgraph = context.evaluated_depsgraph_get()
    with evaluated_mesh(obj, depsgraph) as data:
        check_slots(obj, depsgraph, data)
        uv_map = next((layer.name for layer in data.uv_layers if layer.active_render), "")
        mesh = read_mesh(obj, data, np.array(obj.evaluated_get(depsgraph).matrix_world))
        regions = _read_regions(obj, data, depsgraph, request)
    slots, materials = np.unique(mesh.materials, return_inverse=True)  # (S,), (F,)
    mesh = replace(mesh, materials=materials.astype(np.int64))
    looks = [material.look(slot_material(obj, int(slot)), uv_map) for slot in slots]
    views = read_views(context, depsgraph, request.views)
    originals = tuple(look.pixels for look in looks)
    styles = tuple(
        Style(style.file, style.weight, regions.get(style.region)) for style in request.styles
    )
    return Export(
        job=Job(
            mesh,
            styles[0],
            request.settings,
            originals,
            views,
            more_styles=styles[1:],
            protected=regions.get(request.protect),
        ),
        slots=tuple(int(slot) for slot in slots),
        uv_map=uv_map,
        warnings=tuple(dict.fromkeys(text for look in looks for text in look.warnings)),
    )


def fingerprint(obj: bpy.types.Object) -> int:
    """A number that changes when the faces or the UVs of the mesh of `obj` do."""
    data = obj.data
    assert isinstance(data, bpy.types.Mesh)
    corners = _read(data.loops, "vertex_index", np.int32, (len(data.loops),))
    layer = next((layer for layer in data.uv_layers if layer.active_render), None)
    uvs = _read(layer.uv, "vector", np.float32, (len(layer.uv), 2)) if layer else np.empty(0)
    return zlib.crc32(uvs.tobytes(), zlib.crc32(corners.tobytes()))


@contextmanager
def evaluated_mesh(
    obj: bpy.types.Object, depsgraph: bpy.types.Depsgraph
) -> Iterator[bpy.types.Mesh]:
    """The mesh of `obj` after its modifiers, for as long as the context lasts.

    Raises:
        JobError: if Blender does not evaluate its modifiers, because it is hidden.
    """
    if obj.modifiers and not obj.visible_get(view_layer=depsgraph.view_layer):
        raise JobError(
            f"Object {obj.name!r}",
            "it is hidden in the viewport, so its modifiers are not evaluated",
            "Show it (in the Outliner), or apply them",
        )
    evaluated = obj.evaluated_get(depsgraph)
    data = evaluated.to_mesh(preserve_all_data_layers=True, depsgraph=depsgraph)
    try:
        yield data
    finally:
        evaluated.to_mesh_clear()


def read_mesh(obj: bpy.types.Object, data: bpy.types.Mesh, matrix: np.ndarray) -> Mesh:
    """The triangles of `data`, placed by `matrix` (4, 4), their slots in `materials`.

    Raises:
        JobError: naming `obj`, if it has nothing that can be painted.
    """
    if not len(data.polygons):
        raise JobError(f"Mesh of {obj.name!r}", "it has no faces", "Choose a mesh with faces")
    layer = next((layer for layer in data.uv_layers if layer.active_render), None)
    if layer is None:
        raise JobError(
            f"Mesh of {obj.name!r}",
            "it has no UV map",
            "Unwrap it (in Edit Mode: U > Smart UV Project)",
        )
    data.calc_loop_triangles()
    triangles, count = data.loop_triangles, len(data.loop_triangles)
    vertices = _read(data.vertices, "co", np.float32, (len(data.vertices), 3))
    faces = _read(triangles, "vertices", np.int32, (count, 3))
    corners = _read(triangles, "loops", np.int32, (count, 3))
    materials = _read(triangles, "material_index", np.int32, (count,))
    uvs = _read(layer.uv, "vector", np.float32, (len(data.loops), 2))[corners]  # (F, 3, 2)
    if np.linalg.det(matrix[:3, :3]) < 0:  # mirrored: turn the faces' outside out again
        faces, uvs = faces[:, ::-1], uvs[:, ::-1]
    placed = vertices.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    mesh = Mesh(
        vertices=placed.astype(np.float32),
        faces=np.ascontiguousarray(faces, np.int64),
        uvs=np.ascontiguousarray(uvs),
        materials=materials.clip(0, max(len(obj.material_slots) - 1, 0)).astype(np.int64),
    )
    try:
        mesh.validate()
    except JobError as error:
        raise JobError(f"{error.what} of {obj.name!r}", error.why, error.cure) from error
    return mesh


def _read_regions(
    obj: bpy.types.Object,
    data: bpy.types.Mesh,
    depsgraph: bpy.types.Depsgraph,
    request: Request,
) -> dict[str, np.ndarray]:
    """The regions that `request` names, (F, 3) each, in the order of `read_mesh`'s corners."""
    corners = _read(data.loop_triangles, "loops", np.int32, (len(data.loop_triangles), 3))
    if np.linalg.det(np.array(obj.evaluated_get(depsgraph).matrix_world)[:3, :3]) < 0:
        corners = corners[:, ::-1]
    return {
        name: np.ascontiguousarray(read_region(obj, data, name, corners))
        for name in request.region_names
    }


def check_slots(
    obj: bpy.types.Object, depsgraph: bpy.types.Depsgraph, data: bpy.types.Mesh
) -> None:
    """Raise JobError if a modifier gives faces a material that is in none of the slots."""
    evaluated = obj.evaluated_get(depsgraph)
    indices = _read(data.polygons, "material_index", np.int32, (len(data.polygons),))
    for index in np.unique(indices.clip(0, max(len(evaluated.material_slots) - 1, 0))):
        given = slot_material(evaluated, int(index))
        if given is not None and given.original != slot_material(obj, int(index)):
            raise JobError(
                f"Object {obj.name!r}",
                f"a modifier gives it the material {given.name!r}, which is in none of its slots",
                "Apply the modifier or set the material in a slot of the object",
            )


def read_views(
    context: bpy.types.Context, depsgraph: bpy.types.Depsgraph, views: str
) -> tuple[View, ...]:
    """The views of the kind `views`; none for SPHERE, whose cameras the engine places.

    Raises:
        JobError: if there is none of that kind, or one cannot be used.
    """
    match views:
        case "CAMERAS":
            assert context.scene
            return read_cameras(context.scene, depsgraph)
        case "VIEWPORT":
            return (read_viewport(context),)
        case _:
            return ()


def read_viewport(context: bpy.types.Context) -> View:
    """The 3D viewport that `context` is in, else the largest one of the window.

    Raises:
        JobError: if there is none.
    """
    screen = context.screen
    areas = [area for area in screen.areas if area.type == "VIEW_3D"] if screen else []
    area = context.area if context.area in areas else None
    area = area or max(areas, key=lambda area: area.width * area.height, default=None)
    if area is None or bpy.app.background:
        raise JobError(
            "3D viewport", "there is none to look from", "Set Views to Sphere or Cameras"
        )
    region = next(region for region in area.regions if region.type == "WINDOW")
    space = area.spaces.active
    assert isinstance(space, bpy.types.SpaceView3D)
    assert space.region_3d
    return View(
        name="3D viewport",
        world_to_camera=np.array(space.region_3d.view_matrix, np.float32),
        projection=np.array(space.region_3d.window_matrix, np.float32),
        aspect=region.width / region.height,
    )


def read_cameras(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> tuple[View, ...]:
    """The scene's cameras with the scene's frame, but for those disabled in renders.

    Raises:
        JobError: if there is none, or one is panoramic.
    """
    cameras = enabled_cameras(scene)
    if not cameras:
        raise JobError(
            f"Scene {scene.name!r}",
            "it has no camera that is enabled in renders",
            "Add one, or set Views to Sphere",
        )
    return tuple(_view(camera, scene.render, depsgraph) for camera in cameras)


def enabled_cameras(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The cameras of `scene` but for those disabled in renders."""
    return [obj for obj in scene.objects if obj.type == "CAMERA" and not obj.hide_render]


def _view(
    camera: bpy.types.Object, render: bpy.types.RenderSettings, depsgraph: bpy.types.Depsgraph
) -> View:
    if isinstance(camera.data, bpy.types.Camera) and camera.data.type == "PANO":
        raise JobError(
            f"Camera {camera.name!r}",
            "it is panoramic",
            "Make it perspective or orthographic, or disable it in renders",
        )
    evaluated = camera.evaluated_get(depsgraph)
    width, height = render.resolution_x, render.resolution_y
    pixel_width, pixel_height = render.pixel_aspect_x, render.pixel_aspect_y
    projection = evaluated.calc_matrix_camera(
        depsgraph, x=width, y=height, scale_x=pixel_width, scale_y=pixel_height
    )
    return View(
        name=camera.name,
        world_to_camera=np.array(evaluated.matrix_world.normalized().inverted(), np.float32),
        projection=np.array(projection, np.float32),
        aspect=width * pixel_width / (height * pixel_height),
    )


def _read(
    collection: bpy.types.bpy_prop_collection, name: str, kind: type, shape: tuple[int, ...]
) -> np.ndarray:
    values: np.ndarray = np.empty(shape, kind)
    collection.foreach_get(name, values.reshape(-1))
    return values
