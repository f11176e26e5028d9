"""Between the corners of lattices: cubes cut into six tetrahedra, all alike once they are skewed.

A point lies between four corners instead of eight, and no axis is preferred as the eight have it
(Adams et al. 2010, "Fast high-dimensional filtering using the permutohedral lattice").
"""

from __future__ import annotations

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
        fraction: (3, N) float, position within the cube, 0-1.
    """
    x, y, z = fraction
    # As floats, 0 and 1: to compare into booleans and add these takes twice as long.
    number, further = torch.ge(x, y, out=torch.empty_like(x)), torch.empty_like(x)
    for above in (x, y):
        number.mul_(2).add_(torch.ge(above, z, out=further))
    return number.to(torch.int32)


def corners(number: Tensor, cube: Tensor) -> Tensor:
    """Corners (N, 4) int32 of tetrahedra, where each cube's CORNERS follow those of the one before.

    Args:
        number: (N,) int32, as of `tetrahedra`.
        cube: (N,) int32, which one each is of.
    """
    out = torch.empty(len(number), 4, dtype=torch.int32, device=number.device)
    # Two corners at once, in the halves of an int64: what is written in steps costs by the step.
    first = cube.to(torch.int64).mul_(len(CORNERS) * (1 + (1 << 32)))
    paths = PATHS.to(number.device).view(torch.int64)  # (8, 2)
    for pair, path in zip(out.view(torch.int64).unbind(1), paths.T.contiguous(), strict=True):
        torch.add(path.index_select(0, number), first, out=pair)
    return out


def barycentric(fraction: Tensor) -> Tensor:
    """Weights (N, 4) of the corners of the tetrahedra that points are in, in the order of PATHS.

    Args:
        fraction: (3, N) float, position within the cube, 0-1.
    """
    x, y, z = fraction
    low, high = torch.minimum(x, y), torch.maximum(x, y)
    most, least = torch.maximum(high, z), torch.minimum(low, z)
    middle = torch.maximum(low, torch.minimum(high, z))
    weights = fraction.new_empty(fraction.shape[1], 4)
    # Two at once, as a complex number: see `corners`. To stack them takes three times as long.
    first, last = torch.view_as_complex(weights.view(-1, 2, 2)).unbind(1)
    torch.complex(1 - most, most - middle, out=first)
    torch.complex(middle - least, least, out=last)
    return weights
