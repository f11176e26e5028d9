"""How far pixels are from the edges of faces, in them or near them, and what they have there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .columns import each_at, picked
from .frame import places
from .near_plane import Triangles

EDGES = ((1, 2), (2, 0), (0, 1))  # opposite each corner, the corners that they go from and to
EVEN = 1e-5  # distances that differ by less of themselves are alike


def measured(
    triangles: Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, ...]:
    """Depth, three barycentric coordinates and distance of triangles at pixels, (N,) each.

    Coordinates are those of the triangle's nearest point, depth is there; the distance is that
    to the face, as of `Fragments.dists`, infinite where the face's other part has the pixel.

    Args:
        triangles: T of them.
        triangle: (N,) int, indices of these.
        pixel: (N,) int64.
        size: height and width in pixels.
    """
    x, y, w, vertex = _seen_from(triangles, triangle, pixel, size)
    z = each_at(triangles.vertices[2], vertex)
    bary = _barycentric(x, y)
    edge = _least(_edge_distances(x / w, y / w, size))
    dists = torch.where(_least(bary) >= 0, -edge, edge)
    some = triangles.parts_among(triangle)
    if len(some):
        joined = _joined(triangles, triangle[some], pixel[some], size, picked(bary, some))
        dists = dists.index_copy(0, some, joined)
    a, b, c = bary = _inside(bary)
    zbuf = (a * z[0] + b * z[1] + c * z[2]) / (a * w[0] + b * w[1] + c * w[2])
    return zbuf, *bary, dists


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
    edges = zip(_edge_distances(x / w, y / w, size), inner, strict=True)
    far = _least([edge.masked_fill(within, torch.inf) for edge, within in edges])
    return far, _least(_barycentric(x, y)) >= 0


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
    x, y, w = (each_at(triangles.vertices[i], vertex) for i in (0, 1, 3))
    column, row = places(pixel, size[1])
    right = ((column + 0.5) * (2 / size[1]) - 1).to(x.dtype)
    up = (1 - (row + 0.5) * (2 / size[0])).to(x.dtype)
    return x - right * w, y - up * w, w, vertex


def _barycentric(x: Tensor, y: Tensor) -> list[Tensor]:
    """Perspective-correct barycentric coordinates of the origin by homogeneous edge functions.

    Olano and Greer 1997, "Triangle scan conversion using 2D homogeneous coordinates", section 3.
    Vertices behind the camera are fine.

    Args:
        x, y: (3, N), not divided by w.

    Returns:
        (N,) for each corner, below 0 where the origin is outside, sum 1.
    """
    a, b, c = (x[i] * y[j] - y[i] * x[j] for i, j in EDGES)
    total = a + b + c
    total = total.where(total != 0, 1.0)
    return [a / total, b / total, c / total]


def _edge_distances(x: Tensor, y: Tensor, size: tuple[int, int]) -> list[Tensor]:
    """Squared distances (N,) from the origin to the edge opposite each corner (3, N), NDC.

    In units of `Fragments.dists`.
    """
    x, y = x * (size[1] / min(size)), y * (size[0] / min(size))
    out = []
    for start, end in EDGES:
        dx, dy = x[end] - x[start], y[end] - y[start]
        along = -(x[start] * dx + y[start] * dy) / (dx * dx + dy * dy).clamp(min=1e-20)
        share = along.clamp(0, 1)
        out.append((x[start] + share * dx).square() + (y[start] + share * dy).square())
    return out


def _inside(bary: Sequence[Tensor]) -> list[Tensor]:
    """Of coordinates, (N,) each, the nearest inside a triangle."""
    a, b, c = (values.clamp(min=0) for values in bary)
    total = (a + b + c).clamp(min=1e-12)
    return [a / total, b / total, c / total]


def _least(values: Sequence[Tensor]) -> Tensor:
    """The least of three in each place, (N,); faster than to look along an axis of three."""
    a, b, c = values
    return torch.minimum(torch.minimum(a, b), c)
