"""Colours as a whole: matching the original's to the style's before the first step."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Covariance that any picture is taken to have, so that flat colours are not blown up: a
# standard deviation of about 0.03 in 0-1.
FLOOR = 1e-3


class ColorMap(NamedTuple):
    """An affine map of colours: x -> matrix x + offset."""

    matrix: Tensor  # (3, 3)
    offset: Tensor  # (3,)

    def __call__(self, colors: Tensor) -> Tensor:
        """Map colours (N, 3) and clamp them to 0-1."""
        return (colors @ self.matrix.T + self.offset).clamp(0, 1)


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
