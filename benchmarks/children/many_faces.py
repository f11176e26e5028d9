"""`… COUNT SIDE REPEATS`: rasterize a sphere of COUNT faces that fills a frame of SIDE²."""

from __future__ import annotations

import json
import math
import sys

import torch

from engine.rasterizer import rasterize
from tests.engine.meshes import sphere
from tests.engine.reference import perspective, to_clip

from ..timing import times
from . import peak


def main(count: int, side: int, repeats: int) -> None:
    """Tell the times, and the memory that the first go needed."""
    rings = max(2, round(math.sqrt(count / 4)))
    mesh = sphere(rings, 2 * rings)
    points = mesh.vertices - (0, 0, 3)
    clip = torch.tensor(to_clip(points, perspective(width=0.36, height=0.36)), dtype=torch.float32)
    faces = torch.from_numpy(mesh.faces)
    rasterize(clip[:3], faces[:0], (4, 4))
    before = peak()
    rasterize(clip, faces, (side, side))
    extra = peak() - before
    found = times(lambda: rasterize(clip, faces, (side, side)), repeats)
    print(json.dumps({"faces": len(faces), "bytes": extra, "seconds": found}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
