"""Run in a process of its own: rasterize a million faces, print the extra memory in bytes.

The peak of a process cannot be reset, so the test must not share one with other tests.
"""

import torch

from engine.free_memory import peak_bytes
from engine.rasterizer import rasterize
from tests.engine.meshes import sphere
from tests.engine.reference import perspective, to_clip

CPU = torch.device("cpu")


def main() -> None:
    """Rasterize a sphere that fills a frame of 1024²."""
    mesh = sphere(500, 1001)
    points = mesh.vertices - (0, 0, 3)
    clip = torch.tensor(to_clip(points, perspective(width=0.36, height=0.36)), dtype=torch.float32)
    faces = torch.from_numpy(mesh.faces)
    del points
    rasterize(clip[:3], faces[:0], (4, 4))
    before = peak_bytes(CPU)
    fragments = rasterize(clip, faces, (1024, 1024))
    covered = float((fragments.pix_to_face >= 0).float().mean())
    print(len(faces), covered, peak_bytes(CPU) - before)


if __name__ == "__main__":
    main()
