"""Triangles to fragments, in plain torch: no compiler, no loop over faces.

Faces expand to rows, rows to spans, spans to fragments; the nearest fragments of each pixel
are kept, and measured. The names and layouts of the output are PyTorch3D's, depths and axes
are OpenGL's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .edge_distances import measured
from .frame import spread
from .near_plane import Triangles, cut
from .nearest import PIXELS, Nearest
from .nearest_fragments import Search
from .side_by_side import side_by_side

BLOCK = 1 << 19  # fragments that are measured at once


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
    if faces_per_pixel == 1 and blur_radius == 0:
        return _hard(clip, faces, size)
    triangles = cut(clip, faces)
    detached = triangles._replace(vertices=triangles.vertices.detach())
    search = Search.of(detached, size, faces_per_pixel, blur_radius)
    if triangles.vertices.requires_grad:
        return _measured_again(triangles, search)
    return _as_found(search)


def _hard(clip: Tensor, faces: Tensor, size: tuple[int, int]) -> Fragments:
    """The nearest faces alone."""
    shape = (*size, 1)
    nearest = Nearest.of(clip, faces, size)
    place = nearest.pixels()
    parts = [_inside(nearest, some, size) for some in place.split(PIXELS)]
    return _fragments(nearest.faces().view(shape), parts, place, shape)


def _as_found(search: Search) -> Fragments:
    """What is found, as it was measured: each band of rows puts its own where it belongs."""
    triangles, width, slots = search.triangles, search.size[1], search.faces_per_pixel
    shape = (*search.size, slots)
    face = torch.empty(shape, dtype=torch.int64, device=triangles.vertices.device)
    zbuf, dists = (triangles.vertices.new_empty(shape) for _ in range(2))
    bary = triangles.vertices.new_empty(3, *shape)

    def fill(rows: slice) -> None:
        found, slot = search.within(rows)
        place = (found.pixel - rows.start * width) * slots + slot
        parent = triangles.parent.index_select(0, found.triangle)
        values = parent, *_near(triangles, found.triangle, found.measures)
        for whole, some in zip((face, zbuf, *bary, dists), values, strict=True):
            whole[rows].fill_(-1).view(-1).scatter_(0, place, some)

    list(side_by_side(fill, search.bands, face.device))
    return Fragments(face, zbuf, bary.permute(1, 2, 3, 0), dists)


def _measured_again(triangles: Triangles, search: Search) -> Fragments:
    """What is found, differentiable in the vertices of `triangles`."""
    shape = (*search.size, search.faces_per_pixel)
    bands = side_by_side(search.within, search.bands, triangles.vertices.device)
    pixels, numbers, slots = zip(
        *((found.pixel, found.triangle, slot) for found, slot in bands), strict=True
    )
    pixel, triangle = torch.cat(pixels), torch.cat(numbers)
    place = pixel * search.faces_per_pixel + torch.cat(slots)
    face = spread([triangles.parent.index_select(0, triangle)], place, shape)[0]
    parts = [
        _near(triangles, some, measured(triangles, some, where, search.size))
        for some, where in zip(triangle.split(BLOCK), pixel.split(BLOCK), strict=True)
    ]
    return _fragments(face, parts, place, shape)


def _fragments(
    face: Tensor, parts: Sequence[Sequence[Tensor]], place: Tensor, shape: tuple[int, ...]
) -> Fragments:
    """Put what `parts` have at `place`, in the list of all in `shape`."""
    zbuf, *bary, dists = (torch.cat(values) for values in zip(*parts, strict=True))
    return Fragments(
        face,
        spread([zbuf], place, shape)[0],
        spread(bary, place, shape).permute(1, 2, 3, 0),
        spread([dists], place, shape)[0],
    )


def _inside(nearest: Nearest, pixel: Tensor, size: tuple[int, int]) -> tuple[Tensor, ...]:
    """As of `_near`, of the nearest triangles at pixels (N,) that show one."""
    triangles, insides = nearest.triangles, nearest.insides
    triangle, shares = nearest.at_centers(pixel, size[1])
    dists = insides.dists(triangle, shares)
    some = triangles.parts_among(triangle)
    if len(some):
        *_, of_parts = measured(triangles, triangle[some], pixel[some], size)
        dists = dists.index_copy(0, some, of_parts)
    bary = triangles.in_parent(triangle, insides.in_perspective(triangle, shares))
    return insides.depth(triangle, shares), *bary, dists


def _near(triangles: Triangles, triangle: Tensor, measures: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Depth, three coordinates in the face and distance of triangles so `measured`, (N,) each."""
    zbuf, *bary, dists = measures
    return zbuf, *triangles.in_parent(triangle, bary), dists
