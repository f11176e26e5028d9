"""Sums over lattices and their gradients, against sums written out and finite differences."""

import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from engine.interpolation import Lookups

CHANNELS = 3
COUNTS = (10, 31)  # rows of two lattices, the last of which are for none


def some_lattices(seed: int, points: int) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor]]:
    """Corners and weights of points in two lattices, and values whose last row is 0."""
    generator = torch.Generator().manual_seed(seed)
    found, values = [], []
    for count in COUNTS:
        held = torch.randn(count, CHANNELS, generator=generator, dtype=torch.float64)
        held[-1] = 0
        rows = torch.randint(0, count, (points, 4), generator=generator, dtype=torch.int32)
        found.append((rows, torch.rand(points, 4, generator=generator)))
        values.append(held)
    return found, values


def written_out(found: list[tuple[Tensor, Tensor]], values: list[Tensor]) -> Tensor:
    total = torch.zeros(len(found[0][0]), CHANNELS, dtype=torch.float64)
    for (rows, weights), held in zip(found, values, strict=True):
        for row, weight in zip(rows.T, weights.T, strict=True):
            total += weight[:, None].double() * held[row.long()]
    return total


@given(st.integers(0, 2**31 - 1), st.integers(1, 40))
@hypothesis_settings(max_examples=25)
def test_it_is_the_sum_written_out(seed, points) -> None:
    found, values = some_lattices(seed, points)
    lookups = Lookups.of(found, COUNTS)
    gathered = lookups.gather(torch.cat(values))
    assert (lookups.interpolate(gathered) - written_out(found, values)).abs().max() < 1e-6


@given(st.integers(0, 2**31 - 1))
@hypothesis_settings(max_examples=5)
def test_its_gradient_is_that_of_finite_differences(seed) -> None:
    found, values = some_lattices(seed, 6)
    lookups = Lookups.of(found, COUNTS)
    assert gradcheck(lookups.interpolate, (lookups.gather(torch.cat(values)).requires_grad_(),))


def test_corners_that_hold_no_value_get_no_gradient() -> None:
    found, values = some_lattices(3, 40)
    lookups = Lookups.of(found, COUNTS)
    gathered = lookups.gather(torch.cat(values)).requires_grad_()
    (grad,) = torch.autograd.grad(lookups.interpolate(gathered).sum(), gathered)
    none = (gathered == 0).all(1)
    assert int(none.sum()) == 2
    assert not grad[none].any()
    assert (grad[~none] > 0).all()


def test_points_may_miss_all_corners_that_hold_values() -> None:
    nowhere = torch.full((6, 4), 4, dtype=torch.int32)
    values = torch.cat((torch.ones(4, CHANNELS), torch.zeros(1, CHANNELS)))
    lookups = Lookups.of([(nowhere, torch.rand(6, 4))], [len(values)])
    gathered = lookups.gather(values).requires_grad_()
    assert gathered.shape == (1, CHANNELS)
    found = lookups.interpolate(gathered)
    assert found.equal(torch.zeros(6, CHANNELS))
    (grad,) = torch.autograd.grad(found.sum(), gathered)
    assert not grad.any()


def test_only_rows_that_a_point_needs_are_gathered_each_once() -> None:
    found, values = some_lattices(0, 5)
    lookups = Lookups.of(found, COUNTS)
    wanted = [rows.unique() for rows, _ in found]
    assert sum(map(len, wanted)) < sum(COUNTS)
    assert lookups.sizes == [len(rows) for rows in wanted]
    assert lookups.corners.equal(torch.cat((wanted[0], wanted[1] + COUNTS[0])))
    parts = lookups.gather(torch.cat(values)).split(lookups.sizes)
    for held, needed, part in zip(values, wanted, parts, strict=True):
        assert part.equal(held[needed.long()])
