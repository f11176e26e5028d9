"""`… FACES TEXTURE REPEATS`: what the extension does inside Blender, on `bpy` from pip."""

from __future__ import annotations

import importlib
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

import demo

from ..timing import times


def main(faces: int, texture: int, repeats: int) -> None:
    """Tell the times of both ways."""
    with demo.silence():
        bpy.ops.wm.read_factory_settings(use_empty=True)
        demo.load_extension()
        export, request, write_back = (
            importlib.import_module(f"{demo.EXTENSION}.operators.{name}")
            for name in ("export", "request", "write_back")
        )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "painted.png"
            random = np.random.default_rng(0).integers(0, 256, (texture, texture, 3), np.uint8)
            Image.fromarray(random).save(file, compress_level=1)
            bpy.context.scene.style_transfer_3d.style = str(file)
            asked = request.read_request(None, bpy.context.scene)
            plane = add_plane(faces)
            exported = times(lambda: export.export([plane], bpy.context, asked), repeats)
            written = times(lambda: take_over(write_back, file, asked), repeats)
    print(json.dumps({"faces": faces, "export": exported, "write_back": written}))


def add_plane(faces: int) -> bpy.types.Object:
    """An object of about so many triangles, half as many quads, with a material and UVs."""
    count = max(1, round(math.sqrt(faces / 2)))
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=count, y_subdivisions=count, calc_uvs=True)
    plane = bpy.context.object
    plane.data.materials.append(bpy.data.materials.new("Paper"))
    return plane


def take_over(write_back: Any, file: Path, request: Any) -> None:
    """Load a texture, pack it, and make Blender read its pixels."""
    image = write_back.load_one("painted", file, request)
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
