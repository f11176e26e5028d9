"""Triangles to fragments, in plain torch: no compiler, no loop over faces.

Faces expand to rows, rows to spans, spans to fragments; the nearest fragments of each pixel
are kept, and measured. The names and layouts of the output are PyTorch3D's, depths and axes
are OpenGL's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from .edge_distances import measured
from .frame import spread
from .near_plane import Triangles, cut
from .nearest import PIXELS, Nearest
from .nearest_fragments import nearest_fragments

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
    shape = (*size, faces_per_pixel)
    if faces_per_pixel == 1 and blur_radius == 0:
        nearest = Nearest.of(clip, faces, size)
        face = nearest.faces().view(shape)
        place = nearest.pixels()
        parts = [_inside(nearest, some, size) for some in place.split(PIXELS)]
    else:
        triangles = cut(clip, faces)
        detached = triangles._replace(vertices=triangles.vertices.detach())
        found, slot = nearest_fragments(detached, size, faces_per_pixel, blur_radius)
        place = found.pixel * faces_per_pixel + slot
        face = spread([triangles.parent.index_select(0, found.triangle)], place, shape)[0]
        if triangles.vertices.requires_grad:  # which what was measured for all has not
            parts = [
                _near(triangles, some, measured(triangles, some, pixel, size))
                for some, pixel in zip(
                    found.triangle.split(BLOCK), found.pixel.split(BLOCK), strict=True
                )
            ]
        else:
            zbuf, *bary, dists = found.measures
            parts = [_near(triangles, found.triangle, (zbuf, bary, dists))]
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
        _, _, of_parts = measured(triangles, triangle[some], pixel[some], size)
        dists = dists.index_copy(0, some, of_parts)
    bary = triangles.in_parent(triangle, insides.in_perspective(triangle, shares))
    return insides.depth(triangle, shares), *bary, dists


def _near(
    triangles: Triangles, triangle: Tensor, measures: tuple[Tensor, Iterable[Tensor], Tensor]
) -> tuple[Tensor, ...]:
    """Depth, three coordinates in the face and distance of triangles so `measured`, (N,) each."""
    zbuf, bary, dists = measures
    return zbuf, *triangles.in_parent(triangle, list(bary)), dists
