"""Between the corners of lattices: cubes cut into six tetrahedra, all alike once they are skewed.

A point lies between four corners instead of eight, and no axis is preferred as the eight have it
(Adams et al. 2010, "Fast high-dimensional filtering using the permutohedral lattice").
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

CORNERS = ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))
SHRUNK = 2 ** (-1 / 3)  # so that there are as many corners to a volume as cubes have
# From space to coordinates whose cubes are cut: along the diagonal it stretches to twice as far.
SKEW = SHRUNK * (torch.eye(3, dtype=torch.float64) + 1 / 3)  # (3, 3)


# Of each tetrahedron its corners, indices of CORNERS, from the cube's first corner to its last:
# first along the axis of the largest coordinate, last along that of the least.
PATHS = torch.tensor(
    (
        (0, 1, 3, 7),  # z, y, x
        (0, 2, 3, 7),  # y, z, x
        (0, 0, 7, 7),  # of no tetrahedron
        (0, 2, 6, 7),  # y, x, z
        (0, 1, 5, 7),  # z, x, y
        (0, 0, 7, 7),  # of no tetrahedron
        (0, 4, 5, 7),  # x, z, y
        (0, 4, 6, 7),  # x, y, z
    ),
    dtype=torch.int32,
)  # (8, 4)


def tetrahedra(fraction: Tensor) -> Tensor:
    """Which of the tetrahedra of its cube each point is in, (N,) int32, an index of PATHS.

    Args:
        fraction: (3, N), position within the cube, 0-1.
    """
    x, y, z = fraction
    number = (x >= y).view(torch.uint8)
    for further in (x >= z, y >= z):
        number.mul_(2).add_(further.view(torch.uint8))
    return number.int()


def barycentric(fraction: Tensor) -> Tensor:
    """Weights (N, 4) of the corners of the tetrahedra that points are in, in the order of PATHS.

    Args:
        fraction: (3, N), position within the cube, 0-1.
    """
    x, y, z = fraction
    low, high = torch.minimum(x, y), torch.maximum(x, y)
    most, least = torch.maximum(high, z), torch.minimum(low, z)
    middle = torch.maximum(low, torch.minimum(high, z))
    weights = fraction.new_empty(fraction.shape[1], 4)
    # In place: to stack them takes three times as long.
    bounds = fraction.new_ones(()), most, middle, least
    for column, (above, below) in enumerate(pairwise(bounds)):
        torch.sub(above, below, out=weights[:, column])
    weights[:, 3] = least
    return weights
