"""How features are compared with the style's: four ways to say what a texture is.

Each describes the features of covered pixels by a tensor, and compares two such descriptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .losses import gram

ROWS = 2048  # pixels that stand for a picture where features are compared one by one
LINES = 128  # directions of the sliced Wasserstein distance
LEAST_SPREAD = 0.02  # of a covariance over the mean's square; pictures have 0.03 and more


@dataclass(frozen=True)
class StyleLoss:
    """One way to compare.

    Attributes:
        describe: from features (1, C, h, w), coverage (h, w) and a generator to a description.
        compare: from two descriptions, the second the target's, to a scalar >= 0; takes a
            generator too.
        is_mean: whether descriptions are means over pixels, so that those of several views can
            be averaged; otherwise they are rows (ROWS, C), one for each pixel that was drawn.
    """

    describe: Callable[[Tensor, Tensor, torch.Generator], Tensor]
    compare: Callable[[Tensor, Tensor, torch.Generator], Tensor]
    is_mean: bool


def mean_and_covariance(features: Tensor, mask: Tensor) -> Tensor:
    """Mean and covariance per covered pixel side by side, (C, 1 + C).

    Args:
        features: (1, C, h, w) float32 or bfloat16.
        mask: (h, w) float in 0-1; how much each pixel counts.
    """
    flat, weight = features[0].flatten(1).to(mask.dtype), mask.flatten()  # (C, N), (N,)
    weight = weight / weight.sum().clamp(min=1e-6)
    mean = flat @ weight  # (C,)
    away = flat - mean[:, None]
    return torch.cat((mean[:, None], (away * weight) @ away.T), 1)


def mean_and_covariance_distance(found: Tensor, target: Tensor) -> Tensor:
    """||m - m_t||^2 / ||m_t||^2 + ||S - S_t||^2 / ||S_t||^2, halved.

    ||S_t|| is taken to be LEAST_SPREAD ||m_t||^2 at least, and what has no spread at all, as one
    pixel, is compared by its mean alone.
    """
    mean, spread = target[:, 0], target[:, 1:]
    least = (LEAST_SPREAD * mean.dot(mean)).square()
    size = spread.square().sum().maximum(least).clamp(min=1e-12)
    away = torch.nn.functional.mse_loss(found[:, 1:], spread, reduction="sum")
    return 0.5 * (relative_square(found[:, 0], mean) + spread.any() * away / size)


def relative_square(found: Tensor, target: Tensor) -> Tensor:
    """||F - T||^2 / ||T||^2 (Gatys et al. 2016, eq. 4, relative)."""
    away = torch.nn.functional.mse_loss(found, target, reduction="sum")
    return away / target.flatten().dot(target.flatten()).clamp(min=1e-12)


def draw_rows(features: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """Features (ROWS, C) of pixels drawn by how much each counts.

    Args:
        features: (1, C, h, w) float32 or bfloat16.
        mask: (h, w) float in 0-1; not 0 everywhere.
        generator: of the processor.
    """
    chance = mask.flatten().cpu()
    pixels = torch.multinomial(chance, ROWS, replacement=True, generator=generator)
    rows = features[0].flatten(1).T.to(mask.dtype)
    # Plain indexing adds the gradients of pixels drawn twice in whatever order threads come in.
    return torch.nn.functional.embedding(pixels.to(rows.device), rows)


def sliced_wasserstein(found: Tensor, target: Tensor, generator: torch.Generator) -> Tensor:
    """Wasserstein-2 along random directions, over the target's size (Heitz et al. 2021, eq. 4).

    Args:
        found, target: (ROWS, C).
        generator: of the processor.
    """
    lines = torch.randn(found.shape[1], LINES, generator=generator).to(found)
    lines = torch.nn.functional.normalize(lines, dim=0)
    ranks, wanted = (found @ lines).sort(0).values, (target @ lines).sort(0).values
    return relative_square(ranks, wanted)


def nearest_features(found: Tensor, target: Tensor) -> Tensor:
    """Mean cosine distance to the nearest feature of the target, 0-2 (Zhang et al. 2022, eq. 2).

    Args:
        found, target: (ROWS, C).
    """
    found, target = (torch.nn.functional.normalize(x, dim=1) for x in (found, target))
    return (1 - found @ target.T).amin(1).mean()


STYLE_LOSSES = {
    "GRAM": StyleLoss(
        describe=lambda features, mask, _: gram(features, mask),
        compare=lambda found, target, _: relative_square(found, target),
        is_mean=True,
    ),
    "MEAN_COVARIANCE": StyleLoss(
        describe=lambda features, mask, _: mean_and_covariance(features, mask),
        compare=lambda found, target, _: mean_and_covariance_distance(found, target),
        is_mean=True,
    ),
    "SLICED_WASSERSTEIN": StyleLoss(describe=draw_rows, compare=sliced_wasserstein, is_mean=False),
    "NEAREST_FEATURES": StyleLoss(
        describe=draw_rows,
        compare=lambda found, target, _: nearest_features(found, target),
        is_mean=False,
    ),
}
