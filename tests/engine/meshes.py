"""Small UV-mapped meshes, made here so that no test needs a file."""

import numpy as np

from engine.mesh import Mesh

# The sides of a cube, each as corners counter-clockwise from outside.
CUBE_SIDES = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
CUBE_CORNERS = (
    (-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1),
    (-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1),
)  # fmt: skip
SQUARE = np.array(((0, 0), (1, 0), (1, 1), (0, 1)), float)


def mesh_of(vertices, faces, uvs, materials=None, textures=None) -> Mesh:
    """A mesh of anything that numpy takes."""
    return Mesh(
        np.array(vertices, np.float32),
        np.array(faces, np.int64),
        np.array(uvs, np.float32),
        np.array([0] * len(faces) if materials is None else materials, np.int64),
        np.array([0] * len(faces) if textures is None else textures, np.int64),
    )


def quads(vertices, sides, corner_uvs, materials=None) -> Mesh:
    """Quads (Q, 4) with UVs (Q, 4, 2) as two triangles each, along the diagonal 0-2."""
    sides, corner_uvs = np.array(sides), np.array(corner_uvs, float)
    halves = np.array(((0, 1, 2), (0, 2, 3)))
    faces, uvs = sides[:, halves].reshape(-1, 3), corner_uvs[:, halves].reshape(-1, 3, 2)
    return mesh_of(vertices, faces, uvs, materials)


def plane(count: int = 1, *, size: float = 2.0) -> Mesh:
    """A square in the xy plane around the origin of count x count quads; UVs fill 0-1."""
    line = np.linspace(0, 1, count + 1)
    v, u = (grid.ravel() for grid in np.meshgrid(line, line, indexing="ij"))
    vertices = np.stack(((u - 0.5) * size, (v - 0.5) * size, 0 * u), -1)
    row, column = (grid.ravel() for grid in np.mgrid[:count, :count])
    first = row * (count + 1) + column
    sides = np.stack((first, first + 1, first + count + 2, first + count + 1), -1)
    return quads(vertices, sides, np.stack((u, v), -1)[sides])


def cube(*, gap: float = 0.02, size: float = 2.0) -> Mesh:
    """A cube around the origin; each side is an island, in a 3 x 2 atlas."""
    cells = np.array([(column, row) for row in range(2) for column in range(3)])
    uvs = (cells[:, None] + gap + (1 - 2 * gap) * SQUARE) / (3, 2)
    return quads(np.array(CUBE_CORNERS) * (size / 2), CUBE_SIDES, uvs)


def sphere(rings: int = 12, segments: int = 24, *, radius: float = 1.0) -> Mesh:
    """A sphere around the origin; latitude and longitude are its UVs."""
    v, u = (grid.ravel() for grid in np.mgrid[: rings + 1, : segments + 1])
    v, u = v / rings, u / segments
    polar, turn = np.pi * v, 2 * np.pi * u
    points = np.stack((np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), -np.cos(polar)))
    row, column = (grid.ravel() for grid in np.mgrid[:rings, :segments])
    first = row * (segments + 1) + column
    below, above = first, first + segments + 1
    faces = np.stack(((below, below + 1, above + 1), (below, above + 1, above)))
    faces = faces.transpose(2, 0, 1).reshape(-1, 3)
    uvs = np.stack((u, v), -1)[faces]
    # One vertex for the seam's two sides, and one for each pole.
    welded = np.arange(len(u)).reshape(rings + 1, segments + 1)
    welded[:, -1] = welded[:, 0]
    welded[0], welded[-1] = welded[0, 0], welded[-1, 0]
    faces = welded.ravel()[faces]
    solid = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2])
    solid &= faces[:, 2] != faces[:, 0]
    return mesh_of(radius * points.T, faces[solid], uvs[solid])
