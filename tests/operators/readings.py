"""What is read of the objects in the scene."""

import bpy
import numpy as np
from style_transfer_3d.operators.bake_look import Part
from style_transfer_3d.operators.export import export
from style_transfer_3d.operators.material import look
from style_transfer_3d.operators.request import read_request

from tests.operators.run_requests import given_ones


def made_of(*objects, **given):
    """The export of `objects`."""
    scene = bpy.context.scene
    request = read_request(given_ones(scene.style_transfer_3d, **given), scene)
    return export(objects, bpy.context, request)


def look_of():
    """The look of the active object's first slot, baked, if it is, at 16 x 16."""
    obj = bpy.context.object
    obj.data.calc_loop_triangles()
    uvs = np.float32([loop.uv for loop in obj.data.uv_layers[0].data])
    corners = [list(triangle.loops) for triangle in obj.data.loop_triangles]
    return look(Part(obj, 0, "UVMap", uvs[corners]), 16, bpy.context)
