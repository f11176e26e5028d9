"""The nearest fragments of each pixel, several of them, in the faces and near them.

For the soft blend and for gradients in vertices alone: painting rasterizes the nearest triangle of
each sample, and antialiases by samples (see `surface.shoot`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .edge_distances import measured
from .near_plane import Triangles
from .progressions import Progressions
from .spans import TRIANGLES, Outlines, corners_of, doubled_areas, in_frame, spans_of, to_screen

# Fragments of which the nearest are looked for at once: bounds the memory of much overdraw.
CHUNK = 1 << 22
# Measured at once: enough to keep several threads busy, little enough to bound memory.
FRAGMENTS = 1 << 19
ROUNDED = 1e-12  # squared distance from a face at which a pixel on its edge may be measured


def nearest_fragments(
    triangles: Triangles, size: tuple[int, int], faces_per_pixel: int, blur_radius: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel, slot and triangle, (N,) int64 each, of the nearest fragments of each pixel.

    Args:
        triangles: T of them.
        size: height and width in pixels.
        faces_per_pixel: slots of a pixel.
        blur_radius: as of `rasterize`.
    """
    radius = blur_radius**0.5 * min(size) / 2
    empty = torch.empty(0, dtype=torch.int64, device=triangles.corners.device)
    kept, count = [(empty, empty)], 0
    screen = to_screen(triangles.vertices, size)
    for start in range(0, triangles.corners.shape[1], TRIANGLES):
        corners = corners_of(screen, triangles.corners[:, start : start + TRIANGLES])
        shown = in_frame(corners, doubled_areas(corners), size, radius)
        outlines = Outlines.of(corners.index_select(2, shown), size, radius)
        for spans in spans_of(outlines, size, radius, FRAGMENTS):
            fragments = Progressions.of(spans.columns)
            triangle = fragments.in_steps(shown.index_select(0, spans.triangle) + start, 0)
            pixel = fragments.in_steps(spans.row * size[1] + spans.first, 1)
            zbuf, _, dists = measured(triangles, triangle, pixel, size)
            near = (dists < max(blur_radius, ROUNDED)) & (zbuf <= 1)
            near = near.nonzero().squeeze(-1)
            depth = (zbuf.index_select(0, near).float() + 1).clamp(min=0)
            # the bits of such floats are in the same order
            key = (pixel.index_select(0, near) << 32) | depth.view(torch.int32)
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
