"""The colors that a picture has, and how far paint is from them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

NEAR_COLOR = 0.08  # RGB distance within which two colors count as one
SAMPLE = 1024  # colors that stand for a picture's
CHECKED = 2048  # others of its pixels, which tell how well they do
MOST = 0.9  # share of a picture's pixels that are to count as in its palette
FREE = 0.5  # of NEAR_COLOR: a palette is a sample, and colors are not to gather at it
COLORS = 2048  # pixels of a view whose colors are compared with a palette
GROUP = 32  # colors of a palette that are compared with at once


class Palette(NamedTuple):
    """A sample of a picture's colors.

    Attributes:
        colors: (P, 3) in 0-1.
        free: how far from them colors may be, in units of NEAR_COLOR.
    """

    colors: Tensor
    free: float

    @classmethod
    @torch.no_grad()
    def loose(cls, picture: Tensor) -> Palette:
        """That of a picture (3, H, W), and FREE around it."""
        return cls(some(picture.flatten(1).T, SAMPLE), FREE)

    @classmethod
    @torch.no_grad()
    def close(cls, picture: Tensor) -> Palette:
        """The same, with no more around it than most of the picture's own pixels need.

        Of few flat colors the sample has all, and nothing around them is free.
        """
        pixels = picture.flatten(1).T
        colors, others = some(pixels, SAMPLE), some(pixels, SAMPLE + CHECKED)[-CHECKED:]
        away = (others - nearest(others, colors)).norm(dim=1).quantile(MOST)
        return cls(colors, min(float(away) / NEAR_COLOR, FREE))


def some(rows: Tensor, count: int) -> Tensor:
    """`count` of the rows at random, always the same ones, or all."""
    if len(rows) <= count:
        return rows
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return rows[order[:count].to(rows.device)]


def off_palette(
    image: Tensor, pixels: Tensor, palette: Palette, generator: torch.Generator
) -> Tensor:
    """Mean square distance of colors to what is free around a palette, in units of NEAR_COLOR.

    Args:
        image: (1, 3, H, W) in 0-1.
        pixels: (N,) int64, row * W + column; COLORS of them at most count, evenly of all.
        palette: of the picture.
        generator: of the processor; draws where they begin.
    """
    if not len(pixels):
        return image.sum() * 0
    step = -(-len(pixels) // COLORS)
    start = int(torch.randint(step, (), generator=generator))
    colors = image[0].permute(1, 2, 0).flatten(0, 1).index_select(0, pixels[start::step])  # (M, 3)
    beside = colors - nearest(colors.detach(), palette.colors)
    away = beside.square().sum(1).clamp(min=1e-12).sqrt() / NEAR_COLOR  # (M,)
    return (away - palette.free).clamp(min=0).square().mean()


def nearest(colors: Tensor, palette: Tensor) -> Tensor:
    """Of each of `colors` (N, 3) the nearest of a palette (P, 3), as (N, 3)."""
    groups = -(-len(palette) // GROUP)
    number = torch.arange(groups * GROUP, device=palette.device) % len(palette)
    parted = palette[number].view(groups, GROUP, 3)
    # |c - p|^2 - |c|^2. To look for where the least is takes long: first in which column.
    away = torch.baddbmm(
        parted.square().sum(2)[:, None],
        colors.expand(groups, -1, -1),
        parted.transpose(1, 2),
        alpha=-2,
    )  # (groups, N, GROUP)
    column = away.amin(0).argmin(1)  # (N,)
    row = away.gather(2, column.expand(groups, -1)[..., None])[..., 0].min(0).indices  # (N,)
    return parted[row, column]
