"""The 3D viewport as a view of the engine's, against where Blender draws things in it."""

import importlib
import sys
from pathlib import Path

import bpy
import driver
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from driver import wait

FOLDER = Path(sys.argv[-1])
ORIGIN = np.array((10.0, -20.0, 5.0))  # that the engine's coordinates are counted from


def case():
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    reader = importlib.import_module("bl_ext.user_default.style_transfer_3d.operators.read_views")
    area, region = driver.viewport()
    found = {}
    for kind in ("PERSP", "ORTHO", "CAMERA"):
        area.spaces.active.region_3d.view_perspective = kind
        yield from wait(0.5)
        with bpy.context.temp_override(window=driver.window(), area=area, region=region):
            view = reader.read_viewport(bpy.context, ORIGIN)
        found[kind] = float(np.abs(as_seen(view, region) - drawn(area, region)).max())
    return found


def corners():
    """(8, 3): the cube's, in the world."""
    cube = bpy.data.objects["Cube"]
    return [cube.matrix_world @ vertex.co for vertex in cube.data.vertices]


def as_seen(view, region):
    """(8, 2): the cube's corners as the engine sees them, in pixels of the region."""
    points = np.array(corners()) - ORIGIN
    ones = np.ones((len(points), 1))
    clip = np.hstack([points, ones]) @ (view.projection @ view.world_to_camera).T
    return (clip[:, :2] / clip[:, 3:] + 1) / 2 * (region.width, region.height)


def drawn(area, region):
    """(8, 2): where Blender draws them."""
    where = area.spaces.active.region_3d
    return np.array([location_3d_to_region_2d(region, where, point) for point in corners()])


driver.drive(case)
