"""The nearest fragments of each pixel, several of them, in the faces and near them.

For the soft blend and for gradients in vertices alone: painting rasterizes the nearest triangle of
each sample, and antialiases by samples (see `surface.shoot`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .blocks import blocks
from .columns import picked
from .edge_distances import measured
from .near_plane import Triangles
from .progressions import Progressions
from .side_by_side import side_by_side
from .spans import TRIANGLES, Outlines, corners_of, doubled_areas, in_frame, spans_of, to_screen

BAND = 1 << 15  # pixels of the rows that are worked at side by side with others
# Fragments of which the nearest are looked for at once: bounds the memory of much overdraw.
CHUNK = 1 << 21
FRAGMENTS = 1 << 16  # measured at once: as many as processors' caches hold
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
    screen = to_screen(triangles.vertices, size)
    none = torch.empty(0, dtype=torch.int64, device=screen.device)
    radius = blur_radius**0.5 * min(size) / 2
    empty = Found(none, none, triangles.vertices.new_empty(5, 0))
    outlined = list(_outlined(triangles, screen, size, radius))

    def of_band(rows: slice) -> tuple[Found, Tensor]:
        kept, count = [empty], 0
        for found in _within(triangles, outlined, size, radius, rows):
            kept.append(found)
            count += len(found.pixel)
            if count > CHUNK:
                kept, count = [_first(kept, faces_per_pixel, blur_radius)[0]], 0
        return _first(kept, faces_per_pixel, blur_radius)

    bands = blocks(size[0], max(1, BAND // size[1]))
    found, slots = zip(*side_by_side(of_band, bands, screen.device), strict=True)
    return _joined(found), torch.cat(slots)


def _outlined(
    triangles: Triangles, screen: Tensor, size: tuple[int, int], radius: float
) -> Iterator[tuple[Tensor, Outlines]]:
    """Numbers (N,) of the triangles that may show, and their outlines, a part at a time.

    Args:
        triangles, size: as of `nearest_fragments`.
        screen: of `to_screen`, of the triangles' vertices.
        radius: how near counts, in pixels.
    """
    for start in range(0, triangles.corners.shape[1], TRIANGLES):
        corners = corners_of(screen, triangles.corners[:, start : start + TRIANGLES])
        shown = in_frame(corners, doubled_areas(corners), size, radius)
        yield shown + start, Outlines.of(corners.index_select(2, shown), size, radius)


def _within(
    triangles: Triangles,
    outlined: Iterable[tuple[Tensor, Outlines]],
    size: tuple[int, int],
    radius: float,
    rows: slice,
) -> Iterator[Found]:
    """All that may be in triangles, or near them, in some rows of the frame, a part at a time.

    Args:
        outlined: of `_outlined`; others as there.
        rows: of the frame.
    """
    for number, outlines in outlined:
        for spans in spans_of(outlines.within(rows), size, radius, FRAGMENTS):
            fragments = Progressions.of(spans.columns)
            triangle = fragments.in_steps(number.index_select(0, spans.triangle), 0)
            pixel = fragments.in_steps(spans.row * size[1] + spans.first, 1)
            zbuf, bary, dists = measured(triangles, triangle, pixel, size)
            yield Found(pixel, triangle, torch.stack((zbuf, *bary, dists)))


def _joined(parts: Sequence[Found]) -> Found:
    """All of the parts' fragments, one part's after the other."""
    pixel, triangle, measures = zip(*parts, strict=True)
    return Found(torch.cat(pixel), torch.cat(triangle), torch.cat(measures, 1))


def _first(kept: Sequence[Found], faces_per_pixel: int, blur_radius: float) -> tuple[Found, Tensor]:
    """The nearest fragments of each pixel, pixel after pixel, and their slots (M,).

    Args:
        kept: as they were found; of those alike the first come first.
        faces_per_pixel: how many of each pixel, at most.
        blur_radius: what is farther from its face does not count, nor what is behind the far plane.
    """
    pixel, triangle, measures = _joined(kept)
    near = (measures[-1] < max(blur_radius, ROUNDED)) & (measures[0] <= 1)
    index = near.nonzero().squeeze(-1)
    key, depths = _keys(pixel.index_select(0, index), measures[0].index_select(0, index))
    key, order = key.sort(stable=True)
    many = (key >> depths).unique_consecutive(return_counts=True)[1]
    slot = Progressions.of(many).in_steps(torch.zeros_like(many), 1)
    first = (slot < faces_per_pixel).nonzero().squeeze(-1)
    chosen = index.index_select(0, order.index_select(0, first))
    found = Found(
        pixel.index_select(0, chosen), triangle.index_select(0, chosen), picked(measures, chosen)
    )
    return found, slot.index_select(0, first)


def _keys(pixel: Tensor, zbuf: Tensor) -> tuple[Tensor, int]:
    """Numbers (N,) int64 in the order of pixels (N,) and depths (N,), and the depths' bits.

    The bits of floats that are not negative are in their order. As few as tell pixels and depths
    apart: what is sorted takes a pass for each eight.
    """
    depth = (zbuf.float() + 1).clamp(min=0).view(torch.int32).long()
    if not len(depth):
        return pixel, 0
    least, most = depth.aminmax()
    bits = int(most - least).bit_length()
    return ((pixel - pixel.amin()) << bits) | (depth - least), bits
