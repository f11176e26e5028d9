"""Points that a field is built on, and values for it."""

import numpy as np
import torch
from torch import Tensor

from engine.field import BITS, Field, Lattice
from engine.tetrahedra import SKEW


def ball(count: int, seed: int = 0, radius: float = 1.0) -> Tensor:
    """Points on a sphere."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return (radius * torch.nn.functional.normalize(points, dim=-1)).float()


def corner_positions(lattice: Lattice) -> np.ndarray:
    """World positions of the corners that hold values, from their keys."""
    mask = (1 << BITS) - 1
    keys = lattice.corners.numpy()
    grid = np.stack((keys >> (2 * BITS), (keys >> BITS) & mask, keys & mask), -1)
    return (grid - lattice.shift.numpy()) * lattice.cell @ out_of(lattice)


def out_of(lattice: Lattice) -> np.ndarray:
    """(3, 3), from rows of a lattice's coordinates, in world units, to the world's."""
    return np.linalg.inv((SKEW @ lattice.rotation).numpy()).T


def fill(field: Field, function) -> None:
    """Set every lattice's values to a function of the corners' world positions."""
    with torch.no_grad():
        for lattice, values in zip(field.lattices, field.values, strict=True):
            spots = torch.from_numpy(function(corner_positions(lattice))).float()
            values[:-1] = spots
