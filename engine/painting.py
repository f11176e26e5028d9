"""The paint on the surface: the matched original below, the field above it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .aims import Aim
from .allocator import keeping_freed_memory
from .baking import Tell, bands, cover, finish, mean_of_faces, put
from .barycentric import interpolate
from .color import ColorMap, grey, with_greys
from .field import Field
from .footprints import of_texels
from .interpolation import Lookups
from .original import Original
from .prefilter import prefiltered
from .side_by_side import side_by_side
from .sight import Sight
from .surface import Shot
from .texture import Atlas, Texels

EDGE = 0.1  # colors are kept this far from 0 and 1 before they become logits
FAITHFUL_EDGE = 1 / 255  # the same where the look itself is to be kept


class Ground(NamedTuple):
    """What lies below the paint at N points of the surface.

    Attributes:
        albedo: (N, 3) the original's colors.
        logits: (N, 3) what the field is added to.
        regions: (N, S) how strongly each style is wanted, 0-1.
    """

    albedo: Tensor
    logits: Tensor
    regions: Tensor

    @property
    def cover(self) -> Tensor:
        """(N, 1) how much of the original the paint hides, 0-1."""
        return self.regions.sum(-1, keepdim=True).clamp(max=1)


@dataclass(frozen=True)
class Painting:
    """What is optimised, and how it becomes colors.

    Attributes:
        original: the look it starts from.
        aims: the styles.
        starts: for each style, from the original's colors to those it starts from.
        keeps_hues: whether only the luma is painted.
        field: the paint, added to the logit of the mapped original.
        atlas: where faces that share texels look their paint up.
        edge: how far from 0 and 1 the colors are kept that it starts from.
    """

    original: Original
    aims: tuple[Aim, ...]
    starts: tuple[ColorMap, ...]
    keeps_hues: bool
    field: Field
    atlas: Atlas
    edge: float = EDGE

    @property
    def background(self) -> Tensor:
        """(3,): the styles' mean color, so that outlines stand out little."""
        return torch.stack([aim.picture.mean((1, 2)) for aim in self.aims]).mean(0)

    def points(self, shot: Shot) -> Tensor:
        """Where (N, 3) the points of a view look their paint up in the field."""
        surface = self.original.surface
        uv = surface.uvs_at(shot.face, shot.bary)
        return self.atlas.resolve(surface.textures[shot.face], uv, shot.point)

    def ground(self, face: Tensor, bary: Tensor, footprint: Tensor) -> Ground:
        """What lies below the paint; arguments as of `Original.albedo`."""
        albedo = self.original.albedo(face, bary, footprint)
        regions = torch.cat(
            [interpolate(aim.region.index_select(0, face)[..., None], bary) for aim in self.aims], 1
        )  # (N, S)
        share = regions * regions.new_tensor([aim.weight for aim in self.aims]) + 1e-6
        share = share / share.sum(-1, keepdim=True)
        seen = self.seen(albedo)
        start = torch.stack([map_(seen) for map_ in self.starts], 1)  # (N, S, 3)
        mixed = (start * share[..., None]).sum(1)
        return Ground(albedo, torch.logit(mixed.clamp(self.edge, 1 - self.edge)), regions)

    def colors(self, ground: Ground, paint: Tensor) -> Tensor:
        """Colors (N, 3) in 0-1 of points with `paint` (N, 3), values of the field."""
        colors = torch.sigmoid(ground.logits + paint)
        if self.keeps_hues:
            colors = with_greys(ground.albedo, grey(colors))
        return torch.lerp(ground.albedo, colors, ground.cover)

    def content(self, plan: Plan) -> Tensor:
        """The content target of a view (1, 3, H, W), over the background."""
        colors = self.original.content(plan.shot, plan.eye, plan.ground.albedo)
        return plan.shot.image(colors, self.background)

    def seen(self, colors: Tensor) -> Tensor:
        """What counts of colors (..., 3): their greys where only the luma is painted."""
        return grey(colors) if self.keeps_hues else colors

    def judged(self, image: Tensor) -> Tensor:
        """What the network sees of an image (1, 3, H, W)."""
        return self.seen(image.movedim(1, -1)).movedim(-1, 1)

    @torch.no_grad()
    def bake(
        self, shape: tuple[int, int], texture: int = 0, tell: Tell = lambda _share: None
    ) -> Tensor:
        """The paint in the texture of that number as (height, width, 3) in 0-1, with margins.

        It is the paint that is made ready for bilinear interpolation, not its colors: where
        there is none, the original stays as it is.

        `tell` as of `baking.bake`.
        """
        surface = self.original.surface
        image = torch.zeros(*shape, 3, device=surface.uvs.device)
        covered = torch.zeros(shape, dtype=torch.bool, device=image.device)
        waiting: deque[tuple[Texels, Ground]] = deque()  # painted, but for what is around them

        @torch.no_grad()
        def known(band: tuple[slice, Texels]) -> tuple[slice, Texels, Tensor, Ground]:
            rows, texels = band
            paint = self.field.evaluate(surface.points(texels.face, texels.bary))
            ground = self.ground(texels.face, texels.bary, of_texels(texels.bary, shape))
            return rows, texels, paint, ground

        def painted() -> Iterator[slice]:
            for rows, texels, paint, ground in every:
                put(image, texels, paint)
                cover(covered, texels)
                waiting.append((texels, ground))
                yield rows

        every = side_by_side(known, bands(surface, texture, shape, tell), image.device)
        with keeping_freed_memory(), closing(every):
            for _ in prefiltered(painted(), image, covered):
                texels, ground = waiting.popleft()
                put(image, texels, self.colors(ground, image.view(-1, 3)[texels.texel]))

            def values(face: Tensor, bary: Tensor, footprint: Tensor) -> Tensor:
                paint = self.field.evaluate(surface.points(face, bary))
                return self.colors(self.ground(face, bary, footprint), paint)

            finish(image, covered, lambda: mean_of_faces(surface, texture, shape, values))
        return image


@dataclass(frozen=True)
class Plan:
    """A view, ready to be rendered again and again.

    Attributes:
        number: within its scale.
        eye: (3,), where its camera stands.
        shot: its surface points.
        ground: below the paint at them.
        lookups: of them in the field.
        beyond: (N, 3), or (1, 3) for all, what their colors have besides; as of `Afar`.
        masks: for each style, (H, W) in 0-1: how much each pixel shows of its region.
        sight: how the network looks at it.
    """

    number: int
    eye: Tensor
    shot: Shot
    ground: Ground
    lookups: Lookups
    beyond: Tensor
    masks: list[Tensor]
    sight: Sight
