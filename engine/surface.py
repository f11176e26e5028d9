"""The mesh as tensors, and what a camera sees of it: a list of surface points per view.

Geometry and cameras stand still while the paint changes. So a view is rasterized once and kept
as points on the surface; from then on a render is a gather, and its gradient a scatter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from .job import Mesh
from .rasterizer import Nearest
from .texture import Texels, interpolate, texel_bands
from .views import Camera

SAMPLES = 3  # along each side of a pixel; odd, so that one is at the centre
# Of a pixel, from its centre outwards: (row, column).
ORDER = sorted(
    product(range(SAMPLES), repeat=2),
    key=lambda at: sum((place - SAMPLES // 2) ** 2 for place in at),
)
BLOCK = 1 << 13  # pixels of which samples are looked at at once
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
        normals = torch.nn.functional.normalize(normals, dim=-1)
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
        footprint: (N,) float, side of a pixel on the texture, in UV units.
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
        """Render: colours (N, 3) of the points over `background` (3,), as (1, 3, H, W)."""
        mixed = colors.new_zeros(len(self.pixel), 3).index_add(
            0, self.owner, colors * self.weight[:, None]
        )
        mixed = background + (mixed - background) * self.alpha[:, None]  # (P, 3)
        height, width = self.size
        canvas = background.expand(height * width, 3).index_put((self.pixel,), mixed)
        return canvas.view(1, height, width, 3).permute(0, 3, 1, 2)

    @property
    def mask(self) -> Tensor:
        """(H, W) float in 0-1: how much of each pixel the mesh covers."""
        return self._plane(self.alpha)

    def spread(self, values: Tensor) -> Tensor:
        """Values (N,) of the points, 0 beside the mesh, as (H, W)."""
        mixed = values.new_zeros(len(self.pixel)).index_add(0, self.owner, values * self.weight)
        return self._plane(mixed * self.alpha)

    def _plane(self, values: Tensor) -> Tensor:
        """Values (P,) of the covered pixels as (H, W)."""
        height, width = self.size
        empty = values.new_zeros(height * width)
        return empty.index_put((self.pixel,), values).view(height, width)


def shoot(surface: Surface, camera: Camera) -> Shot:
    """Rasterize a view with SAMPLES x SAMPLES samples a pixel and list its surface points.

    A pixel has one point of the stretch of surface at its centre and, where that does not have
    all samples, one of what else shows: so outlines and creases are antialiased, however many
    faces meet in a pixel, and no face paints through the middle of another.
    """
    clip = camera.clip(surface.vertices)
    height, width = camera.size
    nearest = Nearest.of(clip, surface.faces, (SAMPLES * height, SAMPLES * width))
    triangle = _by_pixel(nearest.triangle, camera.size)  # (S², H W)
    pixel = (triangle.amax(0) >= 0).nonzero()[:, 0]  # (P,)
    triangle, sample = triangle.index_select(1, pixel), _samples(pixel, width)  # (S², P)
    spots = _Spots.of(surface, nearest, clip[:, 3] * pixel_size(camera))
    parts = [
        spots.stretches(*both)
        for both in zip(triangle.split(BLOCK, 1), sample.split(BLOCK, 1), strict=True)
    ]
    chosen, counts = (torch.cat(values, 1) for values in zip(*parts, strict=True))  # (2, P)
    owner, layer = counts.T.nonzero(as_tuple=True)  # (N,)
    slot = chosen[layer, owner] * len(pixel) + owner
    face, bary, point, reach = spots.at(
        *(which.flatten().index_select(0, slot) for which in (triangle, sample))
    )
    covered = counts.sum(0)
    area = _pixel_areas(surface, clip, camera.size)  # (F,)
    return Shot(
        size=camera.size,
        pixel=pixel,
        alpha=covered / SAMPLES**2,
        owner=owner,
        weight=counts[layer, owner] / covered[owner],
        face=face,
        bary=bary.T.contiguous(),
        point=point.T.contiguous(),
        footprint=(_areas(surface.uvs).abs() / area.abs().clamp(min=1e-6)).sqrt()[face],
        reach=float(reach.median()) if len(owner) else 0.0,
    )


class _Spots(NamedTuple):
    """Where on the surface samples are.

    Attributes:
        nearest: what the samples see.
        faces: (3, F) int32, corners.
        values: (4, V) float, position and side of a pixel at the vertices, world units.
    """

    nearest: Nearest
    faces: Tensor
    values: Tensor

    @classmethod
    def of(cls, surface: Surface, nearest: Nearest, reach: Tensor) -> _Spots:
        """Those of `nearest`; `reach` (V,) is the side of a pixel at the vertices."""
        faces = surface.faces.T.to(torch.int32, memory_format=torch.contiguous_format)
        return cls(nearest, faces, torch.cat((surface.vertices, reach[:, None]), 1).T.contiguous())

    def at(self, triangle: Tensor, sample: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Face (N,), coordinates in it (3, N), position (3, N) and side of a pixel there (N,)."""
        bary, face = self.nearest.bary(triangle, sample), self.nearest.face(triangle)
        corners = self.faces.index_select(1, face)
        *point, reach = (
            sum(
                values.index_select(0, vertex) * share
                for vertex, share in zip(corners, bary, strict=True)
            )
            for values in self.values
        )
        return face, bary, torch.stack(point), reach

    def stretches(self, triangle: Tensor, sample: Tensor) -> tuple[Tensor, Tensor]:
        """The stretch of surface at the centre of pixels, and what else shows in them.

        Args:
            triangle: (S², P) int32, -1 where a sample has none.
            sample: (S², P) int64.

        Returns:
            Of either, a sample (2, P) in 0 to S² - 1 and how many there are (2, P).
        """
        hit = triangle >= 0
        _, _, point, reach = self.at(triangle.clamp(min=0).flatten(), sample.flatten())
        first = _first(hit)  # the nearest to the centre
        count = len(first)
        slot = first * count + torch.arange(count, device=first.device)
        away = point.view(3, *hit.shape) - point.index_select(1, slot)[:, None]
        near = (BESIDE_PIXELS * reach.index_select(0, slot)).square()
        beside = hit & (away.square().sum(0) < near)
        rest = hit & ~beside
        counts = [which.view(torch.uint8).sum(0, dtype=torch.uint8) for which in (beside, rest)]
        return torch.stack((first, _first(rest))), torch.stack(counts)


def _first(which: Tensor) -> Tensor:
    """For each column of (S², P) bool the first that holds, int64; some where none does."""
    left = torch.arange(len(which), 0, -1, dtype=torch.uint8, device=which.device)
    return len(which) - (which.view(torch.uint8) * left[:, None]).amax(0).long().clamp(min=1)


def _by_pixel(samples: Tensor, size: tuple[int, int]) -> Tensor:
    """Samples (S H * S W,) as (S², H * W), those of each pixel in ORDER."""
    height, width = size
    cells = samples.view(height, SAMPLES, width, SAMPLES)
    return torch.stack([cells[:, row, :, column].flatten() for row, column in ORDER])


def _samples(pixel: Tensor, width: int) -> Tensor:
    """Indices (S², P) of the samples of pixels (P,), in ORDER; `width` of the frame in pixels."""
    row, column = pixel // width, pixel % width
    first = (row * SAMPLES * width + column) * SAMPLES
    steps = [row * SAMPLES * width + column for row, column in ORDER]
    return first + torch.tensor(steps, device=pixel.device)[:, None]


def pixel_size(camera: Camera) -> float:
    """Side of a pixel on the surface over clip space's w there."""
    return float(2 / (camera.projection[1, 1].abs() * camera.size[0]))


def _pixel_areas(surface: Surface, clip: Tensor, size: tuple[int, int]) -> Tensor:
    """Signed areas of the faces in the frame (F,), in square pixels."""
    scale = torch.tensor((size[1] / 2, size[0] / 2), device=clip.device)
    flat = clip[:, :2] / clip[:, 3:].clamp(min=1e-6) * scale
    return _areas(flat[surface.faces])


def _areas(corners: Tensor) -> Tensor:
    """Signed areas (F,) of flat triangles (F, 3, 2)."""
    (ax, ay), (bx, by) = ((corners[:, i] - corners[:, 0]).unbind(-1) for i in (1, 2))
    return (ax * by - ay * bx) / 2
