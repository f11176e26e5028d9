"""Run by a Python with bpy under a studio's OCIO configuration: the reliefs and looks there.

Its arguments are a picture for the colors and one for the relief; it prints what it found as JSON.
"""

import json
import sys
from pathlib import Path

import bpy
import numpy as np
from style_transfer_3d.operators.image_pixels import pixels
from style_transfer_3d.operators.messages import Done
from style_transfer_3d.operators.write_back import write_back

from tests.operators.conftest import leave_old_bpy
from tests.operators.results import target
from tests.operators.run_requests import request
from tests.operators.scenes import add_cube, add_material, new_image, stripes


def studio_colors(texture, relief):
    """What becomes of the two pictures, and of an image that is read."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    cube = add_cube()
    add_material(cube, "m")
    done = Done((texture,), texture.with_name("report.json"), (relief,), 0.125)
    said = write_back([target(cube, (0,))], done, ["{}"], request(relief="BUMP"))
    bump, colors = bpy.data.images["Cube relief"], bpy.data.images["Cube style"]
    stored = np.empty(len(bump.pixels), np.float32)
    bump.pixels.foreach_get(stored)
    original = new_image("original", stripes(8, 8))
    return {
        "said": said,
        "spaces": [image.colorspace_settings.name for image in (bump, colors)],
        "is_data": [image.colorspace_settings.is_data for image in (bump, colors)],
        "relief": float(stored[0]),
        "read": float(np.abs(pixels(original) - stripes(8, 8)).max()),
    }


print(json.dumps(studio_colors(*map(Path, sys.argv[-2:]))))
leave_old_bpy(0)
