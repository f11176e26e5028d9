"""The paint: values in the object's space, on sparse voxel lattices along the surface.

A sum of lattices, each finer than the one before and turned by its own random rotation, so
that no direction shows. A voxel is a cube of a lattice's own skewed coordinates; `tetrahedra`
tells between which four of its corners a point lies. Values live only on corners of voxels that
the surface passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .columns import each_at
from .interpolation import Lookups, weighted_sum
from .tetrahedra import CORNERS, SKEW, barycentric, corners, tetrahedra
from .views import random_rotation

RATIO = 1.6  # of a lattice's voxel to the next finer one's
COARSEST = 0.25  # of the object's largest side
NOISE_GAIN = 2.5  # variance of a value over that of what is interpolated between four
BITS = 21  # of each coordinate of a voxel in its key
AT_ONCE = 1 << 17  # points that are looked up at once


class VoxelPlaces(NamedTuple):
    """Where N points fall in a lattice.

    Attributes:
        rows: (C, 8) int32 as in Lattice.table, of the voxels that hold points.
        voxel: (N,) int32, which of these each point is in.
        fraction: (N, 3) float32, position within the voxel, 0-1.
    """

    rows: Tensor
    voxel: Tensor
    fraction: Tensor

    def corners(self) -> tuple[Tensor, Tensor]:
        """Rows (N, 4) int32 of the corners that each point is between, and their weights (N, 4)."""
        corner, weights = self._between()
        return each_at(self.rows.flatten(), corner), weights

    def mixed(self, values: Tensor) -> Tensor:
        """What is between the lattice's `values` (M, 3) at each point, (N, 3)."""
        # The corners of a voxel side by side: points are many more than voxels.
        near = values.index_select(0, self.rows.flatten())  # (8 C, 3)
        return weighted_sum(near, *self._between())

    def _between(self) -> tuple[Tensor, Tensor]:
        """As `corners`, of the flattened `rows` instead of the lattice's."""
        fraction = self.fraction.T
        return corners(tetrahedra(fraction), self.voxel), barycentric(fraction)


@dataclass(frozen=True)
class Lattice:
    """Voxels near the surface.

    Attributes:
        cell: side of a cube that is as large as a voxel, world units.
        rotation: (3, 3) float64, of the world before it is skewed.
        shift: (3,) float64, in voxels, keeps all coordinates positive.
        cells: (C,) int64, sorted keys of the voxels.
        table: (C, 8) int32, rows of the voxel's corners among the values; the row after the
            last stands for corners that hold none.
        corners: (M,) int64, sorted keys of the corners that hold values.
    """

    cell: float
    rotation: Tensor
    shift: Tensor
    cells: Tensor
    table: Tensor
    corners: Tensor

    @classmethod
    def around(cls, points: Tensor, cell: float, generator: torch.Generator) -> Lattice:
        """The lattice whose voxels hold `points` (N, 3), world space."""
        rotation = random_rotation(generator).to(points.device)
        jitter = torch.rand(3, generator=generator, dtype=torch.float64).to(points.device)
        turned = points.double() @ _into(rotation, cell).T
        shift = jitter + 2 - turned.amin(0).floor()
        cells = _key((turned + shift).floor().to(torch.int64)).unique()
        corners = (cells[:, None] + _corner_offsets(points.device)).unique()
        return cls.of(cell, rotation, shift, cells, corners)

    @classmethod
    def of(
        cls, cell: float, rotation: Tensor, shift: Tensor, cells: Tensor, corners: Tensor
    ) -> Lattice:
        """The lattice with these attributes, from which its table follows."""
        table = torch.empty(0, 8, dtype=torch.int32, device=cells.device)
        empty = cls(cell, rotation, shift, cells, table, corners)
        return replace(empty, table=empty._rows_of(cells))

    def locate(self, points: Tensor) -> VoxelPlaces:
        """Find any `points` (N, 3); corners that the lattice lacks count as 0."""
        # One coordinate after the other in memory: small strides cost several times as much.
        columns = points.T.contiguous().double()  # (3, N)
        place = torch.addmm(self.shift[:, None], _into(self.rotation, self.cell), columns)
        low = place.floor()
        fraction = place.sub_(low).float().T
        # Points that follow each other, such as texels of a row, mostly share their voxel.
        # By way of int32, into which processors turn several numbers at once.
        key = _key(low.to(torch.int32).to(torch.int64).T)
        runs, run = key.unique_consecutive(return_inverse=True)
        # Those of rows below each other often do, and sorted keys are found faster, too.
        cells, cell = runs.unique(return_inverse=True)
        voxel = cell.to(torch.int32).index_select(0, run)
        return VoxelPlaces(self._rows_at(cells), voxel, fraction)

    def _rows_at(self, cells: Tensor) -> Tensor:
        """Rows (C, 8) of the corners of voxels with sorted keys `cells` (C,), as in `table`."""
        slot = torch.searchsorted(self.cells, cells).clamp_(max=len(self.cells) - 1)
        rows = self.table.index_select(0, slot)
        fresh = (self.cells.index_select(0, slot) != cells).nonzero()[:, 0]
        rows[fresh] = self._rows_of(cells[fresh])
        return rows

    def _rows_of(self, cells: Tensor) -> Tensor:
        """The same, looked for among the corners: `cells` need be no voxels of the lattice."""
        keys = cells[:, None] + _corner_offsets(cells.device)[::2]  # (C, 4)
        last, none = len(self.corners) - 1, len(self.corners)
        # Corners above each other, if both hold values, follow each other in `corners`.
        row = torch.searchsorted(self.corners, keys)
        held = each_at(self.corners, row.clamp(max=last)) == keys
        above = row + held
        held_above = each_at(self.corners, above.clamp(max=last)) == keys + 1
        rows = torch.stack((row.where(held, none), above.where(held_above, none)), -1)
        return rows.to(torch.int32).flatten(1)


class Field:
    """Colors (logits, three channels) everywhere on a surface; 0 at the start.

    The last of each lattice's values stays 0: it stands for all corners that hold none.

    Attributes:
        lattices: from the coarsest.
        table: (M, 3) float32, the values of all lattices, one after the other.
        values: the parts of it that are each lattice's, the same memory.
        untouched: the finest lattice's values as they were before the first step.

    Args:
        points: (N, 3) world space, dense on the surface: about one for each finest voxel.
        finest: side of the finest voxel, world units.
        seed: of the rotations.
    """

    def __init__(self, points: Tensor, *, finest: float, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        extent = float((points.amax(0) - points.amin(0)).max())
        # Coordinates must fit their bits, whatever was asked for.
        finest = max(finest, extent / (1 << (BITS - 3)))
        cells = [finest]
        while cells[-1] * RATIO < extent * COARSEST * math.sqrt(RATIO):
            cells.append(cells[-1] * RATIO)
        self.lattices = [Lattice.around(points, cell, generator) for cell in reversed(cells)]
        count = sum(len(lattice.corners) + 1 for lattice in self.lattices)
        self.table = torch.zeros(count, 3, device=points.device)
        self.values = self.parted(self.table)
        self.untouched = self.values[-1].clone()

    def parted(self, rows: Tensor) -> list[Tensor]:
        """Of `rows` (M, ...), one for each of `table`, those of each lattice."""
        return list(rows.split([len(lattice.corners) + 1 for lattice in self.lattices]))

    def holding(self, table: Tensor) -> Field:
        """This field with other values, `table` (M, 3), not copied; the same lattices."""
        other = copy(self)
        other.table, other.values = table, self.parted(table)
        return other

    @torch.no_grad()
    def scatter(self, deviation: float, *, seed: int) -> None:
        """Start from noise: the values' sum gets about `deviation`, each lattice an equal part."""
        generator = torch.Generator().manual_seed(seed)
        for values in self.values:
            noise = torch.randn(values.shape, generator=generator).to(values)
            values.copy_(noise * deviation * math.sqrt(NOISE_GAIN / len(self.values)))
            values[-1] = 0
        self.untouched.copy_(self.values[-1])

    @torch.no_grad()
    def clear(self, rows: Sequence[Tensor]) -> None:
        """Put the values in `rows`, (N,) bool for each lattice, back to 0."""
        for values, chosen in zip(self.values, rows, strict=True):
            values[chosen] = 0
        self.untouched[rows[-1]] = 0

    def locate(self, points: Tensor, *, smallest: float) -> Lookups:
        """Look `points` (N, 3) up in the coarsest lattice, and all with voxels >= `smallest`."""
        count = max(1, sum(lattice.cell >= smallest for lattice in self.lattices))
        found = _in_each(self.lattices[:count], points)
        counts = [len(values) for values in self.values[:count]]
        return Lookups.of([near.corners() for near in found], counts)

    def gather(self, lookups: Lookups) -> Tensor:
        """As `Lookups.gather`, of this field's values."""
        return lookups.gather(self.table)

    @torch.no_grad()
    def evaluate(self, points: Tensor) -> Tensor:
        """Values (N, 3) of all lattices at any `points` (N, 3)."""
        total = torch.zeros(len(points), 3, device=points.device)
        for some, part in zip(total.split(AT_ONCE), points.split(AT_ONCE), strict=True):
            self._add(some, _in_each(self.lattices, part))
        return total

    def places(self, points: Tensor) -> list[VoxelPlaces]:
        """Where any `points` (N, 3) fall in each lattice, whatever becomes of the values."""
        return list(_in_each(self.lattices, points))

    @torch.no_grad()
    def blend(self, places: Sequence[VoxelPlaces]) -> Tensor:
        """Values (N, 3) of all lattices at points with these places, one in each."""
        total = torch.zeros_like(places[0].fraction, memory_format=torch.contiguous_format)
        self._add(total, places)
        return total

    def _add(self, total: Tensor, places: Iterable[VoxelPlaces]) -> None:
        """Add to `total` (N, 3) the values at points with these places, one in each lattice."""
        for values, near in zip(self.values, places, strict=True):
            total.add_(near.mixed(values))

    @torch.no_grad()
    def beside(self, points: Tensor) -> Tensor:
        """As `evaluate`, for `points` that may lie next to the surface.

        Corners that hold no value count as those of the same voxel that do, not as 0.
        """
        total = torch.zeros(len(points), 3, device=points.device)
        for some, part in zip(total.split(AT_ONCE), points.split(AT_ONCE), strict=True):
            for values, near in zip(self.values, _in_each(self.lattices, part), strict=True):
                rows, weights = near.corners()
                held = weights * (rows < len(values) - 1)
                share = held.sum(1, keepdim=True).clamp(min=1e-6)
                some.add_(weighted_sum(values, rows, held / share))
        return total

    @torch.no_grad()
    def moved(self, points: Tensor) -> Tensor:
        """Share (N,) of each point's weight in the finest lattice on values that have moved."""
        rows, weights = self.lattices[-1].locate(points).corners()
        touched = (self.values[-1] != self.untouched).any(-1)
        touched[-1] = False
        return (weights * touched[rows]).sum(-1)

    def kept(self) -> dict[str, Any]:
        """All that `restore` needs, tensors not copied."""
        return {
            "lattices": [[la.cell, la.rotation, la.shift, la.cells, la.corners]
                         for la in self.lattices],
            "values": self.values,
            "untouched": self.untouched,
        }  # fmt: skip

    def restore(self, kept: dict[str, Any]) -> None:
        """Be the field that gave `kept`, with its lattices: another machine rounds otherwise.

        `table` and all of `values` are others afterwards.
        """
        device = self.untouched.device
        self.lattices = [
            Lattice.of(cell, *(tensor.to(device) for tensor in tensors))
            for (cell, *tensors), _ in zip(kept["lattices"], kept["values"], strict=True)
        ]
        self.table = torch.cat(kept["values"]).to(device)
        self.values = self.parted(self.table)
        self.untouched = kept["untouched"].to(device)


def _in_each(lattices: Iterable[Lattice], points: Tensor) -> Iterator[VoxelPlaces]:
    """Look `points` (N, 3) up, lattice after lattice."""
    columns = points.T.contiguous().double()
    return (lattice.locate(columns.T) for lattice in lattices)


def _into(rotation: Tensor, cell: float) -> Tensor:
    """(3, 3) from the world's axes to the coordinates of a lattice."""
    return SKEW.to(rotation.device) @ rotation / cell


def _key(place: Tensor) -> Tensor:
    """Integer coordinates (N, 3) as one number each."""
    x, y, z = place.unbind(-1)
    return torch.add(z, y, alpha=1 << BITS).add_(x, alpha=1 << (2 * BITS))


def _corner_offsets(device: torch.device) -> Tensor:
    return _key(torch.tensor(CORNERS, device=device))  # (8,)
