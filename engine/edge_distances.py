"""How far pixels are from the edges of faces, in them or near them, and what they have there."""

from __future__ import annotations

import torch
from torch import Tensor

from .columns import picked
from .frame import places
from .near_plane import Triangles

EVEN = 1e-5  # distances that differ by less of themselves are alike


def measured(
    triangles: Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Depth (N,), barycentric coordinates (3, N) and distance (N,) of triangles at pixels.

    Coordinates are those of the triangle's nearest point, depth is there; the distance is that
    to the face, as of `Fragments.dists`, infinite where the face's other part has the pixel.

    Args:
        triangles: T of them.
        triangle: (N,) int, indices of these.
        pixel: (N,) int64.
        size: height and width in pixels.
    """
    x, y, w, vertex = _seen_from(triangles, triangle, pixel, size)
    z = triangles.vertices[2].index_select(0, vertex.flatten()).view(3, -1)
    bary = _barycentric(x, y)
    edge = _edge_distances(x / w, y / w, size).amin(0)
    dists = torch.where(bary.amin(0) >= 0, -edge, edge)
    some = triangles.parts_among(triangle)
    if len(some):
        joined = _joined(triangles, triangle[some], pixel[some], size, bary[:, some])
        dists = dists.index_copy(0, some, joined)
    bary = _inside(bary)
    return (bary * z).sum(0) / (bary * w).sum(0), bary, dists


def _joined(
    triangles: Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int], bary: Tensor
) -> Tensor:
    """Distances (N,) for parts of faces: infinite where the face's other part has the pixel.

    Args:
        triangles, triangle, pixel, size: as of `measured`; only parts.
        bary: (3, N), of the pixel in the part.
    """
    part = triangle - triangles.whole
    twin = triangles.twin[part]
    inner = triangles.inner[:, part]
    edge, _ = _outline(triangles, triangle, pixel, size)
    far, in_twin = _outline(triangles, twin, pixel, size)
    inside = (bary >= 0).all(0)
    # Where a corner that both have is the nearest, the edge between them parts the pixels.
    beyond = (inner & (bary < 0)).any(0)
    farther = torch.where((far - edge).abs() < EVEN * edge, beyond, far < edge)
    lost = torch.where(inside, in_twin & (twin < triangle), in_twin | farther)
    nearest = torch.minimum(edge, far)
    return torch.where(inside, -nearest, nearest).masked_fill(lost, torch.inf)


def _outline(
    triangles: Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Squared distance (N,) to the edges of parts that are the face's own; whether in the part."""
    x, y, w, _ = _seen_from(triangles, triangle, pixel, size)
    inner = triangles.inner[:, triangle - triangles.whole]
    far = _edge_distances(x / w, y / w, size).masked_fill(inner, torch.inf)
    return far.amin(0), (_barycentric(x, y) >= 0).all(0)


def _seen_from(
    triangles: Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Corners as seen from pixels: clip space moved so that each centre is its own origin.

    There float32 has the most digits.

    Args:
        triangles: T of them.
        triangle: (N,) indices of these.
        pixel: (N,) int64.
        size: height and width in pixels.

    Returns:
        x, y and w, each (3, N), homogeneous, and the indices (3, N) of the vertices.
    """
    vertex = picked(triangles.corners, triangle)
    x, y, w = (
        triangles.vertices[i].index_select(0, vertex.flatten()).view(3, -1) for i in (0, 1, 3)
    )
    column, row = places(pixel, size[1])
    right = ((column + 0.5) * (2 / size[1]) - 1).to(x.dtype)
    up = (1 - (row + 0.5) * (2 / size[0])).to(x.dtype)
    return x - right * w, y - up * w, w, vertex


def _barycentric(x: Tensor, y: Tensor) -> Tensor:
    """Perspective-correct barycentric coordinates of the origin by homogeneous edge functions.

    Olano and Greer 1997, "Triangle scan conversion using 2D homogeneous coordinates", section 3.
    Vertices behind the camera are fine.

    Args:
        x, y: (3, N), not divided by w.

    Returns:
        (3, N), below 0 where the origin is outside, sum 1.
    """
    edge = torch.stack(
        (x[1] * y[2] - y[1] * x[2], x[2] * y[0] - y[2] * x[0], x[0] * y[1] - y[0] * x[1])
    )
    total = edge.sum(0)
    return edge / total.where(total != 0, 1.0)


def _edge_distances(x: Tensor, y: Tensor, size: tuple[int, int]) -> Tensor:
    """Squared distances (3, N) from the origin to the edges opposite each corner (3, N), NDC.

    In units of `Fragments.dists`.
    """
    x, y = x * (size[1] / min(size)), y * (size[0] / min(size))
    out = []
    for start, end in ((1, 2), (2, 0), (0, 1)):
        dx, dy = x[end] - x[start], y[end] - y[start]
        along = -(x[start] * dx + y[start] * dy) / (dx * dx + dy * dy).clamp(min=1e-20)
        share = along.clamp(0, 1)
        out.append((x[start] + share * dx).square() + (y[start] + share * dy).square())
    return torch.stack(out)


def _inside(bary: Tensor) -> Tensor:
    """The nearest coordinates (3, N) inside a triangle."""
    bary = bary.clamp(min=0)
    return bary / bary.sum(0).clamp(min=1e-12)
