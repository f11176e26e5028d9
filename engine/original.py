"""The artist's own look of the mesh: what the content loss holds on to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .surface import Shot, Surface
from .texture import fill_margin, interpolate, mip_pyramid, rasterize_texels, sample
from .visibility import Outside

ONE_COLOR = 1.5 / 255  # largest spread within what counts as a single colour
CLAY = 0.8  # grey of the clay render, in 0-1
HEADLIGHT, AMBIENT = 0.65, 0.35


@dataclass(frozen=True)
class Original:
    """The look before the run.

    Attributes:
        surface: the mesh.
        pyramids: for each material, its texture's mip levels (H, W, 3), margins filled.
        clay: whether the look is of one colour, so that shading must carry the form.
        outside: for the clay's ambient occlusion; None where the look is not clay.
    """

    surface: Surface
    pyramids: tuple[list[Tensor], ...]
    clay: bool
    outside: Outside | None

    @classmethod
    def of(cls, surface: Surface, images: Sequence[Tensor]) -> Original:
        """Prepare `images`, for each material a (H, W, 3) float in 0-1."""
        filled, seen = [], []
        for number, image in enumerate(images):
            picture, used = _islands(surface, number, image)
            filled.append(mip_pyramid(picture))
            seen.append(used)
        colors = torch.cat(seen)
        clay = float((colors.amax(0) - colors.amin(0)).max()) <= ONE_COLOR
        return cls(surface, tuple(filled), clay, Outside.of(surface) if clay else None)

    def albedo(self, face: Tensor, bary: Tensor, footprint: Tensor) -> Tensor:
        """Colours (N, 3) of the texture at surface points, without shading.

        Args:
            face: (N,) int64.
            bary: (N, 3) float.
            footprint: (N,) float, in UV units, as of `Shot.footprint`.
        """
        uv = interpolate(self.surface.uvs[face], bary)
        material = self.surface.materials[face]
        out = torch.zeros(len(face), 3, device=uv.device)
        for number, pyramid in enumerate(self.pyramids):
            some = (material == number).nonzero()[:, 0]
            if len(some):
                out[some] = sample(pyramid, uv[some], footprint[some])
        return out

    def content(self, shot: Shot, eye: Tensor) -> Tensor:
        """Colours (N, 3) of a view's points, as the content target shows them.

        Args:
            shot: the view.
            eye: (3,) where its camera stands.
        """
        if self.outside is None:
            return self.albedo(shot.face, shot.bary, shot.footprint)
        surface = self.surface
        normal = interpolate(surface.normals[surface.faces[shot.face]], shot.bary)
        normal = torch.nn.functional.normalize(normal, dim=-1)
        to_eye = torch.nn.functional.normalize(eye - shot.point, dim=-1)
        light = AMBIENT + HEADLIGHT * (normal * to_eye).sum(-1).abs()
        shade = light * self.outside.openness(shot.point, normal)
        return (CLAY * shade.clamp(0, 1))[:, None].expand(-1, 3)


def _islands(surface: Surface, material: int, image: Tensor) -> tuple[Tensor, Tensor]:
    """The image with only what the islands of `material` hold, and those colours (N, 3)."""
    faces = (surface.materials == material).nonzero()[:, 0]
    if not len(faces):
        return image, image.new_empty(0, 3)
    flat = image.reshape(-1, 3)
    if len(flat) == 1:
        return image, flat
    size = (image.shape[0], image.shape[1])
    index = rasterize_texels(surface.uvs[faces], size).texel
    if not len(index):
        return image, flat
    covered = torch.zeros(size, dtype=torch.bool, device=image.device)
    covered.view(-1)[index] = True
    colors = flat[index]
    filled, covered = fill_margin(image, covered)
    return filled.where(covered[..., None], colors.mean(0)), colors
