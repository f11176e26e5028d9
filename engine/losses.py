"""What the optimisation makes small: content, style.

Every loss is relative to its target's own size, so that one weight serves every mesh and
style. Only what the mesh covers counts: a background in the statistics would be painted on.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def mask_pyramid(mask: Tensor, sizes: list[tuple[int, int]]) -> list[Tensor]:
    """Coverage at the resolution of each layer, by the same pooling as the network's.

    Args:
        mask: (H, W) float in 0-1.
        sizes: height and width of each layer's features, not increasing.

    Returns:
        For each, (h, w) float in 0-1.
    """
    out, current = [], mask[None, None]
    for size in sizes:
        while current.shape[-2:] != size:
            if current.shape[-2] < size[0] or current.shape[-1] < size[1]:
                raise ValueError(f"no pooling of {tuple(mask.shape)} gives {size}")
            current = torch.nn.functional.avg_pool2d(current, 2)
        out.append(current[0, 0])
    return out


def gram(features: Tensor, mask: Tensor) -> Tensor:
    """Gram matrix per covered pixel (Gatys et al. 2016, eq. 3, over N instead of summed).

    Args:
        features: (1, C, h, w) float.
        mask: (h, w) float in 0-1; how much each pixel counts.

    Returns:
        (C, C) float, F F^T / N.
    """
    flat = features[0].flatten(1)  # (C, N)
    weight = mask.flatten()
    return (flat * weight) @ flat.T / weight.sum().clamp(min=1e-6)


def content_loss(features: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """||F - T||^2 / ||T||^2 over the covered pixels (Gatys et al. 2016, eq. 1, relative).

    Args:
        features, target: (1, C, h, w) float.
        mask: (h, w) float in 0-1.
    """
    return ((features - target).square() * mask).sum() / (target.square() * mask).sum().clamp(
        min=1e-12
    )


def style_loss(grams: list[Tensor], targets: list[Tensor], weights: Sequence[float]) -> Tensor:
    """Sum over layers of w ||G - T||^2 / ||T||^2 (Gatys et al. 2016, eq. 4-5, relative).

    Args:
        grams, targets: a (C, C) for each layer.
        weights: one for each layer, >= 0.
    """
    parts = [
        w * (g - t).square().sum() / t.square().sum()
        for g, t, w in zip(grams, targets, weights, strict=True)
    ]
    return torch.stack(parts).sum()


def straight_through(average: Tensor, newest: Tensor) -> Tensor:
    """The value of `average` with the gradient of `newest` (Lucid's style_transfer_3d, 2018)."""
    return average + newest - newest.detach()
