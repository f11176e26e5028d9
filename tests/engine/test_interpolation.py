"""Sums over lattices and their gradients, against sums written out and finite differences."""

import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from engine.interpolation import Lookups, trilinear

CHANNELS = 3


def some_lattices(
    seed: int, points: int
) -> tuple[list[tuple[Tensor, Tensor, Tensor]], list[Tensor]]:
    """Two lattices with random corners, some of them none, and values whose last row is 0."""
    generator = torch.Generator().manual_seed(seed)
    found, values = [], []
    for corners, voxels in ((9, 5), (30, 4)):
        held = torch.randn(corners + 1, CHANNELS, generator=generator, dtype=torch.float64)
        held[-1] = 0
        voxel = torch.randint(0, voxels, (points,), generator=generator)
        names, voxel = voxel.unique(return_inverse=True)
        rows = torch.randint(0, corners + 1, (len(names), 8), generator=generator)
        fraction = torch.rand(points, 3, generator=generator)
        found.append((rows.to(torch.int32), voxel.to(torch.int32), fraction))
        values.append(held)
    return found, values


def written_out(found: list[tuple[Tensor, Tensor, Tensor]], values: list[Tensor]) -> Tensor:
    total = torch.zeros(len(found[0][1]), CHANNELS, dtype=torch.float64)
    for (rows, voxel, fraction), held in zip(found, values, strict=True):
        low, high = 1 - fraction.double(), fraction.double()
        for number in range(8):
            bits = (number >> 2 & 1, number >> 1 & 1, number & 1)
            sides = [(high if bit else low)[:, axis] for axis, bit in enumerate(bits)]
            weight = sides[0] * sides[1] * sides[2]
            total += weight[:, None] * held[rows[voxel.long(), number].long()]
    return total


@given(st.integers(0, 2**31 - 1), st.integers(1, 40))
@hypothesis_settings(max_examples=25)
def test_it_is_the_sum_written_out(seed, points) -> None:
    found, values = some_lattices(seed, points)
    lookups = Lookups.of(found, values)
    gathered = lookups.gather(torch.cat(values))
    assert (lookups.interpolate(gathered) - written_out(found, values)).abs().max() < 1e-6


@given(st.integers(0, 2**31 - 1))
@hypothesis_settings(max_examples=5)
def test_its_gradient_is_that_of_finite_differences(seed) -> None:
    found, values = some_lattices(seed, 6)
    lookups = Lookups.of(found, values)

    def of_held(held: Tensor) -> Tensor:  # the first row stands for none and has no gradient
        return lookups.interpolate(torch.cat((held.new_zeros(1, CHANNELS), held)))

    assert gradcheck(of_held, (lookups.gather(torch.cat(values))[1:].requires_grad_(),))


def test_points_may_miss_all_corners_that_hold_values() -> None:
    nowhere = torch.full((1, 8), 4, dtype=torch.int32)
    values = torch.cat((torch.ones(4, CHANNELS), torch.zeros(1, CHANNELS)))
    points = torch.zeros(6, dtype=torch.int32)
    lookups = Lookups.of([(nowhere, points, torch.rand(6, 3))], [values])
    gathered = lookups.gather(values).requires_grad_()
    assert gathered.shape == (1, CHANNELS)
    found = lookups.interpolate(gathered)
    assert found.equal(torch.zeros(6, CHANNELS))
    (grad,) = torch.autograd.grad(found.sum(), gathered)
    assert not grad.any()


def test_only_rows_that_a_point_needs_are_gathered_each_once() -> None:
    found, values = some_lattices(0, 12)
    lookups = Lookups.of(found, values)
    pairs = zip(found, values, strict=True)
    wanted = [rows[rows < len(held) - 1].unique() for (rows, _, _), held in pairs]
    assert lookups.sizes == [1 + len(wanted[0]), len(wanted[1])]
    assert lookups.corners[1:].equal(torch.cat((wanted[0], wanted[1] + len(values[0]))))
    gathered = lookups.gather(torch.cat(values))
    assert not gathered[0].any()
    parts = gathered[1:].split([len(rows) for rows in wanted])
    for held, needed, part in zip(values, wanted, parts, strict=True):
        assert part.equal(held[needed.long()])


def test_weights_sum_to_one_and_are_one_at_a_corner() -> None:
    generator = torch.Generator().manual_seed(0)
    assert (trilinear(torch.rand(50, 3, generator=generator)).sum(1) - 1).abs().max() < 1e-6
    assert trilinear(torch.tensor([[0.0, 1.0, 1.0]])).tolist() == [[0, 0, 0, 1, 0, 0, 0, 0]]
