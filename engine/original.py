"""The artist's own look of the mesh: what the content loss holds on to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .barycentric import interpolate
from .blocks import blocks
from .color import KEEP, ColorMap, match_colors
from .margins import fill_rest, grow_margin
from .mip_levels import mip_pyramid, sample_each
from .surface import Shot, Surface
from .texture import texel_bands
from .visibility import Outside

ONE_COLOR = 1.5 / 255  # largest spread within what counts as a single color
CLAY = 0.8  # grey of the clay render, in 0-1
HEADLIGHT, AMBIENT = 0.65, 0.35
BLOCK = 1 << 18  # points whose colors are looked up at once
FACING = 5  # angles to the eye that stand for all when the clay's colors are chosen


@dataclass(frozen=True)
class Clay:
    """Shading that shows the form where the look does not.

    Attributes:
        outside: for ambient occlusion.
        tint: from the shading's greys to the colors of its render. In greys of its own clay
            would be so faint that no paint could come near to it.
    """

    outside: Outside
    tint: ColorMap = KEEP

    def tinted(self, surface: Surface, colors: Tensor) -> Clay:
        """This clay with the mean and spread of `colors` (N, 3) where `surface` shows it."""
        face = torch.arange(len(surface.faces), device=colors.device)
        middle = torch.full((len(face), 3), 1 / 3, device=colors.device)
        point, normal = surface.points(face, middle), normals(surface, face, middle)
        light = _light(torch.linspace(0, 1, FACING, device=colors.device))
        shade = light[:, None] * self.outside.openness(point, normal)
        return replace(self, tint=match_colors(_greys(shade), colors))

    def shade(self, surface: Surface, shot: Shot, eye: Tensor) -> Tensor:
        """Brightness (N,) of a view's points in the light of a lamp at `eye` (3,)."""
        normal = normals(surface, shot.face, shot.bary)
        light = headlight(shot, normal, eye)
        return (light * self.outside.openness(shot.point, normal)).clamp(0, 1)


@dataclass(frozen=True)
class Original:
    """The look before the run.

    Attributes:
        surface: the mesh.
        pyramids: for each material, its texture's mip levels (H, W, 3), margins filled.
        source: what the content target shows: TEXTURE, CLAY or BOTH.
        clay: None where it shows the texture alone.
    """

    surface: Surface
    pyramids: tuple[list[Tensor], ...]
    source: str
    clay: Clay | None

    @classmethod
    def of(cls, surface: Surface, images: Sequence[Tensor], source: str) -> Original:
        """Prepare the look.

        Args:
            surface: the mesh.
            images: for each material, (H, W, 3) float in 0-1.
            source: one of CONTENT_SOURCES; AUTO takes the texture, or clay where that is of one
                color.
        """
        filled, seen = [], []
        for number, image in enumerate(images):
            picture, used = _islands(surface, number, image)
            filled.append(mip_pyramid(picture))
            seen.append(used)
        if source == "AUTO":
            source = "CLAY" if is_plain(torch.cat(seen)) else "TEXTURE"
        clay = None if source == "TEXTURE" else Clay(Outside.of(surface))
        return cls(surface, tuple(filled), source, clay)

    def tinted(self, colors: Tensor) -> Original:
        """This look with its clay, if it shows any, in the mean and spread of `colors` (N, 3)."""
        return replace(self, clay=self.clay.tinted(self.surface, colors)) if self.clay else self

    def albedo(self, face: Tensor, bary: Tensor, footprint: Tensor) -> Tensor:
        """Colors (N, 3) of the texture at surface points, without shading.

        Args:
            face: (N,) int64.
            bary: (N, 3) float.
            footprint: (N, 2, 2) float, as of `footprints`.
        """
        colors, surface = torch.empty_like(bary), self.surface
        for part in blocks(len(face), BLOCK):
            owner = face[part]
            uv = interpolate(surface.uvs.index_select(0, owner), bary[part])
            materials = surface.materials[owner]
            colors[part] = sample_each(self.pyramids, materials, uv, footprint[part])
        return colors

    def content(self, shot: Shot, eye: Tensor, albedo: Tensor) -> Tensor:
        """Colors (N, 3) of a view's points, as the content target shows them.

        Args:
            shot: the view.
            eye: (3,) where its camera stands.
            albedo: (N, 3) of the view's points.
        """
        shade = self.clay.shade(self.surface, shot, eye) if self.clay else None
        if self.clay and shade is not None and self.source == "CLAY":
            return self.clay.tint(_greys(shade))
        return albedo if shade is None else albedo * shade[:, None]


def _greys(shade: Tensor) -> Tensor:
    """Grey colors (N, 3) of clay, of N brightnesses of any shape."""
    return (CLAY * shade.flatten().clamp(0, 1))[:, None].expand(-1, 3)


def is_plain(colors: Tensor) -> bool:
    """Whether colors (N, 3) are all but one."""
    return float((colors.amax(0) - colors.amin(0)).max()) <= ONE_COLOR


def normals(surface: Surface, face: Tensor, bary: Tensor) -> Tensor:
    """Smooth unit normals (N, 3)."""
    normal = interpolate(surface.normals[surface.faces[face]], bary)
    return torch.nn.functional.normalize(normal, dim=-1)


def headlight(shot: Shot, normal: Tensor, eye: Tensor) -> Tensor:
    """Light (N,) in 0-1 on points of normals (N, 3), from a lamp at the camera `eye` (3,)."""
    to_eye = torch.nn.functional.normalize(eye - shot.point, dim=-1)
    return _light((normal * to_eye).sum(-1).abs())


def _light(facing: Tensor) -> Tensor:
    """Brightness by the cosine of the angle between normal and eye."""
    return AMBIENT + HEADLIGHT * facing


def _islands(surface: Surface, material: int, image: Tensor) -> tuple[Tensor, Tensor]:
    """The image with only what the islands of `material` hold, and the lowest and highest of that.

    Returns:
        (H, W, 3), and (2, 3) or, where no face shows the image, (0, 3).
    """
    faces = (surface.materials == material).nonzero()[:, 0]
    if not len(faces):
        return image, image.new_empty(0, 3)
    flat = image.reshape(-1, 3)
    if len(flat) == 1:
        return image, _range([flat])
    size = (image.shape[0], image.shape[1])
    covered = torch.zeros(size, dtype=torch.bool, device=image.device)
    ranges, total = [], torch.zeros(3, dtype=torch.float64, device=image.device)
    for texels in texel_bands(surface.uvs[faces], size):
        if len(texels.texel):
            colors = flat[texels.texel]
            ranges.append(_range([colors]))
            total += colors.sum(0, dtype=torch.float64)
            covered.view(-1)[texels.texel] = True
    if not ranges:
        return image, _range([flat])
    mean = (total / covered.sum()).float()
    filled = image.clone()
    grow_margin(filled, covered)
    fill_rest(filled, covered, mean)
    return filled, _range(ranges)


def _range(colors: Sequence[Tensor]) -> Tensor:
    """The lowest and the highest (2, 3) of colors (N, 3) each."""
    joined = torch.cat(list(colors))
    return torch.stack((joined.amin(0), joined.amax(0)))
