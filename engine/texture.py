"""Texels and surface points: which texel paints which point, and where it is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from .blocks import blocks
from .nearest import Nearest

BAND = 1 << 19  # texels rasterized at once
MAX_REPEATS = 4  # tiles in which a face that repeats the texture is looked at, along each axis


class Texels(NamedTuple):
    """The texels inside UV islands, and the point of the surface that each one paints.

    Where islands overlap, the first face in order owns the texel.

    Attributes:
        texel: (M,) int64, row * width + column, row 0 on top.
        face: (M,) int64.
        bary: (M, 3) float32, where in the face the texel's centre is.
    """

    texel: Tensor
    face: Tensor
    bary: Tensor

    @classmethod
    def joined(cls, parts: Iterable[Texels]) -> Texels:
        """All of `parts`, at least one, in their order."""
        return cls(*(torch.cat(values) for values in zip(*parts, strict=True)))

    def parts(self, length: int) -> Iterator[Texels]:
        """The same, `length` at once at the most."""
        split = (values.split(length) for values in self)
        return (Texels(*values) for values in zip(*split, strict=True))


def texel_bands(uvs: Tensor, size: tuple[int, int]) -> Iterator[Texels]:
    """Find the texels whose centres lie inside a face's UVs.

    From the top down, those of `band_rows` at a time: as memory allows.

    Args:
        uvs: (F, 3, 2) float32, u right, v up; repeats outside 0-1.
        size: height and width of the texture.
    """
    corners, owner = _tiles(uvs)
    return (_band(corners, owner, size, rows) for rows in band_rows(size))


def band_rows(size: tuple[int, int]) -> Iterator[slice]:
    """The rows of each band of a texture of that height and width: some BAND texels."""
    return blocks(size[0], max(1, BAND // size[1]))


def _tiles(uvs: Tensor) -> tuple[Tensor, Tensor]:
    """Shifted copies of the faces, so that all that reaches into 0-1 by repeating is there.

    Returns:
        (T, 3, 2) corners and (T,) the face each belongs to.
    """
    middle = uvs.mean(1, keepdim=True).floor()
    first = torch.maximum(uvs.amin(1, keepdim=True).floor(), middle - MAX_REPEATS // 2)
    last = torch.minimum(uvs.amax(1, keepdim=True).ceil() - 1, middle + MAX_REPEATS // 2)
    count = (last - first).clamp(min=0).squeeze(1).to(torch.int64) + 1  # (F, 2)
    owner = torch.repeat_interleave(count.prod(-1))
    start = count.prod(-1).cumsum(0) - count.prod(-1)
    number = torch.arange(len(owner), device=uvs.device) - start[owner]
    columns = count[owner, 0]
    shift = first.squeeze(1)[owner] + torch.stack((number % columns, number // columns), -1)
    return uvs[owner] - shift[:, None], owner


def _band(corners: Tensor, owner: Tensor, size: tuple[int, int], rows: slice) -> Texels:
    """The texels of these rows."""
    low, high = 1 - rows.stop / size[0], 1 - rows.start / size[0]  # v of the band's edges
    near = ((corners[..., 1].amin(-1) <= high) & (corners[..., 1].amax(-1) >= low)).nonzero()[:, 0]
    u, v = corners[near].reshape(-1, 2).unbind(-1)
    clip = torch.stack(
        (2 * u - 1, (v - low) * (2 / (high - low)) - 1, torch.zeros_like(u), torch.ones_like(u)), -1
    )
    faces = torch.arange(len(clip), device=clip.device).view(-1, 3)
    band = rows.stop - rows.start, size[1]
    nearest = Nearest.of(clip, faces, band)
    pixel, bary = nearest.seen(band[1])
    face = nearest.faces().index_select(0, pixel)
    return Texels(pixel + rows.start * size[1], owner[near][face], torch.stack(bary, -1))


class Atlas(NamedTuple):
    """Which point of the surface each texel paints, for faces that share texels.

    Where UV islands overlap, or one lies mirrored on the other, all but one face must look
    their paint up at that one's points: so what is optimised is what is baked.

    Attributes:
        sizes: (T,) int64, sides of the square textures.
        row: (sum of their texels,) int64, row of `point`, -1 outside the islands.
        point: (M, 3) float32, world space.
        apart: distance in world units from which two points do not belong together.
    """

    sizes: Tensor
    row: Tensor
    point: Tensor
    apart: float

    @classmethod
    def of(
        cls, texels: Sequence[Texels], point: Tensor, sizes: Sequence[int], apart: float
    ) -> Atlas:
        """The atlas of the `texels` of textures of `sizes`, M in all, at surface points (M, 3)."""
        starts = accumulate((size * size for size in sizes), initial=0)
        row = torch.full((sum(size * size for size in sizes),), -1, device=point.device)
        owned = [each.texel + start for each, start in zip(texels, starts, strict=False)]
        row[torch.cat(owned)] = torch.arange(len(point), device=point.device)
        return cls(torch.tensor(sizes, device=point.device), row, point, apart)

    def resolve(self, texture: Tensor, uv: Tensor, point: Tensor) -> Tensor:
        """Where to look the paint up for points of the surface: mostly there itself.

        Args:
            texture: (N,) int64, in which they are painted.
            uv: (N, 2).
            point: (N, 3).
        """
        size = self.sizes[texture]  # (N,)
        start = (self.sizes.square().cumsum(0) - self.sizes.square())[texture]
        cell = ((uv - uv.floor()) * size[:, None]).long().minimum(size[:, None] - 1)
        row = self.row[start + (size - 1 - cell[:, 1]) * size + cell[:, 0]]
        if not len(self.point):
            return point
        owner = self.point[row.clamp(min=0)]
        foreign = (row >= 0) & ((owner - point).norm(dim=-1) > self.apart)
        return owner.where(foreign[:, None], point)
