"""The style pictures as a run aims at them: turned, and in the colors that are wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .color import grey, match_colors
from .job import Job
from .original import is_plain
from .settings import Settings


@dataclass(frozen=True)
class Aim:
    """One style.

    Attributes:
        picture: (3, H, W) float in 0-1.
        weight: how much it counts beside the others.
        region: (F, 3) float in 0-1, per corner, how strongly the mesh takes it on.
    """

    picture: Tensor
    weight: float
    region: Tensor


def aims_of(job: Job, pictures: Sequence[Tensor], original: Tensor) -> tuple[Aim, ...]:
    """The styles of `job`, of which what is protected takes on none, nor anything one of weight 0.

    Args:
        job: validated.
        pictures: (3, H, W) float in 0-1, one for each of `job.styles`.
        original: (N, 3) colors of the mesh.
    """
    device = original.device
    everywhere = np.ones(job.mesh.faces.shape, np.float32)  # (F, 3)
    free = everywhere if job.protected is None else 1 - job.protected
    regions = [
        free * (everywhere if style.region is None else style.region) * np.float32(style.weight > 0)
        for style in job.styles
    ]
    return tuple(
        Aim(
            recolored(turned(picture, job.settings.stroke_rotation), job.settings, original),
            style.weight,
            torch.from_numpy(region).to(device),
        )
        for style, picture, region in zip(job.styles, pictures, regions, strict=True)
    )


def turned(picture: Tensor, angle: float) -> Tensor:
    """`picture` (3, H, W) turned by `angle` (radians, anticlockwise); mirrored beyond its rim."""
    if angle == 0:
        return picture
    height, width = picture.shape[1:]
    cos, sin, aspect = math.cos(angle), math.sin(angle), width / height
    # From the frame's -1 to 1 back to where its colors come from, y down.
    matrix = torch.tensor([[cos, -sin / aspect, 0.0], [sin * aspect, cos, 0.0]])
    grid = torch.nn.functional.affine_grid(
        matrix[None].to(picture), [1, 3, height, width], align_corners=False
    )
    return torch.nn.functional.grid_sample(
        picture[None], grid, mode="bicubic", padding_mode="reflection", align_corners=False
    )[0].clamp(0, 1)


def recolored(picture: Tensor, settings: Settings, original: Tensor) -> Tensor:
    """`picture` (3, H, W) as `settings.color` wants it, beside the original's colors (N, 3).

    MATCHED gives it the original's mean and covariance, ORIGINAL the same of its greys alone
    (Gatys et al. 2016, "Preserving color in neural artistic style transfer"). An original of one
    color has no light and dark to give, so that the picture keeps its own around that color.
    """
    if settings.color == "STYLE":
        return picture
    colors = picture.flatten(1).T  # (H W, 3)
    keeps_hues = settings.color == "ORIGINAL"
    wanted = grey(original) if keeps_hues else original
    if is_plain(original):
        greys = grey(colors)
        mapped = (wanted.mean(0) + greys - greys.mean(0)).clamp(0, 1)
    else:
        source = grey(colors) if keeps_hues else colors
        mapped = match_colors(source, wanted)(source)
    return mapped.T.reshape(picture.shape)
