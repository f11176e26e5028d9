"""Colors as a whole: matching one picture's to another's, and greys apart from hues."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Covariance that any picture is taken to have, so that flat colors are not blown up: a
# standard deviation of about 0.03 in 0-1.
FLOOR = 1e-3
LUMA = (0.2126, 0.7152, 0.0722)  # of sRGB's primaries (ITU-R BT.709)


class ColorMap(NamedTuple):
    """An affine map of colors: x -> matrix x + offset."""

    matrix: Tensor  # (3, 3)
    offset: Tensor  # (3,)

    def __call__(self, colors: Tensor) -> Tensor:
        """Map colors (N, 3) and clamp them to 0-1."""
        return (colors @ self.matrix.to(colors).T + self.offset.to(colors)).clamp(0, 1)


KEEP = ColorMap(torch.eye(3), torch.zeros(3))


def grey(colors: Tensor) -> Tensor:
    """Colors (..., 3) as greys of the same luma, (..., 3)."""
    return (colors @ colors.new_tensor(LUMA))[..., None].expand(colors.shape)


def with_greys(colors: Tensor, greys: Tensor) -> Tensor:
    """`colors` (N, 3) with the luma of `greys` (N, 3), as far as hues allow that are kept exactly.

    All three channels move by as much, so that the differences between them stay.
    """
    wanted = (greys - grey(colors))[:, :1]
    low, high = -colors.amin(-1, keepdim=True), 1 - colors.amax(-1, keepdim=True)
    return colors + wanted.maximum(low).minimum(high)


def match_colors(source: Tensor, target: Tensor) -> ColorMap:
    """The least change that gives `source` the mean and covariance of `target`.

    The Monge-Kantorovich map between Gaussians (Pitie and Kokaram 2007, "The linear
    Monge-Kantorovitch linear colour mapping for example-based colour transfer").

    Args:
        source: (N, 3) float in 0-1.
        target: (M, 3) float in 0-1.
    """
    mean_s, mean_t = source.mean(0), target.mean(0)
    floor = FLOOR * torch.eye(3, dtype=source.dtype, device=source.device)
    cov_s, cov_t = _covariance(source) + floor, _covariance(target) + floor
    root, inverse_root = _power(cov_s, 0.5), _power(cov_s, -0.5)
    matrix = inverse_root @ _power(root @ cov_t @ root, 0.5) @ inverse_root
    return ColorMap(matrix, mean_t - matrix @ mean_s)


def _covariance(colors: Tensor) -> Tensor:
    away = colors - colors.mean(0)
    return away.T @ away / len(colors)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """A power of a symmetric positive matrix (3, 3)."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=1e-12) ** exponent) @ vectors.T
