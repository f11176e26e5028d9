"""The nearest fragments of each pixel, several of them, in the faces and near them.

For the soft blend and for gradients in vertices alone: painting rasterizes the nearest triangle of
each sample, and antialiases by samples (see `surface.shoot`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .blocks import blocks
from .columns import rows_at
from .edge_distances import measured
from .near_plane import Triangles
from .progressions import Progressions
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
        measures: depth, three barycentric coordinates and distance of `measured`, (N,) each.
    """

    pixel: Tensor
    triangle: Tensor
    measures: tuple[Tensor, ...]


class Search(NamedTuple):
    """What is looked for in a frame.

    Attributes:
        triangles: T of them.
        size: height and width in pixels.
        faces_per_pixel: slots of a pixel.
        blur_radius: as of `rasterize`.
        outlined: numbers (N,) of the triangles that may show, and their outlines, in parts.
    """

    triangles: Triangles
    size: tuple[int, int]
    faces_per_pixel: int
    blur_radius: float
    outlined: list[tuple[Tensor, Outlines]]

    @classmethod
    def of(
        cls, triangles: Triangles, size: tuple[int, int], faces_per_pixel: int, blur_radius: float
    ) -> Search:
        """The nearest fragments of each pixel, as many as it has slots."""
        search = cls(triangles, size, faces_per_pixel, blur_radius, [])
        return search._replace(outlined=list(_outlined(triangles, size, search.radius)))

    @property
    def radius(self) -> float:
        """How near to a triangle counts, in pixels."""
        return self.blur_radius**0.5 * min(self.size) / 2

    @property
    def bands(self) -> Iterator[slice]:
        """Rows of the frame, from the top down, that are worked at side by side."""
        return blocks(self.size[0], max(1, BAND // self.size[1]))

    def within(self, rows: slice) -> tuple[Found, Tensor]:
        """What is found in some rows, pixel after pixel, and the slots (N,) int64."""
        none = torch.empty(0, dtype=torch.int64, device=self.triangles.vertices.device)
        nothing = measured(self.triangles, none, none, self.size)
        kept, count = [Found(none, none, nothing)], 0
        for found in self._all_within(rows):
            kept.append(found)
            count += len(found.pixel)
            if count > CHUNK:
                kept, count = [self._first(kept)[0]], 0
        return self._first(kept)

    def _all_within(self, rows: slice) -> Iterator[Found]:
        """All that may be in triangles, or near them, in some rows, a part at a time."""
        width = self.size[1]
        for number, outlines in self.outlined:
            for spans in spans_of(outlines.within(rows), self.size, self.radius, FRAGMENTS):
                fragments = Progressions.of(spans.columns)
                triangle = fragments.in_steps(number.index_select(0, spans.triangle), 0)
                pixel = fragments.in_steps(spans.row * width + spans.first, 1)
                measures = measured(self.triangles, triangle, pixel, self.size)
                yield Found(pixel, triangle, measures)

    def _first(self, kept: Sequence[Found]) -> tuple[Found, Tensor]:
        """The nearest fragments of each pixel, pixel after pixel, and their slots (M,).

        What is too far from its face does not count, nor what is behind the far plane.

        Args:
            kept: as they were found; of those alike the first come first.
        """
        pixel, triangle, measures = _joined(kept)
        near = (measures[-1] < max(self.blur_radius, ROUNDED)) & (measures[0] <= 1)
        key, depths = _keys(pixel, measures[0], ~near)
        key, order = key.sort(stable=True)
        many = (key[: int(near.sum())] >> depths).unique_consecutive(return_counts=True)[1]
        slot = Progressions.of(many).in_steps(torch.zeros_like(many), 1)
        first = (slot < self.faces_per_pixel).nonzero().squeeze(-1)
        chosen = order.index_select(0, first)
        pixel, triangle, *rows = rows_at((pixel, triangle, *measures), chosen)
        return Found(pixel, triangle, tuple(rows)), slot.index_select(0, first)


def _outlined(
    triangles: Triangles, size: tuple[int, int], radius: float
) -> Iterator[tuple[Tensor, Outlines]]:
    """As `Search` has them, of triangles and what is as near as `radius` pixels to them."""
    screen = to_screen(triangles.vertices, size)
    for start in range(0, triangles.corners.shape[1], TRIANGLES):
        corners = corners_of(screen, triangles.corners[:, start : start + TRIANGLES])
        shown = in_frame(corners, doubled_areas(corners), size, radius)
        yield shown + start, Outlines.of(corners.index_select(2, shown), size, radius)


def _joined(parts: Sequence[Found]) -> Found:
    """All of the parts' fragments, one part's after the other."""
    pixel, triangle, measures = zip(*parts, strict=True)
    rows = tuple(torch.cat(values) for values in zip(*measures, strict=True))
    return Found(torch.cat(pixel), torch.cat(triangle), rows)


def _keys(pixel: Tensor, zbuf: Tensor, last: Tensor) -> tuple[Tensor, int]:
    """Numbers (N,) int64 in the order of pixels (N,) and depths (N,), and the depths' bits.

    The bits of floats that are not negative are in their order. As few as tell pixels and depths
    apart: what is sorted takes a pass for each eight.

    Args:
        pixel, zbuf: as above.
        last: (N,) bool, which come after all others.
    """
    if not len(pixel):
        return pixel, 0
    depth = (zbuf.float() + 1).clamp(0, 2).view(torch.int32).long()
    (least, most), (start, end) = depth.aminmax(), pixel.aminmax()
    bits = int(most - least).bit_length()
    key = ((pixel - start) << bits) | (depth - least)
    return key.masked_fill_(last, int(end - start + 1) << bits), bits
