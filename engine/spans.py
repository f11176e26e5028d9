"""Triangles to spans, runs of pixels in a row, and those to fragments: no loop over triangles.

Arrays have one contiguous row for each coordinate: that is several times as fast as one column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

# Under way at once: enough to keep several threads busy, little enough to bound memory.
TRIANGLES = 1 << 16
FRAGMENTS = 1 << 19
MIN_AREA = 1e-9  # pixels; smaller faces have no inside
# Corners from the top down, by which of 0 > 1, 1 > 2 and 0 > 2 hold, as bits of an index.
ORDERS = ((0, 1, 2), (1, 0, 2), (0, 2, 1), (0, 1, 2), (0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


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

    def fragments(self, width: int) -> tuple[Tensor, Tensor, Tensor]:
        """Span (N,), step within it (N,) and pixel (N,) of each fragment, int64.

        Args:
            width: of the frame, in pixels.
        """
        span, number, before = _expand(self.columns)
        start = self.row * width + self.first - before
        return span, number - before.index_select(0, span), number + start.index_select(0, span)


def picked(values: Tensor, index: Tensor) -> Tensor:
    """Columns `index` (M,) of values (C, N), as (C, M): `index_select` takes four times as long."""
    return torch.stack([row.index_select(0, index) for row in values])


def to_screen(clip: Tensor, size: tuple[int, int]) -> Tensor:
    """Clip space (4 or more, V) to (3, V) float64: pixels right and down, and NDC depth.

    Pixels' centres are at + 0.5.
    """
    height, width = size
    x, y, z, w = clip[:4].double()
    return torch.stack(((x / w + 1) * (width / 2), (1 - y / w) * (height / 2), z / w))


def blocks_of_triangles(screen: Tensor, corners: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Number of the first triangle and corners (3 coordinates, 3 corners, T) of each block.

    Args:
        screen: (3, V), of `to_screen`.
        corners: (3, T) int32, indices of vertices.
    """
    for start in range(0, corners.shape[1], TRIANGLES):
        block = corners[:, start : start + TRIANGLES].flatten()
        yield start, picked(screen, block).view(3, 3, -1)


def spans_of(corners: Tensor, size: tuple[int, int], radius: float) -> Iterator[Spans]:
    """Runs of pixels whose centres are in a triangle, or within `radius` of it at most.

    Edges run from their upper end down whichever triangle they belong to, so two triangles
    with a common edge round it alike and leave no gap.

    Args:
        corners: (3, 3, T) float64, of `blocks_of_triangles`.
        size: height and width.
        radius: in pixels; with 0 the spans are exact, otherwise somewhat generous.
    """
    height, width = size
    x, y, _ = corners
    area = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
    seen = (area.abs() > MIN_AREA) & (x.amax(0) + radius >= 0) & (x.amin(0) - radius <= width)
    (x0, x1, x2), (y0, y1, y2) = _from_the_top(x, y)
    top = (y0 - radius - 0.5).ceil().clamp(0, height)
    bottom = (y2 + radius - 0.5).floor().clamp(-1, height - 1)
    rows = (bottom - top + 1).clamp(min=0).to(torch.int64) * seen
    top = top.to(torch.int64)
    # On one side the edge from top to bottom, on the other one to the middle and one from there.
    long = torch.stack((x0, y0, x2 - x0, y2 - y0))
    short = torch.stack(
        [torch.cat(pair) for pair in ((x0, x1), (y0, y1), (x1 - x0, x2 - x1), (y1 - y0, y2 - y1))]
    )
    for part in _parts(rows, FRAGMENTS):
        triangle, number, before = _expand(rows[part])
        row = number + (top[part] - before).index_select(0, triangle)
        triangle = triangle + part.start
        center = row.to(corners.dtype) + 0.5
        middle = y1.index_select(0, triangle)
        edge = picked(long, triangle)
        at = []
        for level in (center - radius, center + radius) if radius else (center,):
            lower = (level >= middle).to(torch.int64) * corners.shape[2]
            at += [_cross(edge, level), _cross(picked(short, triangle + lower), level)]
        if radius:
            reached = (middle - center).abs() <= radius
            at.append(x1.index_select(0, triangle).where(reached, at[0]))
        reach = torch.stack(at)
        first = (reach.amin(0) - radius - 0.5).ceil().clamp(0, width)
        last = (reach.amax(0) + radius - 0.5).floor().clamp(-1, width - 1)
        columns = (last - first + 1).clamp(min=0).to(torch.int64)
        spans = Spans(triangle, row, first.to(torch.int64), columns)
        for some in _parts(columns, FRAGMENTS):
            yield Spans(*(values[some] for values in spans))


def _from_the_top(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Corners (3, T) of triangles from the top down, and from the left where they are level."""
    bits = [
        ((y[i] > y[j]) | ((y[i] == y[j]) & (x[i] > x[j]))).view(torch.uint8)
        for i, j in ((0, 1), (1, 2), (0, 2))
    ]
    code = bits[0] + 2 * bits[1] + 4 * bits[2]
    count = x.shape[1]
    orders = torch.tensor(ORDERS, device=x.device).T * count
    slot = picked(orders, code.to(torch.int32)) + torch.arange(count, device=x.device)
    slot = slot.flatten()
    x, y = (values.flatten().index_select(0, slot).view(3, -1) for values in (x, y))
    return x, y


def _cross(edge: Tensor, y: Tensor) -> Tensor:
    """Where (N,) edges are at heights `y` (N,), or the end that is nearest to there.

    Args:
        edge: (4, N), x and y of the upper end and what is added to it at the lower one.
    """
    x, upper, dx, dy = edge
    return x + ((y - upper) / dy.clamp(min=torch.finfo(dy.dtype).tiny)).clamp(0, 1) * dx


def _expand(counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Item of each element and its number among all, and how many are before each item."""
    item = torch.repeat_interleave(counts)
    return item, torch.arange(len(item), device=counts.device), counts.cumsum(0) - counts


def _parts(counts: Tensor, most: int) -> Iterator[slice]:
    """Slices of items that together count about `most` each; none where all count nothing."""
    if not len(counts):
        return
    until = counts.cumsum(0)
    total = int(until[-1])
    steps = torch.arange(most, total + most, most, device=counts.device)
    start = 0
    for end in torch.searchsorted(until, steps.clamp(max=total)).tolist():
        if end >= start:
            yield slice(start, end + 1)
        start = end + 1
