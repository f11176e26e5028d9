"""The paint on the surface: the matched original below, the field above it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .color import ColorMap
from .field import Field, Lookup
from .original import Original
from .surface import Shot
from .texture import MARGIN, Atlas, blocks, fill_margin, interpolate, rasterize_texels

EDGE = 0.1  # colours are kept this far from 0 and 1 before they become logits
BLOCK = 1 << 18  # texels baked at once


@dataclass(frozen=True)
class Painting:
    """What is optimised, and how it becomes colours.

    Attributes:
        original: the look it starts from.
        color_map: from the original's colours to the style's.
        field: the paint, added to the logit of the mapped original.
        atlas: where faces that share texels look their paint up.
    """

    original: Original
    color_map: ColorMap
    field: Field
    atlas: Atlas

    def points(self, shot: Shot) -> Tensor:
        """Where (N, 3) the points of a view look their paint up in the field."""
        uv = interpolate(self.original.surface.uvs[shot.face], shot.bary)
        return self.atlas.resolve(uv, shot.point)

    def base(self, face: Tensor, bary: Tensor, footprint: Tensor) -> Tensor:
        """Logits (N, 3) of the mapped original; arguments as of `Original.albedo`."""
        albedo = self.original.albedo(face, bary, footprint)
        return torch.logit(self.color_map(albedo).clamp(EDGE, 1 - EDGE))

    def colors(self, base: Tensor, lookups: list[Lookup]) -> Tensor:
        """Painted colours (N, 3) in 0-1 of points of logits `base` (N, 3)."""
        return torch.sigmoid(base + self.field(lookups))

    @torch.no_grad()
    def bake(self, size: int) -> Tensor:
        """The paint as a texture (size, size, 3) in 0-1, with margins.

        Texels that no island or margin reaches take the mean of those that are painted.
        """
        surface = self.original.surface
        texels = rasterize_texels(surface.uvs, (size, size))
        image = torch.zeros(size * size, 3, device=texels.bary.device)
        for part in blocks(len(texels.texel), BLOCK):
            face, bary = texels.face[part], texels.bary[part]
            footprint = torch.full_like(bary[:, 0], 1 / size)
            paint = self.field.evaluate(surface.points(face, bary))
            image[texels.texel[part]] = torch.sigmoid(self.base(face, bary, footprint) + paint)
        covered = torch.zeros(size * size, dtype=torch.bool, device=image.device)
        covered[texels.texel] = True
        mean = image[texels.texel].mean(0) if len(texels.texel) else image[0]
        image, covered = fill_margin(image.view(size, size, 3), covered.view(size, size), MARGIN)
        return image.where(covered[..., None], mean)


@dataclass(frozen=True)
class Plan:
    """A view, ready to be rendered again and again.

    Attributes:
        number: within its scale.
        shot: its surface points.
        base: (N, 3) logits of the mapped original.
        lookups: of its points in the field.
        content: (1, 3, H, W), the content target over the background.
    """

    number: int
    shot: Shot
    base: Tensor
    lookups: list[Lookup]
    content: Tensor
