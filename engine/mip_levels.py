"""Reading textures: their mip levels, and samples of these as large as a pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .interpolation import weighted_sum


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
    """The two of `size` texels, which repeat, around places (N,): int32, and their weights."""
    low = place.floor()
    first, share = low.to(torch.int32) % size, place - low
    return (first, (first + 1) % size), (1 - share, share)
