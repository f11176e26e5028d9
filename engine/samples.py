"""Points all over a surface, a texel apart: where its paint can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .footprints import of_texels
from .surface import Surface
from .texture import Texels

SIDE = 2048  # of the square texture that has as many texels as the samples of all textures
LEAST = 64  # texels on a side of each texture


class Samples(NamedTuple):
    """The texels of all textures of a surface, and the points that they paint.

    Attributes:
        texels: of each texture.
        face: (M,) int64.
        bary: (M, 3) float32.
        footprint: (M, 2, 2) float32, of a texel.
        point: (M, 3) float32, world space.
    """

    texels: list[Texels]
    face: Tensor
    bary: Tensor
    footprint: Tensor
    point: Tensor

    @classmethod
    def of(cls, surface: Surface, sizes: Sequence[int]) -> Samples:
        """The samples of square textures with sides of `sizes` texels."""
        texels = [surface.texels(number, (size, size)) for number, size in enumerate(sizes)]
        face = torch.cat([each.face for each in texels])
        bary = torch.cat([each.bary for each in texels])
        footprint = torch.cat(
            [of_texels(each.bary, (size, size)) for each, size in zip(texels, sizes, strict=True)]
        )
        return cls(texels, face, bary, footprint, surface.points(face, bary))


def sample_sizes(surface: Surface, shapes: Sequence[tuple[int, int]]) -> list[int]:
    """Sides in texels for `Samples` of textures of `shapes`: as dense on each as on the others.

    Together they have as many texels as one of SIDE; none is larger than the texture itself.
    """
    areas = surface.face_areas.new_zeros(len(shapes))
    areas.index_add_(0, surface.textures, surface.face_areas)
    shares = (areas / areas.sum()).tolist()
    return [
        min(max(round(SIDE * math.sqrt(share)), LEAST), max(shape))
        for share, shape in zip(shares, shapes, strict=True)
    ]
