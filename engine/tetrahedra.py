"""Between the corners of lattices: cubes cut into six tetrahedra, all alike once they are skewed.

A point lies between four corners instead of eight, and no axis is preferred as the eight have it
(Adams et al. 2010, "Fast high-dimensional filtering using the permutohedral lattice").
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

CORNERS = ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))
SHRUNK = 2 ** (-1 / 3)  # so that there are as many corners to a volume as cubes have
# From space to coordinates whose cubes are cut: along the diagonal it stretches to twice as far.
SKEW = SHRUNK * (torch.eye(3, dtype=torch.float64) + 1 / 3)  # (3, 3)


def _paths() -> Iterator[list[int]]:
    """Of each tetrahedron its corners, indices of CORNERS.

    From the cube's first corner to its last, one edge after the other: first along the axis of
    the largest coordinate, last along that of the least.
    """
    for number in range(8):
        xy, xz, yz = number >> 2 & 1, number >> 1 & 1, number & 1
        before = (2 - xy - xz, 1 + xy - yz, xz + yz)  # axes with larger coordinates than x, y, z
        yield [sum(4 >> axis for axis in range(3) if before[axis] < edges) for edges in range(4)]


PATHS = torch.tensor(list(_paths()), dtype=torch.int32)  # (8, 4); two rows are of no tetrahedron


def tetrahedra(fraction: Tensor) -> Tensor:
    """Which of the tetrahedra of its cube each point is in, (N,) int32, an index of PATHS.

    Args:
        fraction: (3, N), position within the cube, 0-1.
    """
    x, y, z = fraction
    return (x >= y).int() * 4 + (x >= z).int() * 2 + (y >= z).int()


def barycentric(fraction: Tensor) -> Tensor:
    """Weights (N, 4) of the corners of the tetrahedra that points are in, in the order of PATHS.

    Args:
        fraction: (3, N), position within the cube, 0-1.
    """
    x, y, z = fraction
    low, high = torch.minimum(x, y), torch.maximum(x, y)
    most, least = torch.maximum(high, z), torch.minimum(low, z)
    middle = torch.maximum(low, torch.minimum(high, z))
    return torch.stack((1 - most, most - middle, middle - least, least), 1)
