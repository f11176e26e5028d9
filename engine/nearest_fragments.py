"""The nearest fragments of each pixel, several of them, in the faces and near them.

For the soft blend and for gradients in vertices alone: painting rasterizes the nearest triangle of
each sample, and antialiases by samples (see `surface.shoot`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .columns import picked
from .edge_distances import measured
from .near_plane import Triangles
from .progressions import Progressions
from .spans import TRIANGLES, Outlines, corners_of, doubled_areas, in_frame, spans_of, to_screen

# Fragments of which the nearest are looked for at once: bounds the memory of much overdraw.
CHUNK = 1 << 22
# Measured at once: enough to keep several threads busy, little enough to bound memory.
FRAGMENTS = 1 << 19
ROUNDED = 1e-12  # squared distance from a face at which a pixel on its edge may be measured


class Found(NamedTuple):
    """Fragments of triangles in pixels, or near them.

    Attributes:
        pixel: (N,) int64.
        triangle: (N,) int64.
        measures: (5, N) float, depth, three barycentric coordinates and distance of `measured`.
    """

    pixel: Tensor
    triangle: Tensor
    measures: Tensor


def nearest_fragments(
    triangles: Triangles, size: tuple[int, int], faces_per_pixel: int, blur_radius: float
) -> tuple[Found, Tensor]:
    """The nearest fragments of each pixel, pixel after pixel, and their slots (N,) int64.

    Args:
        triangles: T of them.
        size: height and width in pixels.
        faces_per_pixel: slots of a pixel.
        blur_radius: as of `rasterize`.
    """
    radius = blur_radius**0.5 * min(size) / 2
    none = torch.empty(0, dtype=torch.int64, device=triangles.corners.device)
    kept, count = [Found(none, none, triangles.vertices.new_empty(5, 0))], 0
    screen = to_screen(triangles.vertices, size)
    for start in range(0, triangles.corners.shape[1], TRIANGLES):
        corners = corners_of(screen, triangles.corners[:, start : start + TRIANGLES])
        shown = in_frame(corners, doubled_areas(corners), size, radius)
        outlines = Outlines.of(corners.index_select(2, shown), size, radius)
        for spans in spans_of(outlines, size, radius, FRAGMENTS):
            fragments = Progressions.of(spans.columns)
            triangle = fragments.in_steps(shown.index_select(0, spans.triangle) + start, 0)
            pixel = fragments.in_steps(spans.row * size[1] + spans.first, 1)
            zbuf, bary, dists = measured(triangles, triangle, pixel, size)
            near = (dists < max(blur_radius, ROUNDED)) & (zbuf <= 1)
            kept.append(_some(near.nonzero().squeeze(-1), pixel, triangle, (zbuf, *bary, dists)))
            count += len(kept[-1].pixel)
            if count > CHUNK:
                kept, count = [_first(kept, faces_per_pixel)[0]], 0
    return _first(kept, faces_per_pixel)


def _some(index: Tensor, pixel: Tensor, triangle: Tensor, measures: Sequence[Tensor]) -> Found:
    """The fragments `index` (M,) of what `Found` has."""
    return Found(
        pixel.index_select(0, index), triangle.index_select(0, index), picked(measures, index)
    )


def _first(kept: list[Found], faces_per_pixel: int) -> tuple[Found, Tensor]:
    """The nearest fragments of each pixel, pixel after pixel, and their slots (M,).

    Args:
        kept: as they were found; of those alike the first come first.
        faces_per_pixel: how many of each pixel, at most.
    """
    pixel, triangle = (torch.cat([each[i] for each in kept]) for i in (0, 1))
    measures = torch.cat([each.measures for each in kept], 1)
    key, depths = _keys(pixel, measures[0])
    key, order = key.sort(stable=True)
    many = (key >> depths).unique_consecutive(return_counts=True)[1]
    slot = Progressions.of(many).in_steps(torch.zeros_like(many), 1)
    first = (slot < faces_per_pixel).nonzero().squeeze(-1)
    found = _some(order.index_select(0, first), pixel, triangle, measures.unbind())
    return found, slot.index_select(0, first)


def _keys(pixel: Tensor, zbuf: Tensor) -> tuple[Tensor, int]:
    """Numbers (N,) int64 in the order of pixels (N,) and depths (N,), and the depths' bits.

    The bits of floats that are not negative are in their order. As few as tell them apart: what is
    sorted takes a pass for each eight.
    """
    depth = (zbuf.float() + 1).clamp(min=0).view(torch.int32).long()
    if not len(depth):
        return pixel, 0
    least, most = depth.aminmax()
    bits = int(most - least).bit_length()
    return (pixel << bits) | (depth - least), bits
