"""Texels and surface points: reading the original's texels, and which point each texel paints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from .interpolation import weighted_sum
from .nearest import Nearest

MARGIN = 16  # texels painted beyond the islands, so that no mip level shows the background
BAND = 1 << 19  # texels rasterized at once
MAX_REPEATS = 4  # tiles in which a face that repeats the texture is looked at, along each axis


class Texels(NamedTuple):
    """The texels inside UV islands, and the point of the surface that each one paints.

    Where islands overlap, the first face in order owns the texel.

    Attributes:
        texel: (M,) int64, row * size + column, row 0 on top.
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


def grow_margin(image: Tensor, covered: Tensor, width: int = MARGIN) -> None:
    """Carry the colours at the islands' rims outwards, a texel at a time, in place.

    Only the texels at the front of the growing margin are looked at, so the cost follows the
    length of the rims. Colours do not wrap round the image's edges.

    Args:
        image: (H, W, C) float, contiguous; gets its margin.
        covered: (H, W) bool, the texels that hold a colour; those of the margin do afterwards.
        width: texels to add.
    """
    height, columns = covered.shape
    front = _rim(covered).flatten().nonzero()[:, 0]
    image, covered = image.view(-1, image.shape[-1]), covered.view(-1)
    for _ in range(width):
        near, inside = _neighbours(front, height, columns)
        fresh = near[inside & ~covered[near]].unique()
        if not len(fresh):
            break
        near, inside = _neighbours(fresh, height, columns)
        weight = (inside & covered[near]).to(image.dtype)  # (N, 8)
        image[fresh] = (image[near] * weight[..., None]).sum(1) / weight.sum(1, keepdim=True)
        covered[fresh] = True
        front = fresh


def fill_rest(image: Tensor, covered: Tensor, color: Tensor) -> None:
    """Give the texels of `image` (H, W, C) that are not `covered` (H, W) a `color` (C,)."""
    empty = ~covered
    for channel, value in zip(image.unbind(-1), color, strict=True):
        channel.masked_fill_(empty, value)


def _rim(covered: Tensor) -> Tensor:
    """Those of the texels `covered` (H, W) bool that have a neighbour which is not."""
    empty = torch.nn.functional.pad(~covered, (1, 1, 1, 1))
    wide = empty[:, :-2] | empty[:, 1:-1] | empty[:, 2:]
    return (wide[:-2] | wide[1:-1] | wide[2:]) & covered


def _neighbours(index: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The 8 neighbours of texels (N,): indices (N, 8), and whether each is in the image."""
    offsets = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
    step = torch.tensor(offsets, device=index.device)
    y, x = (index // width)[:, None] + step[:, 0], (index % width)[:, None] + step[:, 1]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)), inside


def mip_pyramid(image: Tensor) -> list[Tensor]:
    """The image and its halvings down to one texel, each (H, W, C) (Williams 1983)."""
    levels = [image]
    while max(levels[-1].shape[:2]) > 1:
        levels.append(_halved(levels[-1]))
    return levels


def _halved(image: Tensor) -> Tensor:
    """`image` (H, W, C) with half as many rows and columns."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:  # without a copy of all of it
        upper = image[::2, ::2] + image[::2, 1::2]
        return upper.add_(image[1::2, ::2]).add_(image[1::2, 1::2]).div_(4)
    size = [max(1, height // 2), max(1, width // 2)]
    below = torch.nn.functional.interpolate(image.permute(2, 0, 1)[None], size=size, mode="area")
    return below[0].permute(1, 2, 0).contiguous()


def sample(pyramid: Sequence[Tensor], uv: Tensor, footprint: Tensor) -> Tensor:
    """Read a texture, bilinear within and linear between the two mip levels that fit.

    Args:
        pyramid: of `mip_pyramid`.
        uv: (N, 2) float, u right, v up; repeats outside 0-1.
        footprint: (N,) float, side of what a sample stands for, in UV units.

    Returns:
        (N, C) float.
    """
    height, width = pyramid[0].shape[:2]
    texels = footprint * (height * width) ** 0.5
    # Areas that overflow leave footprints that are no numbers.
    level = texels.nan_to_num(1.0).clamp(min=1).log2().clamp(max=len(pyramid) - 1)  # (N,)
    out = uv.new_zeros(len(uv), pyramid[0].shape[-1])
    if not len(level):
        return out
    first, last = math.floor(level.amin()), math.ceil(level.amax())
    if first == last:
        return bilinear(pyramid[first], uv)
    for number in range(first, last + 1):
        weight = (1 - (level - number).abs()).clamp(min=0)
        some = weight.nonzero()[:, 0]
        if len(some):
            out[some] += weight[some, None] * bilinear(pyramid[number], uv[some])
    return out


def sample_each(
    pyramids: Sequence[Sequence[Tensor]], number: Tensor, uv: Tensor, footprint: Tensor
) -> Tensor:
    """As `sample`, each of N points from the pyramid of its `number` (N,) int64."""
    out = uv.new_zeros(len(uv), pyramids[0][0].shape[-1])
    for index, pyramid in enumerate(pyramids):
        some = (number == index).nonzero()[:, 0]
        if len(some) == len(uv):
            return sample(pyramid, uv, footprint)
        if len(some):
            out[some] = sample(pyramid, uv[some], footprint[some])
    return out


def bilinear(image: Tensor, uv: Tensor) -> Tensor:
    """Colours (N, C) of `image` (H, W, C) at `uv` (N, 2), texel centres at (i + 0.5) / size."""
    height, width = image.shape[:2]
    u, v = (uv - uv.floor()).unbind(-1)
    columns, across = _beside(u * width - 0.5, width)
    lines, down = _beside((1 - v) * height - 0.5, height)
    texels = torch.empty(len(uv), 4, dtype=torch.int32, device=uv.device)
    weights = uv.new_empty(len(uv), 4)
    for corner, (i, j) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        torch.add(lines[i] * width, columns[j], out=texels[:, corner])
        torch.mul(down[i], across[j], out=weights[:, corner])
    return weighted_sum(image.reshape(-1, image.shape[-1]), texels, weights)


def _beside(place: Tensor, size: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The two of `size` texels, which repeat, around places (N,): int32, and their weights."""
    low = place.floor()
    first, share = low.to(torch.int32) % size, place - low
    return (first, (first + 1) % size), (1 - share, share)


def interpolate(corners: Tensor, bary: Tensor) -> Tensor:
    """Values (N, C) at barycentric coordinates (N, 3) of corner values (N, 3, C)."""
    (a, b, c), (u, v, w) = corners.unbind(1), bary[..., None].unbind(1)
    return a * u + b * v + c * w  # a sum over three costs three times as much


def blocks(count: int, length: int) -> Iterator[slice]:
    """Slices that cut `count` items into runs of `length` at most."""
    return (slice(i, min(i + length, count)) for i in range(0, count, length))
