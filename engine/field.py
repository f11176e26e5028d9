"""The paint: values in the object's space, on sparse voxel lattices along the surface.

A sum of lattices, each finer than the one before and turned by its own random rotation, so
that no direction shows. Values live only on corners of voxels that the surface passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .interpolation import CORNERS, Lookups, trilinear, weighted_sum
from .views import random_rotation

RATIO = 1.6  # of a lattice's voxel to the next finer one's
COARSEST = 0.25  # of the object's largest side
NOISE_GAIN = 3.4  # variance of a value over that of what is interpolated between eight: (3/2)^3
BITS = 21  # of each coordinate of a voxel in its key
BLOCK = 1 << 18  # points that are placed in a lattice at once
AT_ONCE = 1 << 16  # points that are placed in all lattices at once


class Lookup(NamedTuple):
    """Where points fall in a lattice."""

    voxels: Tensor  # (C,) int32, rows of Lattice.table
    voxel: Tensor  # (N,) int32, which of these each point is in
    fraction: Tensor  # (N, 3) float32, position within the voxel, 0-1

    @property
    def cell(self) -> Tensor:
        """(N,) int32, the row of Lattice.table of each point's voxel."""
        return self.voxels.index_select(0, self.voxel)


class Surroundings(NamedTuple):
    """The corners of a lattice around any points; unlike a Lookup it needs no voxel to be known."""

    rows: Tensor  # (C, 8) int32 as in Lattice.table, of the voxels that hold points
    voxel: Tensor  # (N,) int32, which of these each point is in
    fraction: Tensor  # (N, 3) float32, position within the voxel, 0-1

    def corners(self) -> tuple[Tensor, Tensor]:
        """Rows (N, 8) of each point's corners, and their weights (N, 8)."""
        return self.rows.index_select(0, self.voxel), trilinear(self.fraction)


@dataclass(frozen=True)
class Lattice:
    """Voxels near the surface.

    Attributes:
        cell: side of a voxel, world units.
        rotation: (3, 3) float64, world to lattice.
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
        turned = points.double() @ rotation.T / cell
        shift = jitter + 2 - turned.amin(0).floor()
        cells = _key((turned + shift).floor().to(torch.int64)).unique()
        corners = (cells[:, None] + _corner_offsets(points.device)).unique()
        return cls.of(cell, rotation, shift, cells, corners)

    @classmethod
    def of(
        cls, cell: float, rotation: Tensor, shift: Tensor, cells: Tensor, corners: Tensor
    ) -> Lattice:
        """The lattice with these attributes, from which its table follows."""
        empty = torch.empty(0, 8, dtype=torch.int32, device=cells.device)
        return cls(cell, rotation, shift, cells[:0], empty, corners)._with_cells(cells)

    def including(self, points: Tensor) -> Lattice:
        """This lattice, able to look up `points` too; corners that it lacks count as 0."""
        found = [
            self._cells_of(part)[0].unique_consecutive().unique() for part in points.split(BLOCK)
        ]
        keys = torch.cat(found).unique()
        slot = torch.searchsorted(self.cells, keys).clamp(max=len(self.cells) - 1)
        fresh = keys[self.cells[slot] != keys]
        return self._with_cells(fresh) if len(fresh) else self

    def locate(self, points: Tensor) -> Lookup:
        """Find `points` (N, 3), which must be among those that the lattice can look up."""
        keys, fraction = self._cells_of(points)
        # Points that follow each other mostly share a coarse lattice's voxel.
        keys, run = keys.unique_consecutive(return_inverse=True)
        keys, voxel = keys.unique(return_inverse=True)
        voxels = torch.searchsorted(self.cells, keys)
        voxel = voxel.to(torch.int32).index_select(0, run)
        return Lookup(voxels.to(torch.int32), voxel, fraction)

    def voxels_at(self, keys: Tensor) -> tuple[Tensor, Tensor]:
        """`rows` and `voxel` of `Surroundings` of points in voxels with `keys` (N,).

        The lattice knows no more voxels afterwards.
        """
        # Points that follow each other, such as texels of a row, mostly share their voxel.
        runs, run = keys.unique_consecutive(return_inverse=True)
        # Those of rows below each other often do, and sorted keys are found faster, too.
        cells, cell = runs.unique(return_inverse=True)
        slot = torch.searchsorted(self.cells, cells).clamp(max=len(self.cells) - 1)
        rows = self.table.index_select(0, slot)
        fresh = (self.cells[slot] != cells).nonzero()[:, 0]
        rows[fresh] = self._rows_of(cells[fresh])
        return rows, cell.to(torch.int32).index_select(0, run)

    def _cells_of(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Keys (N,) of the voxels that hold `points` (N, 3), and where in them, (N, 3) in 0-1."""
        # One coordinate after the other in memory: small strides cost several times as much.
        turned = self.rotation @ points.T.contiguous().double()
        place = turned / self.cell + self.shift[:, None]  # (3, N)
        low = place.floor()
        return _key(low.to(torch.int64).T), (place - low).float().T

    def _with_cells(self, fresh: Tensor) -> Lattice:
        """Add the voxels of keys `fresh` (N,), none of which the lattice has yet."""
        cells, order = torch.cat((self.cells, fresh)).sort()
        table = torch.cat((self.table, self._rows_of(fresh)))[order]
        return Lattice(self.cell, self.rotation, self.shift, cells, table, self.corners)

    def _rows_of(self, cells: Tensor) -> Tensor:
        """Rows (N, 8) of the corners of voxels with keys `cells` (N,), as in `table`."""
        keys = cells[:, None] + _corner_offsets(cells.device)  # (N, 8)
        row = torch.searchsorted(self.corners, keys)
        held = self.corners[row.clamp(max=len(self.corners) - 1)] == keys
        return row.where(held, len(self.corners)).to(torch.int32)


class Field(nn.Module):
    """Colours (logits, three channels) everywhere on a surface; 0 at the start.

    The last of each lattice's values stays 0: it stands for all corners that hold none.

    Args:
        points: (N, 3) world space, dense on the surface: about one for each finest voxel.
        finest: side of the finest voxel, world units.
        seed: of the rotations.
    """

    def __init__(self, points: Tensor, *, finest: float, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        extent = float((points.amax(0) - points.amin(0)).max())
        # Coordinates must fit their bits, whatever was asked for.
        finest = max(finest, extent / (1 << (BITS - 3)))
        cells = [finest]
        while cells[-1] * RATIO < extent * COARSEST * math.sqrt(RATIO):
            cells.append(cells[-1] * RATIO)
        self.lattices = [Lattice.around(points, cell, generator) for cell in reversed(cells)]
        self.values = nn.ParameterList(
            torch.zeros(len(lattice.corners) + 1, 3, device=points.device)
            for lattice in self.lattices
        )

        self.untouched = self.values[-1].detach().clone()

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

    def include(self, points: Tensor) -> None:
        """Make `points` (N, 3) ones that `locate` can find; lookups made before are void."""
        self.lattices = [lattice.including(points) for lattice in self.lattices]

    def locate(self, points: Tensor, *, smallest: float) -> Lookups:
        """Look `points` (N, 3) up in the coarsest lattice, and all with voxels >= `smallest`."""
        count = max(1, sum(lattice.cell >= smallest for lattice in self.lattices))
        lattices = self.lattices[:count]
        found = [(lattice, lattice.locate(points)) for lattice in lattices]
        rows = [
            (lattice.table.index_select(0, lookup.voxels), lookup.voxel, lookup.fraction)
            for lattice, lookup in found
        ]
        return Lookups.of(rows, list(self.values)[:count])

    def gather(self, lookups: Lookups) -> Tensor:
        """As `Lookups.gather`, of this field's values."""
        return lookups.gather(list(self.values))

    @torch.no_grad()
    def evaluate(self, points: Tensor) -> Tensor:
        """Values (N, 3) of all lattices at any `points` (N, 3)."""
        total = torch.zeros(len(points), 3, device=points.device)
        for some, part in zip(total.split(AT_ONCE), points.split(AT_ONCE), strict=True):
            some.copy_(self.blend(_around(self.lattices, part)))
        return total

    def around(self, points: Tensor) -> list[Surroundings]:
        """In each lattice, of any `points` (N, 3); they hold whatever becomes of the values."""
        return list(_around(self.lattices, points))

    @torch.no_grad()
    def blend(self, surroundings: Iterable[Surroundings]) -> Tensor:
        """Values (N, 3) of all lattices at points with these surroundings, one of each."""
        pairs = zip(self.values, surroundings, strict=True)
        parts = [weighted_sum(values, *near.corners()) for values, near in pairs]
        return torch.stack(parts).sum(0)

    @torch.no_grad()
    def beside(self, points: Tensor) -> Tensor:
        """As `evaluate`, for `points` that may lie next to the surface.

        Corners that hold no value count as those of the same voxel that do, not as 0.
        """
        total = torch.zeros(len(points), 3, device=points.device)
        for some, part in zip(total.split(AT_ONCE), points.split(AT_ONCE), strict=True):
            for values, near in zip(self.values, _around(self.lattices, part), strict=True):
                rows, weights = near.corners()
                held = weights * (rows < len(values) - 1)
                share = held.sum(1, keepdim=True).clamp(min=1e-6)
                some.add_(weighted_sum(values, rows, held / share))
        return total

    @torch.no_grad()
    def moved(self, points: Tensor) -> Tensor:
        """Share (N,) of each point's weight in the finest lattice on values that have moved."""
        (near,) = _around(self.lattices[-1:], points)
        rows, weights = near.corners()
        touched = (self.values[-1] != self.untouched).any(-1)
        touched[-1] = False
        return (weights * touched[rows]).sum(-1)

    def kept(self) -> dict[str, Any]:
        """All that `restore` needs, tensors not copied."""
        return {
            "lattices": [[la.cell, la.rotation, la.shift, la.cells, la.corners]
                         for la in self.lattices],
            "values": [values.detach() for values in self.values],
            "untouched": self.untouched,
        }  # fmt: skip

    def restore(self, kept: dict[str, Any]) -> None:
        """Be the field that gave `kept`, with its lattices: another machine rounds otherwise.

        All of `values` are others afterwards.
        """
        device = self.untouched.device
        self.lattices = [
            Lattice.of(cell, *(tensor.to(device) for tensor in tensors))
            for (cell, *tensors), _ in zip(kept["lattices"], kept["values"], strict=True)
        ]
        self.values = nn.ParameterList(old.to(device) for old in kept["values"])
        self.untouched = kept["untouched"].to(device)


def _around(lattices: Sequence[Lattice], points: Tensor) -> Iterator[Surroundings]:
    """Those of `points` (N, 3), lattice after lattice."""
    turn = torch.cat([lattice.rotation / lattice.cell for lattice in lattices])  # (3 L, 3)
    shift = torch.cat([lattice.shift for lattice in lattices])[:, None]
    place = torch.addmm(shift, turn, points.T.double()).view(len(lattices), 3, -1)
    low = place.floor()
    fraction = place.sub_(low).float().transpose(1, 2)  # (L, N, 3)
    keys = _key(low.to(torch.int64).transpose(1, 2))  # (L, N)
    for lattice, key, within in zip(lattices, keys, fraction, strict=True):
        yield Surroundings(*lattice.voxels_at(key), within)


def _key(place: Tensor) -> Tensor:
    """Integer coordinates (N, 3) as one number each."""
    x, y, z = place.unbind(-1)
    return (x << (2 * BITS)) | (y << BITS) | z


def _corner_offsets(device: torch.device) -> Tensor:
    return _key(torch.tensor(CORNERS, device=device))  # (8,)
