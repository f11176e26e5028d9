"""The strokes in relief: a height from the paint's fine differences of luma.

The height is a function of the place on the surface, as the paint is, and knows no texels: so
it has no seams, and its slopes do not depend on how the UVs are stretched.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .baking import Tell, bake
from .blocks import blocks
from .color import grey
from .local_mean import LocalMean
from .painting import Ground, Painting
from .samples import Samples
from .tangents import Tangents

STROKE = 0.025  # width of a brush stroke, of the object's largest side
PERIOD = 2  # strokes' widths from one to the next: what is broader is no relief
HEIGHT = 0.4  # from the lowest to the highest, of a stroke's width
PERCENTILE = 0.99  # of the detail that keeps its height; what is stronger is cut off
LEAST_DETAIL = 0.02  # luma in 0-1 that full height stands for at least
BLOCK = 1 << 18  # points at once


@dataclass(frozen=True)
class Relief:
    """Heights everywhere on a painted surface.

    Attributes:
        painting: what is in relief.
        mean: the paint, averaged over about a stroke and what lies beside it.
        contrast: luma above the mean's that is as high as it gets.
        height: from 0 to 1 in world units.
    """

    painting: Painting
    mean: LocalMean
    contrast: float
    height: float

    @classmethod
    @torch.no_grad()
    def of(cls, painting: Painting) -> Relief:
        """The relief of a painting; its texture's size has no say in it."""
        surface = painting.original.surface
        samples = Samples.of(surface, painting.atlas.sizes.tolist())
        points = samples.point
        parts = list(blocks(len(points), BLOCK))
        paint = torch.cat([painting.field.beside(points[part]) for part in parts])  # (N, 3)
        cell = PERIOD * STROKE * surface.extent
        mean = LocalMean.of(points, paint, cell=cell, seed=0)
        detail = [paint.new_zeros(1)]
        for part in parts:
            ground = painting.ground(
                samples.face[part], samples.bary[part], samples.footprint[part]
            )
            found = _detail(painting, ground, paint[part], mean(points[part])).abs()
            detail.append(found[ground.cover[:, 0] > 0])
        contrast = float(torch.cat(detail).quantile(PERCENTILE))
        height = HEIGHT * STROKE * surface.extent
        return cls(painting, mean, max(contrast, LEAST_DETAIL), height)

    def heights(self, points: Tensor, ground: Ground) -> Tensor:
        """Heights (N,) in 0-1, 0.5 where it is level.

        Args:
            points: (N, 3), world space, on the surface or next to it.
            ground: what lies below the paint there.
        """
        paint = self.painting.field.beside(points)
        detail = _detail(self.painting, ground, paint, self.mean(points))
        return 0.5 + 0.5 * (detail / self.contrast).clamp(-1, 1)

    def bake_heights(self, shape: tuple[int, int], tell: Tell, texture: int = 0) -> Tensor:
        """The height map (height, width, 1) in 0-1 of that texture, with margins."""
        painting, surface = self.painting, self.painting.original.surface

        def values(face: Tensor, bary: Tensor, footprint: Tensor) -> Tensor:
            ground = painting.ground(face, bary, footprint)
            return self.heights(surface.points(face, bary), ground)[:, None]

        return bake(surface, texture, shape, 1, values, tell)

    def bake_normals(self, shape: tuple[int, int], tell: Tell, texture: int = 0) -> Tensor:
        """The tangent-space normal map (height, width, 3) in 0-1, +Y up as OpenGL's, with margins.

        Slopes are differences along the surface over the finest voxel of the paint.
        """
        painting, surface = self.painting, self.painting.original.surface
        tangents = Tangents.of(surface)
        step = painting.field.lattices[-1].cell / 2

        def values(face: Tensor, bary: Tensor, footprint: Tensor) -> Tensor:
            ground, points = painting.ground(face, bary, footprint), surface.points(face, bary)
            slopes = [
                (self.heights(points + away, ground) - self.heights(points - away, ground))
                * (self.height / (2 * step))
                for away in (step * way for way in tangents.at(face, bary))
            ]
            up = torch.ones_like(slopes[0])
            normal = torch.stack((-slopes[0], -slopes[1], up), -1)  # (N, 3)
            return 0.5 + 0.5 * torch.nn.functional.normalize(normal, dim=-1)

        return bake(surface, texture, shape, 3, values, tell)


def _detail(painting: Painting, ground: Ground, paint: Tensor, mean: Tensor) -> Tensor:
    """Luma (N,) of the paint above that of its mean; values of the field (N, 3) both."""
    return grey(painting.colors(ground, paint) - painting.colors(ground, mean))[:, 0]
