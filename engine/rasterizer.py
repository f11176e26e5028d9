"""Triangles to fragments, in plain torch: no compiler, no loop over faces.

Faces expand to rows, rows to spans, spans to fragments; the nearest fragments of each pixel
are kept. The names and layouts of the output are PyTorch3D's, depths and axes are OpenGL's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

# Fragments under way at once: bounds the memory of scenes with much overdraw.
CHUNK = 1 << 22
MIN_AREA = 1e-9  # pixels; smaller faces have no inside
EVEN = 1e-5  # distances that differ by less of themselves are alike
EMPTY = torch.iinfo(torch.int64).max
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


class _Triangles(NamedTuple):
    """Faces cut at the near plane: the whole ones first, then the parts of the others."""

    clip: Tensor  # (V', 4) the vertices, then those that the cut made
    corners: Tensor  # (T, 3) int64
    parent: Tensor  # (T,) int64, the face each is a part of
    inner: Tensor  # (T, 3) bool: the edge opposite the corner lies inside the parent
    twin: Tensor  # (T,) int64, the other part of the parent; itself where there is none
    shares: Tensor  # (P, 3, 3) float, of the parent's corners in each corner of the P parts


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
    triangles = _cut_at_near_plane(clip, faces)
    with torch.no_grad():
        detached = triangles._replace(clip=triangles.clip.detach())
        if faces_per_pixel == 1 and blur_radius == 0:
            pixel, slot, triangle = _nearest(detached, size)
        else:
            pixel, slot, triangle = _nearest_k(detached, size, faces_per_pixel, blur_radius)
    zbuf, bary, dists = _measure(triangles, triangle, pixel, size)

    shape = (*size, faces_per_pixel)
    where = (pixel * faces_per_pixel + slot,)
    pix_to_face = faces.new_full((shape[0] * shape[1] * shape[2],), -1)
    empty = clip.new_full((len(pix_to_face),), -1.0)
    return Fragments(
        pix_to_face.index_put(where, triangles.parent[triangle]).view(shape),
        empty.index_put(where, zbuf).view(shape),
        empty[:, None].expand(-1, 3).contiguous().index_put(where, bary).view(*shape, 3),
        empty.index_put(where, dists).view(shape),
    )


def visible(clip: Tensor, faces: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """What `rasterize` tells of the nearest face alone, without its depth and distance.

    Args:
        clip, faces, size: as of `rasterize`.

    Returns:
        pix_to_face (H, W) and bary_coords (H, W, 3), as of `Fragments`.
    """
    triangles = _cut_at_near_plane(clip, faces)
    pixel, _, triangle = _nearest(triangles, size)
    x, y, _, _ = _from_pixels(triangles.clip, triangles.corners, triangle, pixel, size)
    bary = _in_parent(triangles, triangle, _inside(_barycentric(x, y)).T)
    pix_to_face = faces.new_full((size[0] * size[1],), -1)
    pix_to_face[pixel] = triangles.parent[triangle]
    bary_coords = clip.new_full((size[0] * size[1], 3), -1.0)
    bary_coords[pixel] = bary
    return pix_to_face.view(size), bary_coords.view(*size, 3)


def _cut_at_near_plane(clip: Tensor, faces: Tensor) -> _Triangles:
    """Keep the part of every face with z >= -w (Blinn and Newell 1978)."""
    depth = clip[:, 2] + clip[:, 3]  # (V,) >= 0 in front of the near plane
    front = (depth >= 0)[faces]  # (F, 3)
    count = front.sum(-1)
    whole = (count == 3).nonzero().squeeze(-1)
    vertices, corners, parent = [clip], [faces[whole]], [whole]
    inner = [torch.zeros_like(corners[0], dtype=torch.bool)]
    twin = [torch.arange(len(whole), device=faces.device)]
    shares = [clip.new_empty(0, 3, 3)]
    start = len(clip)
    for in_front in (1, 2):
        crossing = (count == in_front).nonzero().squeeze(-1)  # (C,)
        if not len(crossing):
            continue
        # Turn the corners so that the one alone on its side of the plane comes first.
        alone = (front[crossing] == (in_front == 1)).to(torch.int64).argmax(-1)
        turn = (alone[:, None] + torch.arange(3, device=faces.device)) % 3
        a, b, c = faces[crossing].gather(1, turn).unbind(-1)  # (C,) each
        own = torch.nn.functional.one_hot(turn, 3).to(clip.dtype).unbind(1)  # (C, 3) each
        ends, weights = [a, b, c], list(own)
        for other in (1, 2):
            far = ends[other]
            share = (depth[a] / (depth[a] - depth[far]))[:, None]
            vertices.append(clip[a] + share * (clip[far] - clip[a]))
            ends.append(torch.arange(start, start + len(a), device=faces.device))
            weights.append(own[0] + share * (own[other] - own[0]))
            start += len(a)
        if in_front == 1:
            parts, flags = [(0, 3, 4)], [(False, False, False)]
        else:
            parts, flags = [(3, 1, 2), (3, 2, 4)], [(False, True, False), (False, False, True)]
        before = sum(map(len, parent))
        slots = torch.arange(before, before + len(parts) * len(a), device=faces.device)
        twin.append(slots.view(len(parts), -1).flip(0).flatten())
        for part, flag in zip(parts, flags, strict=True):
            corners.append(torch.stack([ends[i] for i in part], -1))
            shares.append(torch.stack([weights[i] for i in part], 1))
            parent.append(crossing)
            inner.append(torch.tensor(flag, device=faces.device).expand(len(crossing), 3))
    lists = vertices, corners, parent, inner, twin, shares
    return _Triangles(*(torch.cat(values) for values in lists))


def _to_pixels(clip: Tensor, size: tuple[int, int]) -> Tensor:
    """Clip space to pixel coordinates (x right, y down), centres at + 0.5."""
    ndc = clip[..., :2] / clip[..., 3:]
    height, width = size
    return torch.stack(((ndc[..., 0] + 1) * (width / 2), (1 - ndc[..., 1]) * (height / 2)), -1)


def _expand(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Item of each element and the element's number within its item, for `counts` items."""
    item = torch.repeat_interleave(counts)
    first = counts.cumsum(0) - counts
    return item, torch.arange(len(item), device=counts.device) - first[item]


def _spans(
    corners: Tensor, size: tuple[int, int], radius: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Runs of pixels whose centres are in a triangle, or within `radius` of it at most.

    Edges run from their upper end down whichever triangle they belong to, so two triangles
    with a common edge round it alike and leave no gap.

    Args:
        corners: (T, 3, 2) float64, in pixels.
        size: height and width.
        radius: in pixels; with 0 the spans are exact, otherwise somewhat generous.

    Returns:
        triangle, row, first column and number of columns of each span, int64.
    """
    height, width = size
    low, high = corners.amin(1), corners.amax(1)  # (T, 2)
    top = (low[:, 1] - radius - 0.5).ceil().clamp(0, height)
    bottom = (high[:, 1] + radius - 0.5).floor().clamp(-1, height - 1)
    seen = (high[:, 0] + radius >= 0) & (low[:, 0] - radius <= width)
    rows = ((bottom - top + 1).clamp(min=0) * seen).to(torch.int64)
    triangle, step = _expand(rows)
    row = top.to(torch.int64)[triangle] + step  # (R,)
    center = row.to(corners.dtype) + 0.5
    left = torch.full_like(center, torch.inf)
    right = -left
    for i, j in ((0, 1), (1, 2), (2, 0)):
        a, b = corners[:, i], corners[:, j]
        swap = (a[:, 1] > b[:, 1]) | ((a[:, 1] == b[:, 1]) & (a[:, 0] > b[:, 0]))
        upper = torch.where(swap[:, None], b, a)
        reach = torch.where(swap[:, None], a, b) - upper  # (T, 2), y >= 0
        x, y = upper.index_select(0, triangle).unbind(-1)
        dx, dy = reach.index_select(0, triangle).unbind(-1)
        crossed = (y <= center + radius) & (y + dy >= center - radius)
        flat = dy == 0
        slope = dy.where(~flat, 1.0)
        for offset, end in ((-radius, 0.0), (radius, 1.0)):
            share = ((center + offset - y) / slope).clamp(0, 1).where(~flat, end)
            at = x + share * dx
            left = torch.minimum(left, at.where(crossed, torch.inf))
            right = torch.maximum(right, at.where(crossed, -torch.inf))
    first = (left - radius - 0.5).ceil().clamp(0, width)
    last = (right + radius - 0.5).floor().clamp(-1, width - 1)
    columns = (last - first + 1).clamp(min=0).to(torch.int64)
    return triangle, row, first.to(torch.int64), columns


def _candidates(
    corners: Tensor, size: tuple[int, int], radius: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pixel and triangle of every fragment, about CHUNK fragments at a time."""
    ab, ac = (corners[:, 1:] - corners[:, :1]).unbind(1)
    solid = ((ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]).abs() > MIN_AREA).nonzero().squeeze(-1)
    spans = _spans(corners[solid], size, radius)
    part = spans[-1].cumsum(0) // CHUNK
    lengths = part.unique_consecutive(return_counts=True)[1].tolist()
    for triangle, row, first, columns in zip(*(x.split(lengths) for x in spans), strict=True):
        span, step = _expand(columns)
        yield (row * size[1] + first)[span] + step, solid[triangle[span]]


def _sortable(zbuf: Tensor) -> Tensor:
    """NDC depths as integers in the same order (the bits of a float >= 0 are)."""
    return (zbuf.float() + 1).clamp(min=0).view(torch.int32).to(torch.int64)


def _nearest(triangles: _Triangles, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel, slot (all 0) and triangle of the nearest fragment of each covered pixel."""
    corners = _to_pixels(triangles.clip.double(), size)[triangles.corners]  # (T, 3, 2)
    depth = (triangles.clip[:, 2] / triangles.clip[:, 3])[triangles.corners]  # (T, 3)
    (abx, aby), (acx, acy) = ((corners[:, i] - corners[:, 0]).float().unbind(-1) for i in (1, 2))
    zb, zc = (depth[:, i] - depth[:, 0] for i in (1, 2))
    area = abx * acy - aby * acx
    slope = (zb * acy - zc * aby) / area, (zc * abx - zb * acx) / area
    low, high = depth.amin(-1), depth.amax(-1)
    planes = torch.stack((*corners[:, 0].float().unbind(-1), depth[:, 0], *slope, low, high))
    keys = torch.full((size[0] * size[1],), EMPTY, device=corners.device)
    for pixel, triangle in _candidates(corners, size, 0.0):
        x0, y0, z0, dx, dy, least, most = planes.index_select(1, triangle)
        x, y = _centers(pixel, size).unbind(-1)
        z = z0 + (x - x0) * dx + (y - y0) * dy
        z = torch.minimum(torch.maximum(z, least), most)
        keys.scatter_reduce_(0, pixel, (_sortable(z) << 32) | triangle, "amin")
    pixel = (keys != EMPTY).nonzero().squeeze(-1)
    visible = (keys[pixel] >> 32) <= _sortable(depth.new_ones(()))
    pixel = pixel[visible]
    triangle = keys[pixel] & LOW_32_BITS
    return pixel, torch.zeros_like(pixel), triangle


def _nearest_k(
    triangles: _Triangles, size: tuple[int, int], faces_per_pixel: int, blur_radius: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel, slot and triangle of the nearest fragments of each pixel."""
    corners = _to_pixels(triangles.clip.double(), size)[triangles.corners]  # (T, 3, 2)
    kept = [torch.empty(0, dtype=torch.int64, device=corners.device) for _ in range(3)]
    for pixel, triangle in _candidates(corners, size, blur_radius**0.5 * min(size) / 2):
        zbuf, _, dists = _measure_cut(triangles, triangle, pixel, size)
        near = ((dists <= 0) | (dists < blur_radius)) & (zbuf <= 1)
        fresh = pixel[near], _sortable(zbuf[near]), triangle[near]
        kept = [torch.cat(pair) for pair in zip(kept, fresh, strict=True)]
        order = ((kept[0] << 32) | kept[1]).argsort(stable=True)
        kept = [values[order] for values in kept]
        slot = _expand(kept[0].unique_consecutive(return_counts=True)[1])[1]
        kept = [values[slot < faces_per_pixel] for values in kept]
    slot = _expand(kept[0].unique_consecutive(return_counts=True)[1])[1]
    return kept[0], slot, kept[2]


def _centers(pixel: Tensor, size: tuple[int, int]) -> Tensor:
    """Centres of pixels, (N, 2) float32, x right and y down."""
    return torch.stack((pixel % size[1], pixel // size[1]), -1).float() + 0.5


def _from_pixels(
    clip: Tensor, corners: Tensor, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Corners as seen from pixels: clip space moved so that each pixel is its own origin.

    There float32 has the most digits.

    Args:
        clip: (V, 4).
        corners: (T, 3) indices of vertices.
        triangle, pixel: (N,) indices of the triangle and of the pixel.

    Returns:
        x, y, z, w, each (3, N), homogeneous.
    """
    vertex = corners.index_select(0, triangle).T.reshape(-1)
    x, y, z, w = clip.T.index_select(1, vertex).view(4, 3, -1)
    px, py = _centers(pixel, size).to(clip.dtype).unbind(-1)
    return x - (px * (2 / size[1]) - 1) * w, y - (1 - py * (2 / size[0])) * w, z, w


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


def _edge_distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances (3, N) from the origin to the edges opposite each corner (3, N)."""
    out = []
    for start, end in ((1, 2), (2, 0), (0, 1)):
        dx, dy = x[end] - x[start], y[end] - y[start]
        along = -(x[start] * dx + y[start] * dy) / (dx * dx + dy * dy).clamp(min=1e-20)
        share = along.clamp(0, 1)
        out.append((x[start] + share * dx).square() + (y[start] + share * dy).square())
    return torch.stack(out)


def _measure(
    triangles: _Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Depth (N,), barycentric coordinates in the whole face (N, 3) and distance (N,)."""
    zbuf, bary, dists = _measure_cut(triangles, triangle, pixel, size)
    return zbuf, _in_parent(triangles, triangle, bary), dists


def _in_parent(triangles: _Triangles, triangle: Tensor, bary: Tensor) -> Tensor:
    """Barycentric coordinates (N, 3) in whole faces, of those in parts of faces."""
    whole = len(triangles.parent) - len(triangles.shares)
    of_part = (triangle >= whole).nonzero().squeeze(-1)
    if not len(of_part):
        return bary
    shares = triangles.shares.index_select(0, triangle[of_part] - whole)
    return bary.index_put((of_part,), (bary[of_part, :, None] * shares).sum(1))


def _inside(bary: Tensor) -> Tensor:
    """The nearest coordinates (3, N) inside a triangle."""
    bary = bary.clamp(min=0)
    return bary / bary.sum(0).clamp(min=1e-12)


def _measure_cut(
    triangles: _Triangles, triangle: Tensor, pixel: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """The same within the part of a face in front of the near plane."""
    x, y, z, w = _from_pixels(triangles.clip, triangles.corners, triangle, pixel, size)
    bary = _barycentric(x, y)
    inside = (bary >= 0).all(0)
    edge = _outline_distance(triangles, triangle, x / w, y / w, size)
    dists = torch.where(inside, -edge, edge)
    of_two = (triangles.twin.index_select(0, triangle) != triangle).nonzero().squeeze(-1)
    if len(of_two):
        joined = _joined(
            triangles, triangle[of_two], pixel[of_two], size, bary[:, of_two], edge[of_two]
        )
        dists = dists.index_put((of_two,), joined)
    bary = _inside(bary)
    return (bary * z).sum(0) / (bary * w).sum(0), bary.T, dists


def _joined(
    triangles: _Triangles,
    triangle: Tensor,
    pixel: Tensor,
    size: tuple[int, int],
    bary: Tensor,
    edge: Tensor,
) -> Tensor:
    """Distances (N,) for parts of faces that have two: infinite where the other has the pixel.

    Args:
        triangles, triangle, pixel, size: as of `_measure_cut`.
        bary: (3, N), of the pixel in the part.
        edge: (N,) squared distance to the part's own stretch of the face's outline.
    """
    twin = triangles.twin[triangle]
    x, y, _, w = _from_pixels(triangles.clip, triangles.corners, twin, pixel, size)
    in_twin = (_barycentric(x, y) >= 0).all(0)
    far = _outline_distance(triangles, twin, x / w, y / w, size)
    inside = (bary >= 0).all(0)
    # Where a corner that both have is the nearest, the edge between them parts the pixels.
    beyond = (triangles.inner[triangle].T & (bary < 0)).any(0)
    farther = torch.where((far - edge).abs() < EVEN * edge, beyond, far < edge)
    lost = torch.where(inside, in_twin & (twin < triangle), in_twin | farther)
    nearest = torch.minimum(edge, far)
    return torch.where(inside, -nearest, nearest).masked_fill(lost, torch.inf)


def _outline_distance(
    triangles: _Triangles, triangle: Tensor, x: Tensor, y: Tensor, size: tuple[int, int]
) -> Tensor:
    """Squared distance (N,) from the origin to the edges that are the face's own.

    Args:
        triangles, triangle, size: as of `_measure_cut`.
        x, y: (3, N), corners in NDC.
    """
    shorter = min(size)
    far = _edge_distances(x * (size[1] / shorter), y * (size[0] / shorter))
    inner = triangles.inner.index_select(0, triangle).T
    return far.masked_fill(inner, torch.inf).amin(0)
