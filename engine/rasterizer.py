"""Triangles to fragments, in plain torch: no compiler, no loop over faces.

Faces expand to rows, rows to spans, spans to fragments; the nearest fragments of each pixel
are kept. The names and layouts of the output are PyTorch3D's, depths and axes are OpenGL's.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .near_plane import Triangles, cut
from .spans import blocks_of_triangles, picked, spans_of, to_screen

# Fragments of which the nearest are looked for at once: bounds the memory of much overdraw.
CHUNK = 1 << 22
BLOCK = 1 << 19  # fragments that are measured at once
EVEN = 1e-5  # distances that differ by less of themselves are alike
ROUNDED = 1e-12  # squared distance from a face at which a pixel on its edge may be measured
FAR = 2.0  # NDC depth beyond the near plane
LOW_32_BITS = (1 << 32) - 1


class Fragments(NamedTuple):
    """The nearest faces of each pixel, nearest first; -1 where there are fewer.

    Attributes:
        pix_to_face: (H, W, K) int64, index of the face.
        zbuf: (H, W, K) float, NDC depth from -1 (near) to 1 (far).
        bary_coords: (H, W, K, 3) float, perspective-correct; outside a face, of the point of
            the face that clamping to it gives.
        dists: (H, W, K) float, squared distance to the face's nearest edge, negative inside,
            in NDC of the shorter side (that side spans 2 units).
    """

    pix_to_face: Tensor
    zbuf: Tensor
    bary_coords: Tensor
    dists: Tensor


class Nearest(NamedTuple):
    """Which triangle is nearest at each pixel's centre.

    Attributes:
        triangles: T of them.
        size: height and width in pixels.
        triangle: (H * W,) int32, -1 where there is none.
    """

    triangles: Triangles
    size: tuple[int, int]
    triangle: Tensor

    @classmethod
    def of(cls, clip: Tensor, faces: Tensor, size: tuple[int, int]) -> Nearest:
        """Look.

        Args:
            clip: (V, 4 + C) float, of which the first four are as of `rasterize`.
            faces, size: as of `rasterize`.
        """
        triangles = cut(clip, faces)
        return cls(triangles, size, _nearest(triangles, size))

    def face(self, triangle: Tensor) -> Tensor:
        """Which face (N,) int64 each `triangle` (N,) is of."""
        return self.triangles.parent.index_select(0, triangle)

    def at(self, triangle: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """What triangles have at places in the frame.

        Args:
            triangle: (N,) int.
            x, y: (N,) float, right and down, in pixels.

        Returns:
            Shares (3, N) of the triangle's corners, 0-1, and these (3, N), columns of `vertices`.
        """
        x, y, _, vertex = _seen_from(self.triangles, triangle, x, y, self.size)
        return _inside(_barycentric(x, y)), vertex

    def bary(self, triangle: Tensor, shares: Tensor) -> Tensor:
        """Of shares (3, N) of the corners of triangles (N,), those of their faces (3, N)."""
        return _in_parent(self.triangles, triangle, shares)

    def seen(self) -> tuple[Tensor, Tensor, Tensor]:
        """The pixels (N,) that show a face, in their order, which (N,), and where in it (3, N)."""
        pixel = (self.triangle >= 0).nonzero().squeeze(-1)
        triangle = self.triangle.index_select(0, pixel)
        shares, _ = self.at(triangle, *_centers(pixel, self.size))
        return pixel, self.face(triangle), self.bary(triangle, shares)


def rasterize(
    clip: Tensor,
    faces: Tensor,
    size: tuple[int, int],
    *,
    faces_per_pixel: int = 1,
    blur_radius: float = 0.0,
) -> Fragments:
    """Find the faces nearest to the camera at each pixel's centre.

    Both sides of a face count. Faces are cut at the near plane, and fragments beyond the far
    plane dropped. Differentiable in `clip` through all outputs but `pix_to_face`.

    Args:
        clip: (V, 4) float, vertices in OpenGL clip space.
        faces: (F, 3) int64, indices of vertices.
        size: height and width in pixels; row 0 is on top.
        faces_per_pixel: K, at least 1.
        blur_radius: faces as near as this to a pixel count too, as a squared distance in the
            units of `Fragments.dists`, >= 0.

    Raises:
        ValueError: if a shape or a range is not as above.
    """
    if clip.ndim != 2 or clip.shape[1] != 4:
        raise ValueError(f"clip must be (V, 4), got {tuple(clip.shape)}")
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f"faces must be (F, 3), got {tuple(faces.shape)}")
    if min(size) < 1 or faces_per_pixel < 1 or not blur_radius >= 0:
        raise ValueError(
            f"size and faces_per_pixel must be >= 1 and blur_radius >= 0, got {size},"
            f" {faces_per_pixel} and {blur_radius}"
        )
    triangles = cut(clip, faces)
    with torch.no_grad():
        detached = triangles._replace(vertices=triangles.vertices.detach())
        if faces_per_pixel == 1 and blur_radius == 0:
            nearest = _nearest(detached, size)
            place = pixel = (nearest >= 0).nonzero().squeeze(-1)
            triangle = nearest.index_select(0, pixel)
        else:
            pixel, slot, triangle = _nearest_k(detached, size, faces_per_pixel, blur_radius)
            place = pixel * faces_per_pixel + slot
    parts = [
        _measure(triangles, *both, size)
        for both in zip(triangle.split(BLOCK), pixel.split(BLOCK), strict=True)
    ]
    zbuf, bary, dists = (torch.cat(values, -1) for values in zip(*parts, strict=True))

    shape = (*size, faces_per_pixel)
    count = shape[0] * shape[1] * shape[2]
    empty = clip.new_full((count,), -1.0)
    face = triangles.parent.index_select(0, triangle)
    return Fragments(
        faces.new_full((count,), -1).scatter_(0, place, face).view(shape),
        empty.scatter(0, place, zbuf).view(shape),
        _scattered(bary, place, count).view(*shape, 3),
        empty.scatter(0, place, dists).view(shape),
    )


def visible(clip: Tensor, faces: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """What `rasterize` tells of the nearest face alone, without its depth and distance.

    Args:
        clip, faces, size: as of `rasterize`.

    Returns:
        pix_to_face (H, W) and bary_coords (H, W, 3), as of `Fragments`.
    """
    pixel, face, bary = Nearest.of(clip, faces, size).seen()
    count = size[0] * size[1]
    pix_to_face = faces.new_full((count,), -1).scatter(0, pixel, face)
    return pix_to_face.view(size), _scattered(bary, pixel, count).view(*size, 3)


def _scattered(bary: Tensor, place: Tensor, count: int) -> Tensor:
    """Rows `place` (N,) of (count, 3) from `bary` (3, N), -1 elsewhere."""
    out = bary.new_full((3 * count,), -1.0)
    for corner, values in enumerate(bary):
        out.scatter_(0, 3 * place + corner, values)
    return out.view(count, 3)


def _nearest(triangles: Triangles, size: tuple[int, int]) -> Tensor:
    """The nearest triangle at each pixel, as of `Nearest.triangle`."""
    screen = to_screen(triangles.vertices, size)
    # Nothing, at the far plane: what lies beyond is never less.
    nothing = (int(_sortable(torch.tensor(FAR))) << 32) | LOW_32_BITS
    keys = torch.full((size[0] * size[1],), nothing, device=screen.device)
    for start, corners in blocks_of_triangles(screen, triangles.corners):
        planes = _planes(corners)
        for spans in spans_of(corners, size, 0.0):
            x0, y0, z0, dx, dy, least, most = picked(planes, spans.triangle)
            start_of_row = z0 + (spans.row + 0.5 - y0) * dy
            x, steps = spans.first + 0.5 - x0, spans.columns - 1
            near, far = (
                torch.minimum(torch.maximum(start_of_row + at * dx, least), most)
                for at in (x, x + steps)
            )
            slope = (far - near) / steps.clamp(min=1)
            span, step, pixel = spans.fragments(size[1])
            z = near.index_select(0, span) + step * slope.index_select(0, span)
            triangle = (spans.triangle + start).index_select(0, span)
            keys.scatter_reduce_(0, pixel, (_sortable(z) << 32) | triangle, "amin")
    return keys.to(torch.int32)  # the low half, of which that of nothing is -1


def _planes(corners: Tensor) -> Tensor:
    """Depth over the frame of triangles (3, 3, T), as (7, T) float32.

    The first corner in pixels and its depth beyond the near plane, how that changes by the
    pixel to the right and down, and its least and most.
    """
    x, y, depth = corners
    (abx, aby, zb), (acx, acy, zc) = ((corners[:, i] - corners[:, 0]) for i in (1, 2))
    area = abx * acy - aby * acx
    dx, dy = (zb * acy - zc * aby) / area, (zc * abx - zb * acx) / area
    z = depth + 1
    return torch.stack((x[0], y[0], z[0], dx, dy, z.amin(0), z.amax(0))).float()


def _sortable(depth: Tensor) -> Tensor:
    """Depths >= 0, float32, as integers in the same order (the bits of such floats are)."""
    return depth.view(torch.int32).to(torch.int64)


def _nearest_k(
    triangles: Triangles, size: tuple[int, int], faces_per_pixel: int, blur_radius: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel, slot and triangle of the nearest fragments of each pixel."""
    screen = to_screen(triangles.vertices, size)
    radius = blur_radius**0.5 * min(size) / 2
    empty = torch.empty(0, dtype=torch.int64, device=screen.device)
    kept, count = [(empty, empty)], 0
    for start, corners in blocks_of_triangles(screen, triangles.corners):
        for spans in spans_of(corners, size, radius):
            span, _, pixel = spans.fragments(size[1])
            triangle = (spans.triangle + start).index_select(0, span)
            zbuf, _, dists = _measure_cut(triangles, triangle, pixel, size)
            near = (dists < max(blur_radius, ROUNDED)) & (zbuf <= 1)
            near = near.nonzero().squeeze(-1)
            depth = _sortable((zbuf.index_select(0, near).float() + 1).clamp(min=0))
            key = (pixel.index_select(0, near) << 32) | depth
            kept.append((key, triangle.index_select(0, near)))
            count += len(near)
            if count > CHUNK:
                kept, count = [_first(kept, faces_per_pixel)[:2]], 0
    key, triangle, slot = _first(kept, faces_per_pixel)
    return key >> 32, slot, triangle


def _first(
    kept: list[tuple[Tensor, Tensor]], faces_per_pixel: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The nearest fragments of each pixel: keys, triangles and slots (M,), sorted.

    Args:
        kept: keys (N,), pixels above depths, and triangles (N,) of fragments.
        faces_per_pixel: how many of each pixel, at most.
    """
    key, triangle = (torch.cat(values) for values in zip(*kept, strict=True))
    key, order = key.sort(stable=True)
    count = (key >> 32).unique_consecutive(return_counts=True)[1]
    number = torch.arange(len(key), device=key.device)
    slot = number - torch.repeat_interleave(count.cumsum(0) - count, count)
    first = (slot < faces_per_pixel).nonzero().squeeze(-1)
    triangle = triangle.index_select(0, order.index_select(0, first))
    return key.index_select(0, first), triangle, slot.index_select(0, first)


def _centers(pixel: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Centres of pixels, x right and y down, (N,) float32 each."""
    row = torch.div(pixel, size[1], rounding_mode="floor")
    return (pixel - row * size[1]).float() + 0.5, row.float() + 0.5


def _seen_from(
    triangles: Triangles, triangle: Tensor, px: Tensor, py: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Corners as seen from places: clip space moved so that each place is its own origin.

    There float32 has the most digits.

    Args:
        triangles: T of them.
        triangle: (N,) indices of these.
        px, py: (N,) places in the frame, in pixels.

    Returns:
        x, y and w, each (3, N), homogeneous, and the indices (3, N) of the vertices.
    """
    vertex = picked(triangles.corners, triangle)
    x, y, w = (
        triangles.vertices[i].index_select(0, vertex.flatten()).view(3, -1) for i in (0, 1, 3)
    )
    px, py = px.to(x.dtype) * (2 / size[1]) - 1, 1 - py.to(x.dtype) * (2 / size[0])
    return x - px * w, y - py * w, w, vertex


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


def _measure(
    triangles: Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Depth (N,), barycentric coordinates in the whole face (3, N) and distance (N,)."""
    zbuf, bary, dists = _measure_cut(triangles, triangle, pixel, size)
    return zbuf, _in_parent(triangles, triangle, bary), dists


def _in_parent(triangles: Triangles, triangle: Tensor, bary: Tensor) -> Tensor:
    """Barycentric coordinates (3, N) in whole faces, of those in parts of faces."""
    some = _parts_among(triangles, triangle)
    if not len(some):
        return bary
    shares = triangles.shares.index_select(0, triangle[some] - triangles.whole)
    whole = (bary.T[some, :, None] * shares).sum(1).T
    return bary.index_copy(1, some, whole)


def _parts_among(triangles: Triangles, triangle: Tensor) -> Tensor:
    """Indices (M,) of those of triangles (N,) that are parts of faces."""
    if not len(triangles.shares):
        return triangle[:0]
    return (triangle >= triangles.whole).nonzero().squeeze(-1)


def _inside(bary: Tensor) -> Tensor:
    """The nearest coordinates (3, N) inside a triangle."""
    bary = bary.clamp(min=0)
    return bary / bary.sum(0).clamp(min=1e-12)


def _measure_cut(
    triangles: Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """The same within the part of a face in front of the near plane."""
    x, y, w, vertex = _seen_from(triangles, triangle, *_centers(pixel, size), size)
    z = triangles.vertices[2].index_select(0, vertex.flatten()).view(3, -1)
    bary = _barycentric(x, y)
    edge = _edge_distances(x / w, y / w, size).amin(0)
    dists = torch.where(bary.amin(0) >= 0, -edge, edge)
    some = _parts_among(triangles, triangle)
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
        triangles, triangle, pixel, size: as of `_measure_cut`; only parts.
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
    x, y, w, _ = _seen_from(triangles, triangle, *_centers(pixel, size), size)
    inner = triangles.inner[:, triangle - triangles.whole]
    far = _edge_distances(x / w, y / w, size).masked_fill(inner, torch.inf)
    return far.amin(0), (_barycentric(x, y) >= 0).all(0)
