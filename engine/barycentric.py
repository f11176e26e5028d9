"""Where in a triangle places are that lie inside it.

Screen-space barycentric coordinates are planes over each triangle: three numbers say each of them
for all of its pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .columns import rows_at
from .spans import MIN_AREA, TRIANGLES, corners_of, doubled_areas

LEAST_STEEPNESS = 1e-30  # below it triangles have no inside


class Insides(NamedTuple):
    """Planes over the frame of T triangles.

    Attributes:
        planes: (6, T) float64, screen-space barycentric coordinates: the second corner's at the
            first pixel's centre, by the pixel to the right and by the pixel down, and the third's.
        ratios: (2, T) float, by how much more the second corner's coordinate counts in perspective
            than the first's, and the third's.
        depths: (3, T) float, NDC depth of the first corner, what is added to it at the others.
        heights: (3, T) float, of each corner above the edge opposite, in the units of which
            `Fragments.dists` are squares.
    """

    planes: Tensor
    ratios: Tensor
    depths: Tensor
    heights: Tensor

    @classmethod
    def of(
        cls, screen: Tensor, corners: Tensor, size: tuple[int, int], dtype: torch.dtype
    ) -> Insides:
        """The planes of all triangles, differentiable in `screen`.

        Args:
            screen: (4, V), of `to_screen`.
            corners: (3, T) int32, indices of vertices.
            size: height and width in pixels.
            dtype: of what need not be float64.
        """
        blocks = [
            _insides(corners_of(screen, some), size, dtype) for some in corners.split(TRIANGLES, 1)
        ]
        return cls(*(torch.cat(values, 1) for values in zip(*blocks, strict=True)))

    def at(self, triangle: Tensor, x: Tensor, y: Tensor) -> list[Tensor]:
        """Screen-space barycentric coordinates, (N,) of each corner, 0-1 and 1 together.

        Args:
            triangle: (N,) int.
            x, y: (N,) float64, right and down, in pixels from the first one's centre; inside
                but for rounding.
        """
        b, bx, by, c, cx, cy = rows_at(self.planes, triangle)
        b.addcmul_(x, bx).addcmul_(y, by)
        c.addcmul_(x, cx).addcmul_(y, cy)
        b = b.to(self.ratios.dtype).clamp(0, 1)
        rest = 1 - b
        c = torch.minimum(c.to(self.ratios.dtype).clamp(min=0), rest)
        return [rest - c, b, c]

    def in_perspective(self, triangle: Tensor, bary: list[Tensor]) -> list[Tensor]:
        """Barycentric coordinates on the triangles themselves, (N,) each, of those of `at`."""
        a, b, c = bary
        of_b, of_c = rows_at(self.ratios, triangle)
        b, c = b * of_b, c * of_c
        scale = (a + b + c).reciprocal()
        return [a * scale, b * scale, c * scale]

    def depth(self, triangle: Tensor, bary: list[Tensor]) -> Tensor:
        """NDC depth (N,) at screen-space barycentric coordinates."""
        depth, to_b, to_c = rows_at(self.depths, triangle)
        return depth.addcmul_(bary[1], to_b).addcmul_(bary[2], to_c)

    def dists(self, triangle: Tensor, bary: list[Tensor]) -> Tensor:
        """As of `Fragments.dists` (N,), at screen-space barycentric coordinates.

        Inside, the edge whose line is nearest is nearest itself.
        """
        a, b, c = (
            coordinate * height
            for coordinate, height in zip(bary, rows_at(self.heights, triangle), strict=True)
        )
        return -torch.minimum(torch.minimum(a, b), c).square()


def interpolate(corners: Tensor, bary: Tensor) -> Tensor:
    """Values (N, C) at barycentric coordinates (N, 3) of corner values (N, 3, C)."""
    (a, b, c), (u, v, w) = corners.unbind(1), bary[..., None].unbind(1)
    return a * u + b * v + c * w  # a sum over three costs three times as much


def _insides(
    corners: Tensor, size: tuple[int, int], dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What `Insides` has of triangles (4, 3, T) of `corners_of`."""
    x, y, z, w = corners
    area = doubled_areas(corners)
    (ab, ac), (down_ab, down_ac) = x[1:] - x[0], y[1:] - y[0]
    area = area.where(area.abs() > MIN_AREA, 1.0)
    right = torch.stack((down_ac, -down_ab)) / area  # (2, T), of the second corner and the third
    down = torch.stack((-ac, ab)) / area
    start = -(right * x[0] + down * y[0])
    slopes = torch.stack([torch.cat((-of.sum(0, True), of)) for of in (right, down)])  # (2, 3, T)
    steepness = slopes.square().sum(0).clamp(min=LEAST_STEEPNESS)  # by the pixel, squared
    return (
        torch.stack((start, right, down), 1).flatten(0, 1),
        (w[0] / w[1:]).to(dtype),
        torch.cat((z[:1], z[1:] - z[0])).to(dtype),
        (steepness.rsqrt() * (2 / min(size))).to(dtype),
    )
