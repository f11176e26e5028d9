"""The scene's cameras and the viewport as views of the engine's."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from ..engine.errors import JobError
from ..engine.job import View


def read_views(
    context: bpy.types.Context, depsgraph: bpy.types.Depsgraph, views: str, origin: np.ndarray
) -> tuple[View, ...]:
    """The views of the kind `views`; none for SPHERE, whose cameras the engine places.

    `origin` (3,) float64 is the point of the world that coordinates are counted from.

    Raises:
        JobError: if there is none of that kind, or one cannot be used.
    """
    match views:
        case "CAMERAS":
            return read_cameras(context, depsgraph, origin)
        case "VIEWPORT":
            return (read_viewport(context, origin),)
        case _:
            return ()


def read_viewport(context: bpy.types.Context, origin: np.ndarray) -> View:
    """The 3D viewport that `context` is in, else the largest one of the window.

    `origin` as of `read_views`.

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
        world_to_camera=_seen_from(np.linalg.inv(np.array(space.region_3d.view_matrix)), origin),
        projection=np.array(space.region_3d.window_matrix, np.float32),
        aspect=region.width / region.height,
    )


def read_cameras(
    context: bpy.types.Context, depsgraph: bpy.types.Depsgraph, origin: np.ndarray
) -> tuple[View, ...]:
    """The cameras that are rendered in the scene, with the scene's frame.

    `origin` as of `read_views`.

    Raises:
        JobError: if there is none, or one is panoramic or not evaluated.
    """
    scene = context.scene
    assert scene
    cameras = enabled_cameras(context)
    if not cameras:
        raise JobError(
            f"Scene {scene.name!r}",
            "it has no camera that is enabled in renders",
            "Add one, or set Views to Sphere",
        )
    return tuple(_view(camera, scene.render, depsgraph, origin) for camera in cameras)


def enabled_cameras(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The view layer's cameras but for those disabled in renders, by themselves or collections."""
    assert context.view_layer
    rendered = dict.fromkeys(_rendered(context.view_layer.layer_collection))
    return [obj for obj in rendered if obj.type == "CAMERA" and not obj.hide_render]


def _rendered(layer: bpy.types.LayerCollection) -> Iterator[bpy.types.Object]:
    """The objects of a collection and of those in it, as far as they are rendered."""
    if layer.exclude or layer.collection.hide_render:
        return
    yield from layer.collection.objects
    for child in layer.children:
        yield from _rendered(child)


def _view(
    camera: bpy.types.Object,
    render: bpy.types.RenderSettings,
    depsgraph: bpy.types.Depsgraph,
    origin: np.ndarray,
) -> View:
    if isinstance(camera.data, bpy.types.Camera) and camera.data.type == "PANO":
        raise JobError(
            f"Camera {camera.name!r}",
            "it is panoramic",
            "Make it perspective or orthographic, or disable it in renders",
        )
    evaluated = camera.evaluated_get(depsgraph)
    if not evaluated.is_evaluated:
        raise JobError(
            f"Camera {camera.name!r}",
            "it is disabled in viewports, so Blender does not tell where it stands",
            "Enable it there, or disable it in renders too",
        )
    width, height = render.resolution_x, render.resolution_y
    pixel_width, pixel_height = render.pixel_aspect_x, render.pixel_aspect_y
    projection = evaluated.calc_matrix_camera(
        depsgraph, x=width, y=height, scale_x=pixel_width, scale_y=pixel_height
    )
    return View(
        name=camera.name,
        world_to_camera=_seen_from(np.array(evaluated.matrix_world.normalized()), origin),
        projection=np.array(projection, np.float32),
        aspect=width * pixel_width / (height * pixel_height),
    )


def _seen_from(camera_to_world: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """World to camera, (4, 4) float32, for coordinates counted from `origin` (3,).

    Args:
        camera_to_world: (4, 4) float64.
        origin: (3,) float64; subtracted first, while no digit is lost.
    """
    moved = camera_to_world.copy()
    moved[:3, 3] -= origin
    return np.linalg.inv(moved).astype(np.float32)
