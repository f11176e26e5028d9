"""Triangles to spans, runs of pixels in a row, and those to fragments: no loop over triangles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .columns import picked, rows_at
from .progressions import Progressions

TRIANGLES = 1 << 16  # under way at once: bounds memory
MIN_AREA = 1e-9  # square pixels, of `doubled_areas`; smaller triangles have no inside


class Spans(NamedTuple):
    """Runs of pixels of a block of triangles.

    Attributes:
        triangle: (S,) int64, index in the block.
        row, first: (S,) int64, row and column of the first pixel.
        columns: (S,) int64, number of pixels, >= 0.
    """

    triangle: Tensor
    row: Tensor
    first: Tensor
    columns: Tensor


def to_screen(vertices: Tensor, size: tuple[int, int]) -> Tensor:
    """Clip space (4 or more, V) to (4, V) float64; differentiable.

    Pixels right and down, of which the first one's centre is at 0, NDC depth, and w.
    """
    height, width = size
    x, y, z, w = vertices[:4].double()
    w = w.where(w != 0, 1.0)  # which vertices in front of the camera do not have
    return torch.stack(
        ((x / w + 1) * (width / 2) - 0.5, (1 - y / w) * (height / 2) - 0.5, z / w, w)
    )


def corners_of(screen: Tensor, corners: Tensor) -> Tensor:
    """What corners of triangles have, (C, 3 corners, T).

    Args:
        screen: (C, V), of vertices.
        corners: (3, T) int32, indices of these.
    """
    return picked(screen, corners.flatten()).view(len(screen), 3, -1)


def doubled_areas(corners: Tensor) -> Tensor:
    """Twice the signed areas (T,) of triangles (2 or more, 3, T) of `corners_of`."""
    x, y = corners[:2]
    return (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])


class Outlines(NamedTuple):
    """Edges of T triangles from their upper ends down.

    Attributes:
        top: (T,) int64, first row.
        rows: (T,) int64, how many there are, >= 0.
        middle: (2, T) float64, x and y of the middle corner.
        edges: (4, 3 T) float64, from the upper corner to the lower one of each triangle, from
            the upper one to the middle one, and from there down. Of each x and y of its upper
            end, the way right by the pixel down, 0 where it is level, and how far down it goes.
    """

    top: Tensor
    rows: Tensor
    middle: Tensor
    edges: Tensor

    @classmethod
    def of(cls, corners: Tensor, size: tuple[int, int], radius: float) -> Outlines:
        """Of triangles and what is as near as `radius` to them.

        Args:
            corners: (2 or more, 3, T) float64, of `corners_of`.
            size: height and width in pixels.
            radius: in pixels.
        """
        upper, middle, lower = _from_the_top(corners)
        top = (upper[1] - radius).ceil().clamp(0, size[0])
        bottom = (lower[1] + radius).floor().clamp(-1, size[0] - 1)
        starts = [torch.cat(values) for values in zip(upper, upper, middle, strict=True)]
        ends = [torch.cat(values) for values in zip(lower, middle, lower, strict=True)]
        down = ends[1] - starts[1]
        slope = ((ends[0] - starts[0]) / down).masked_fill_(down <= 0, 0)
        return cls(
            top.to(torch.int64),
            (bottom - top + 1).clamp(min=0).to(torch.int64),
            torch.stack(middle),
            torch.stack((*starts, slope, down)),
        )

    def within(self, rows: slice) -> Outlines:
        """The part of each that lies in some rows of the frame."""
        top = self.top.clamp(rows.start, rows.stop)
        end = (self.top + self.rows).clamp(rows.start, rows.stop)
        return self._replace(top=top, rows=end - top)


def in_frame(corners: Tensor, area: Tensor, size: tuple[int, int], radius: float) -> Tensor:
    """Indices (N,) int64 of triangles that have an inside and are within `radius` of the frame.

    More precisely, of which the rectangle around has a pixel's centre in it.

    Args:
        corners: (2 or more, 3, T), of `corners_of`.
        area: (T,), of `doubled_areas`, in square pixels.
        size: height and width in pixels.
        radius: in pixels.
    """
    seen = area.abs() > MIN_AREA
    low, high = (corners[:2].amin(1) - radius).ceil(), corners[:2].amax(1) + radius  # (2, T)
    for first, last, side in zip(low, high, size[::-1], strict=True):
        seen &= first.clamp(min=0) <= last.clamp(max=side - 1)
    return seen.nonzero().squeeze(-1)


def spans_of(
    outlines: Outlines, size: tuple[int, int], radius: float, most: int
) -> Iterator[Spans]:
    """Runs of pixels whose centres are in triangles, or within `radius` of them at most.

    Edges run from their upper end down whichever triangle they belong to, so two triangles
    with a common edge round it alike and leave no gap.

    Args:
        outlines: of triangles and what is as near as `radius`.
        size: height and width in pixels.
        radius: in pixels; with 0 the spans are exact, otherwise somewhat generous.
        most: fragments at once, about.
    """
    width = size[1]
    middle_x, middle_y = outlines.middle
    index = torch.arange(len(outlines.rows), device=outlines.rows.device)
    for part in parts(outlines.rows, most):
        laid = Progressions.of(outlines.rows[part])
        triangle = laid.in_steps(index[part], 0)
        row = laid.in_steps(outlines.top[part], 1)
        center = row.to(outlines.edges.dtype)
        middle = middle_y.index_select(0, triangle)
        at = []
        for level in (center - radius, center + radius) if radius else (center,):
            lower = (level >= middle).to(torch.int64)  # whether past the middle corner
            short = (1 + lower) * len(index) + triangle  # as edges are laid out
            at += [_crossed(outlines.edges, edge, level, radius) for edge in (triangle, short)]
        if radius:
            reached = (middle - center).abs() <= radius
            at.append(middle_x.index_select(0, triangle).where(reached, at[0]))
        left, right = at[0], at[0]
        for other in at[1:]:
            left, right = torch.minimum(left, other), torch.maximum(right, other)
        if radius:
            left, right = left - radius, right + radius
        first, last = left.ceil_().clamp_(0, width), right.floor_().clamp_(-1, width - 1)
        columns = (last - first + 1).clamp_(min=0).to(torch.int64)
        spans = Spans(triangle, row, first.to(torch.int64), columns)
        for some in parts(columns, most):
            yield Spans(*(values[some] for values in spans))


def _from_the_top(corners: Tensor) -> list[tuple[Tensor, Tensor]]:
    """x and y (T,) of each corner of triangles (2 or more, 3, T), from the top down."""
    out = list(zip(*corners[:2], strict=True))
    for i, j in ((0, 1), (1, 2), (0, 1)):
        (upper_x, upper), (lower_x, lower) = out[i], out[j]
        turned = upper > lower
        out[i] = torch.where(turned, lower_x, upper_x), torch.minimum(upper, lower)
        out[j] = torch.where(turned, upper_x, lower_x), torch.maximum(upper, lower)
    return out


def _crossed(edges: Tensor, index: Tensor, level: Tensor, radius: float) -> Tensor:
    """Where edges `index` (N,) are at heights (N,), or their end next to there.

    Args:
        edges: (4, E), as of `Outlines`.
        index, level: as above.
        radius: how far the heights are beyond the edges at most.
    """
    x, upper, slope = rows_at(edges[:3], index)
    below = level - upper
    if radius:
        below = torch.minimum(below.clamp(min=0), edges[3].index_select(0, index))
    return x.addcmul_(below, slope)


def parts(counts: Tensor, most: int) -> Iterator[slice]:
    """Slices of items that together count about `most` each; none where all count nothing."""
    until = counts.cumsum(0)
    total = int(until[-1]) if len(counts) else 0
    steps = torch.arange(most, total + most, most, device=counts.device)
    start = 0
    for end in torch.searchsorted(until, steps.clamp(max=total)).tolist():
        if end >= start:
            yield slice(start, end + 1)
        start = end + 1
