"""The mesh as tensors, and what a camera sees of it: a list of surface points per view.

Geometry and cameras stand still while the paint changes. So a view is rasterized once and kept
as points on the surface; from then on a render is a gather, and its gradient a scatter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from .barycentric import interpolate
from .columns import picked
from .footprints import of_pixels
from .mesh import Mesh
from .mip_levels import sample_each
from .nearest import Nearest
from .texture import Texels, texel_bands
from .views import Camera

SAMPLES = 3  # along each side of a pixel; odd, so that one is at the centre
# Of a pixel, from its centre outwards: (row, column).
ORDER = sorted(
    product(range(SAMPLES), repeat=2),
    key=lambda at: sum((place - SAMPLES // 2) ** 2 for place in at),
)
BLOCK = 1 << 13  # pixels of which samples are looked at at once
TINY = 1e-30  # length from which on a direction is one: small faces of small objects have areas
BESIDE_PIXELS = 2.0  # samples no farther apart are taken to lie on one stretch of surface


@dataclass(frozen=True)
class Surface:
    """A mesh on the device.

    Attributes:
        vertices: (V, 3) float32, world space.
        faces: (F, 3) int64.
        uvs: (F, 3, 2) float32.
        materials: (F,) int64.
        textures: (F,) int64.
        normals: (V, 3) float32, unit, smooth.
    """

    vertices: Tensor
    faces: Tensor
    uvs: Tensor
    materials: Tensor
    textures: Tensor
    normals: Tensor

    @classmethod
    def of(cls, mesh: Mesh, device: torch.device) -> Surface:
        """Put `mesh` on `device`."""
        vertices, faces, uvs, materials, textures = (
            torch.from_numpy(a).to(device)
            for a in (mesh.vertices, mesh.faces, mesh.uvs, mesh.materials, mesh.textures)
        )
        a, b, c = vertices[faces].unbind(1)
        across = torch.linalg.cross(b - a, c - a)[:, None].expand(-1, 3, -1)  # (F, 3, 3)
        normals = torch.zeros_like(vertices).index_add(0, faces.flatten(), across.reshape(-1, 3))
        normals = torch.nn.functional.normalize(normals, dim=-1, eps=TINY)
        return cls(vertices, faces, uvs, materials, textures, normals)

    @property
    def used_vertices(self) -> Tensor:
        """(U, 3): the vertices that faces use."""
        return self.vertices[self.faces.unique()]

    @property
    def extent(self) -> float:
        """Largest side of the bounding box, world units."""
        used = self.used_vertices
        return float((used.amax(0) - used.amin(0)).max())

    @property
    def area(self) -> float:
        """Square world units, both sides of a face counted once."""
        return float(self.face_areas.sum())

    @property
    def face_areas(self) -> Tensor:
        """(F,) square world units."""
        a, b, c = self.vertices[self.faces].unbind(1)
        return torch.linalg.cross(b - a, c - a).norm(dim=-1) / 2

    def points(self, face: Tensor, bary: Tensor) -> Tensor:
        """World positions (N, 3)."""
        corners = self.faces.index_select(0, face).flatten()
        return interpolate(self.vertices.index_select(0, corners).view(-1, 3, 3), bary)

    def uvs_at(self, face: Tensor, bary: Tensor) -> Tensor:
        """Texture coordinates (N, 2)."""
        return interpolate(self.uvs[face], bary)

    def seen(self, pyramids: Sequence[Sequence[Tensor]], shot: Shot) -> Tensor:
        """What a view's points show (N, C) of textures with these mip levels (H, W, C)."""
        uv = self.uvs_at(shot.face, shot.bary)
        return sample_each(pyramids, self.textures[shot.face], uv, shot.footprint)

    def texels(self, texture: int, shape: tuple[int, int]) -> Texels:
        """The texels of the texture of that number, at `shape` (height, width)."""
        return Texels.joined(self.texel_bands(texture, shape))

    def texel_bands(self, texture: int, shape: tuple[int, int]) -> Iterator[Texels]:
        """The same from the top down, a part at a time: as memory allows."""
        faces = (self.textures == texture).nonzero()[:, 0]
        for texels in texel_bands(self.uvs[faces], shape):
            yield texels._replace(face=faces[texels.face])


class Shot(NamedTuple):
    """What a camera sees, as surface points.

    Attributes:
        size: height and width in pixels.
        pixel: (P,) int64, the covered pixels, row * width + column, row 0 on top.
        alpha: (P,) float, the share of each that the mesh covers, 0-1.
        owner: (N,) int64, which covered pixel each point shows in.
        weight: (N,) float, how much of it; sums to 1 within a pixel.
        face: (N,) int64.
        bary: (N, 3) float.
        point: (N, 3) float, world space.
        footprint: (N, 2, 2) float, of a pixel on the texture, as of `footprints.of_pixels`.
        reach: float, median side of a pixel on the surface, world units.
    """

    size: tuple[int, int]
    pixel: Tensor
    alpha: Tensor
    owner: Tensor
    weight: Tensor
    face: Tensor
    bary: Tensor
    point: Tensor
    footprint: Tensor
    reach: float

    def image(self, colors: Tensor, background: Tensor) -> Tensor:
        """Render: colors (N, 3) of the points over `background` (3,), as (1, 3, H, W)."""
        height, width = self.size
        canvas = self._over(background.expand(height * width, 3), colors - background)
        return canvas.view(1, height, width, 3).permute(0, 3, 1, 2)

    @property
    def mask(self) -> Tensor:
        """(H, W) float in 0-1: how much of each pixel the mesh covers."""
        empty = self.alpha.new_zeros(self.size).flatten()
        return empty.index_put((self.pixel,), self.alpha).view(self.size)

    def spread(self, values: Tensor) -> Tensor:
        """Values (N,) of the points, 0 beside the mesh, as (H, W)."""
        empty = values.new_zeros(self.size).view(-1, 1)
        return self._over(empty, values[:, None]).view(self.size)

    def _over(self, canvas: Tensor, values: Tensor) -> Tensor:
        """All pixels (H W, C) with the points' values (N, C) added, each by its share of one."""
        share = self.weight * self.alpha.index_select(0, self.owner)  # (N,)
        pixel = self.pixel.index_select(0, self.owner)
        return canvas.index_add(0, pixel, values * share[:, None])


def shoot(surface: Surface, camera: Camera) -> Shot:
    """Rasterize a view with SAMPLES x SAMPLES samples a pixel and list its surface points.

    A pixel has one point of the stretch of surface at its centre and, where that does not have
    all samples, one of what else shows: so outlines and creases are antialiased, however many
    faces meet in a pixel, and no face paints through the middle of another.
    """
    clip = camera.clip(surface.vertices)
    height, width = camera.size
    vertices = torch.cat((clip, surface.vertices), 1)  # (V, 7)
    nearest = Nearest.of(vertices, surface.faces, (SAMPLES * height, SAMPLES * width))
    triangle = _by_pixel(nearest.triangle, camera.size)  # (S², H W)
    pixel = (triangle.amax(0) >= 0).nonzero()[:, 0]  # (P,)
    samples = picked(triangle, pixel), *_samples(pixel, width)  # (S², P) each
    parts = [
        _stretches(nearest, pixel_size(camera), *some)
        for some in zip(*(values.split(BLOCK, 1) for values in samples), strict=True)
    ]
    chosen, counts = (torch.cat(values, 1) for values in zip(*parts, strict=True))  # (2, P)
    owner, layer = counts.T.nonzero(as_tuple=True)  # (N,)
    slot = chosen[layer, owner] * len(pixel) + owner
    triangle, x, y = (values.flatten().index_select(0, slot) for values in samples)
    shares, vertex = nearest.at(triangle, x, y)
    w, *point = _mixed(nearest.triangles.vertices[3:], vertex, shares)
    face = nearest.face(triangle)
    bary = nearest.bary(triangle, shares).T.contiguous()
    covered = counts.sum(0)
    return Shot(
        size=camera.size,
        pixel=pixel,
        alpha=covered / SAMPLES**2,
        owner=owner,
        weight=counts[layer, owner] / covered[owner],
        face=face,
        bary=bary,
        point=torch.stack(point, -1),
        footprint=of_pixels(clip, surface.faces[face], surface.uvs[face], bary, camera.size),
        reach=float((w * pixel_size(camera)).median()) if len(owner) else 0.0,
    )


def _stretches(
    nearest: Nearest, pixel_size: float, triangle: Tensor, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """The stretch of surface at the centre of pixels, and what else shows in them.

    Args:
        nearest: what samples see; its vertices have their positions besides.
        pixel_size: side of a pixel on the surface over w.
        triangle: (S², P) int32, of the samples, -1 where one has none.
        x, y: (S², P) float64, where they are in the frame of `nearest`.

    Returns:
        Of either, a sample (2, P) in 0 to S² - 1 and how many there are (2, P).
    """
    hit = triangle >= 0
    shares, vertex = nearest.at(triangle.clamp(min=0).flatten(), x.flatten(), y.flatten())
    point = torch.stack(_mixed(nearest.triangles.vertices[4:], vertex, shares))
    first = _first(hit)  # the nearest to the centre
    count = len(first)
    slot = first * count + torch.arange(count, device=first.device)
    at_first = picked(vertex, slot), picked(shares, slot)
    (w,) = _mixed(nearest.triangles.vertices[3:4], *at_first)
    away = point.view(3, *hit.shape) - picked(point, slot)[:, None]
    beside = hit & (away.square().sum(0) < (BESIDE_PIXELS * pixel_size * w).square())
    rest = hit & ~beside
    counts = [which.view(torch.uint8).sum(0, dtype=torch.uint8) for which in (beside, rest)]
    return torch.stack((first, _first(rest))), torch.stack(counts)


def _mixed(values: Tensor, vertex: Tensor, shares: Tensor) -> list[Tensor]:
    """Each of the `values` (C, V) mixed by shares (3, N) of vertices (3, N), (N,) each."""
    (a, b, c), (u, v, w) = vertex, shares
    return [
        each.index_select(0, a) * u + each.index_select(0, b) * v + each.index_select(0, c) * w
        for each in values
    ]


def _first(which: Tensor) -> Tensor:
    """For each column of (S², P) bool the first that holds, int64; some where none does."""
    left = torch.arange(len(which), 0, -1, dtype=torch.uint8, device=which.device)
    return len(which) - (which.view(torch.uint8) * left[:, None]).amax(0).long().clamp(min=1)


def _by_pixel(samples: Tensor, size: tuple[int, int]) -> Tensor:
    """Samples (S H * S W,) as (S², H * W), those of each pixel in ORDER."""
    height, width = size
    cells = samples.view(height, SAMPLES, width, SAMPLES)
    return torch.stack([cells[:, row, :, column].flatten() for row, column in ORDER])


def _samples(pixel: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Where the samples of pixels (P,) are among all, columns and rows (S², P), in ORDER.

    Args:
        pixel: indices in a frame of that `width`.
    """
    steps = torch.tensor(ORDER, dtype=torch.float64, device=pixel.device).T[..., None]  # (2, S², 1)
    row = pixel // width
    column = pixel - row * width
    return column * SAMPLES + steps[1], row * SAMPLES + steps[0]


def pixel_size(camera: Camera) -> float:
    """Side of a pixel on the surface over clip space's w there."""
    return float(2 / (camera.projection[1, 1].abs() * camera.size[0]))
