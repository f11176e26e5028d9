"""Fragments to pixels, softly: differentiable in colors and vertices.

For whoever optimises the vertices too. Painting does not go this way: its geometry stands still,
and views are antialiased by samples instead (see `surface.shoot`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .rasterizer import Fragments


def coverage(fragments: Fragments, *, sigma: float) -> Tensor:
    """How much of a pixel each face covers, softly: (H, W, K) in 0-1 (SoftRas, eq. 1).

    Args:
        fragments: of a rasterization with a blur radius.
        sigma: softness of edges, in the units of `dists`, > 0.
    """
    return torch.sigmoid(-fragments.dists / sigma) * (fragments.pix_to_face >= 0)


def blend_weights(fragments: Fragments, *, sigma: float, gamma: float) -> tuple[Tensor, Tensor]:
    """Weights of a pixel's faces and of its background (SoftRas, Liu et al. 2019, eq. 2-3).

    Args:
        fragments: of a rasterization with a blur radius.
        sigma: softness of edges, in the units of `dists`, > 0.
        gamma: softness of depth, as a share of the range from near to far, > 0.

    Returns:
        weights (H, W, K) and background weight (H, W) in 0-1, together 1 in every pixel.
    """
    covered = fragments.pix_to_face >= 0
    nearness = (1 - fragments.zbuf) / 2  # 1 near, 0 far
    logits = torch.nn.functional.logsigmoid(-fragments.dists / sigma) + nearness / gamma
    logits = logits.masked_fill(~covered, -torch.inf)
    background = torch.zeros_like(logits[..., :1])
    weights = torch.cat((logits, background), -1).softmax(-1)
    return weights[..., :-1], weights[..., -1]


def softmax_blend(
    colors: Tensor, fragments: Fragments, *, sigma: float, gamma: float, background: Tensor
) -> Tensor:
    """Blend the faces of each pixel; as sigma and gamma go to 0, this is the z-buffer.

    Differentiable in `colors` and, through `fragments`, in the vertices.

    Args:
        colors: (H, W, K, 3) float, of each fragment.
        fragments: of a rasterization with a blur radius.
        sigma, gamma: as in `blend_weights`.
        background: (3,) float.

    Returns:
        (H, W, 4): color, and alpha, the chance that any face covers the pixel.
    """
    weights, behind = blend_weights(fragments, sigma=sigma, gamma=gamma)
    alpha = 1 - (1 - coverage(fragments, sigma=sigma)).prod(-1)
    color = (weights[..., None] * colors).sum(-2) + behind[..., None] * background
    return torch.cat((color, alpha[..., None]), -1)  # (H, W, 4)
