"""Reading textures: their mip levels, and samples of these as large as a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .interpolation import weighted_sum

MOST_TAPS = 8  # samples along a footprint
LONGEST = 1e9  # texels, of a step across a footprint: squares must not overflow


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
    """Read a texture where footprints lie, longer ones at several places along them.

    As graphics processors do (Segal et al. 1999, EXT_texture_filter_anisotropic): at the level
    that is as fine as the footprint is wide, or as long over MOST_TAPS.

    Args:
        pyramid: of `mip_pyramid`.
        uv: (N, 2) float, u right, v up; repeats outside 0-1.
        footprint: (N, 2, 2) float, as of `footprints`; those that are no numbers read as points.

    Returns:
        (N, C) float.
    """
    height, width = pyramid[0].shape[:2]
    if footprint.stride(0) == 0:
        footprint = footprint[:1]  # all are alike, as those of texels
    axis, length, count = _taps(footprint, (height, width))
    level = (length / count).clamp(min=1).log2().clamp(max=len(pyramid) - 1)  # (N or 1,)
    if not len(count) or int(count.amax()) == 1:
        return _trilinear(pyramid, uv, level)
    axis, count, level = (each.expand(len(uv), *each.shape[1:]) for each in (axis, count, level))
    last = count.cumsum(0)
    first = last - count
    owner = torch.arange(len(uv), device=uv.device).repeat_interleave(count)  # (T,)
    tap = torch.arange(len(owner), device=uv.device)
    along = (tap - first[owner] + 0.5) / count[owner] - 0.5
    place = uv[owner] + axis[owner] * along[:, None]
    read = _trilinear(pyramid, place, level[owner])
    return torch.nn.functional.embedding_bag(tap, read, first, mode="mean")


def _taps(footprint: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """The longest ways across footprints (N, 2, 2) on a texture of `shape` (height, width).

    Returns:
        That way (N, 2) in UV units, its length (N,) in texels, and how many samples (N,) int64
        along it are about as wide as the footprint.
    """
    height, width = shape
    sides = footprint.new_tensor((width, height))
    steps = (footprint * sides[:, None]).nan_to_num(0).clamp(-LONGEST, LONGEST)
    (a, b), (c, d) = (row.unbind(-1) for row in steps.unbind(-2))
    # Of the ellipse that a circle of one pixel becomes, as the eigenvalues of `steps` by its
    # transpose tell.
    mean, half, mixed = (
        (a * a + b * b + c * c + d * d) / 2,
        (a * a + b * b - c * c - d * d) / 2,
        a * c + b * d,
    )
    length = (mean + torch.hypot(half, mixed)).sqrt()
    wide = (a * d - b * c).abs() / length.clamp(min=1)
    angle = torch.atan2(mixed, half) / 2
    axis = torch.stack((angle.cos(), angle.sin()), -1) * (length[:, None] / sides)
    count = (length / wide.clamp(min=1)).ceil().clamp(1, MOST_TAPS).long()
    return axis, length, count


def _trilinear(pyramid: Sequence[Tensor], uv: Tensor, level: Tensor) -> Tensor:
    """Colors (N, C), bilinear within and linear between the two mip levels around `level`.

    Args:
        pyramid, uv: as of `sample`.
        level: (N,), or (1,) for all.
    """
    if len(level) == 1:
        return _between(pyramid, uv, int(level), level - level.floor())
    out = uv.new_empty(len(uv), pyramid[0].shape[-1])
    lower = level.long()
    for number in range(len(pyramid)):
        some = (lower == number).nonzero()[:, 0]
        if not len(some):
            continue
        place, share = uv.index_select(0, some), level.index_select(0, some) - number
        out.index_copy_(0, some, _between(pyramid, place, number, share))
    return out


def _between(pyramid: Sequence[Tensor], uv: Tensor, lower: int, share: Tensor) -> Tensor:
    """Colors (N, C) at `uv` (N, 2), a `share` (N or 1,) of the way to the level above `lower`."""
    read = bilinear(pyramid[lower], uv)
    if not float(share.amax()):
        return read
    return torch.lerp(read, bilinear(pyramid[lower + 1], uv), share[:, None])


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
    """Colors (N, C) of `image` (H, W, C) at `uv` (N, 2), texel centres at (i + 0.5) / size."""
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
    """The two of `size` texels, which repeat, around places (N,), and their weights.

    Args:
        place: in -0.5 to size - 0.5.
        size: of the texture.

    Returns:
        int32 and float, (N,) each.
    """
    low = place.floor()
    share, first = place - low, low.to(torch.int32)
    second = first + 1
    first.masked_fill_(first < 0, size - 1)
    second.masked_fill_(second == size, 0)
    return (first, second), (1 - share, share)
