"""Paint in relief, and UVs that are stretched and turned."""

import math

import numpy as np
import torch

from engine.field import Field
from engine.mesh import Mesh
from engine.painting import Painting
from engine.surface import Surface
from engine.texture import Atlas
from tests.engine.fields import fill
from tests.engine.meshes import mesh_of
from tests.engine.paintings import painting_with

SIZE = 128
WAVE = torch.tensor((2 * math.pi / 0.05, 2 * math.pi / 0.08, 0.0))  # of the plane's strokes


def quiet(_share: float) -> None:
    pass


def painting_of(mesh: Mesh, paint, *, size: int = SIZE, finest: float = 0.01) -> Painting:
    """A grey mesh whose finest lattice holds `paint` of world positions (M, 3) -> (M, 1)."""
    surface = Surface.of(mesh, torch.device("cpu"))
    texels = surface.texels(0, (size, size))
    points = surface.points(texels.face, texels.bary)
    field = Field(points, finest=finest, seed=0)
    fill(field, paint)
    with torch.no_grad():
        for values in field.values[:-1]:
            values.zero_()
    atlas = Atlas.of([texels], points, [size], 0.5)
    return painting_with(surface, torch.full((1, 1, 3), 0.5), field, atlas)


def placed(mesh: Mesh, matrix, offset=(0.0, 0.0)) -> Mesh:
    """The mesh with its UVs mapped by a matrix (2, 2)."""
    uvs = (mesh.uvs - 0.5) @ np.array(matrix, np.float32).T + 0.5 + np.float32(offset)
    return mesh_of(mesh.vertices, mesh.faces, uvs)


def wave(x: np.ndarray) -> np.ndarray:
    return 0.3 * np.sin(x @ WAVE.double().numpy())[:, None]


def turned(degrees: float) -> tuple:
    a = math.radians(degrees)
    return ((math.cos(a), -math.sin(a)), (math.sin(a), math.cos(a)))
