"""What the optimisation makes small beside the style: content, total variation; Gram matrices.

Every loss is relative to its target's own size, so that one weight serves every mesh and
style. Only what the mesh covers counts: a background in the statistics would be painted on.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

ADDED_UP = 2048  # pixels whose products are added up in the features' own format


def mask_pyramid(mask: Tensor, sizes: list[tuple[int, int]]) -> list[Tensor]:
    """Coverage at the resolution of each layer, by the same pooling as the network's.

    Args:
        mask: (H, W) float in 0-1.
        sizes: height and width of each layer's features, not increasing.

    Returns:
        For each, (h, w) float in 0-1.

    Raises:
        ValueError: if halving the mask does not come to one of the sizes.
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
        features: (1, C, h, w) float32 or bfloat16, which it multiplies in; fastest where channels
            lie next to each other in memory.
        mask: (h, w) float32 in 0-1; how much each pixel counts.

    Returns:
        (C, C) float32, F F^T / N.
    """
    weight = mask.flatten()
    pixels = features.permute(0, 2, 3, 1).flatten(0, 2)  # (N, C), a view if channels come last
    factors = weight[:, None].sqrt().to(pixels.dtype)
    return _Products.apply(pixels, factors) / weight.sum().clamp(min=1e-6)


class _Products(torch.autograd.Function):
    """X^T X of rows (N, C) times factors (N, 1); of bfloat16 it is float32.

    What autograd would make of it multiplies twice on the way back.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, factors: Tensor) -> Tensor:
        scaled = rows * factors
        ctx.save_for_backward(scaled, factors)
        if scaled.dtype != torch.bfloat16:
            return scaled.T @ scaled
        # Each product is rounded to the short format, so a sum of many is rounded the less.
        whole = len(scaled) // ADDED_UP * ADDED_UP
        parts, rest = scaled[:whole].view(-1, ADDED_UP, scaled.shape[1]), scaled[whole:]
        return torch.bmm(parts.transpose(1, 2), parts).sum(0, dtype=torch.float32) + rest.T @ rest

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        scaled, factors = ctx.saved_tensors
        both = grads[0] + grads[0].T.contiguous()
        return (scaled @ both.to(scaled.dtype)).mul_(factors), None


def content_loss(features: Tensor, target: Tensor, mask: Tensor, floor: float = 0.0) -> Tensor:
    """||F - T||^2 / ||T||^2 over the covered pixels (Gatys et al. 2016, eq. 1, relative).

    Args:
        features, target: (1, C, h, w) float32 or bfloat16.
        mask: (h, w) float in 0-1.
        floor: mean ||T||^2 of a pixel, at least: that of the style. A target that is much fainter
            than the style, such as clay, would outweigh it otherwise.
    """
    features, target = features.to(mask.dtype), target.to(mask.dtype)
    least = floor * mask.sum()
    size = (target.square().sum(1) * mask).sum().maximum(least)
    return ((features - target).square().sum(1) * mask).sum() / size.clamp(min=1e-12)


def total_variation(image: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels (Rudin et al. 1992, anisotropic).

    Args:
        image: (1, 3, H, W) in 0-1.
        mask: (H, W) in 0-1; pairs count by the product of both pixels' coverage.
    """
    total, count = image.new_zeros(()), image.new_zeros(())
    for axis in (0, 1):
        near, far = (slice(1, None), slice(None, -1))
        pick = [(slice(None),) * axis + (part,) for part in (near, far)]
        pairs = mask[pick[0]] * mask[pick[1]]
        steps = image[0][(slice(None), *pick[0])] - image[0][(slice(None), *pick[1])]
        total = total + (steps.abs().mean(0) * pairs).sum()
        count = count + pairs.sum()
    return total / count.clamp(min=1e-6)


def straight_through(average: Tensor, newest: Tensor) -> Tensor:
    """The value of `average` with the gradient of `newest` (Lucid's style_transfer_3d, 2018)."""
    return _StraightThrough.apply(average, newest)


class _StraightThrough(torch.autograd.Function):
    """As `straight_through`, without computing anything."""

    @staticmethod
    def forward(_ctx: Any, average: Tensor, _newest: Tensor) -> Tensor:
        return average.view_as(average)

    @staticmethod
    def backward(_ctx: Any, *grads: Tensor) -> tuple[None, Tensor]:
        return None, grads[0]
