"""The paint: interpolation on turned lattices, and its gradient."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.field import Field, Lattice
from tests.engine.fields import ball, corner_positions, fill, out_of


@given(st.integers(0, 2**31 - 1), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
@hypothesis_settings(max_examples=25)
def test_linear_functions_are_reproduced(seed, size, offset) -> None:
    points = size * ball(60, seed) + offset * size
    field = Field(points, finest=0.1 * size, seed=seed)
    random = np.random.default_rng(seed)
    matrix, constant = random.normal(size=(3, 3)) / size, random.normal(size=3)
    middle = np.full(3, offset * size)
    fill(field, lambda x: (x - middle) @ matrix + constant)
    expected = len(field.lattices) * ((points.double().numpy() - middle) @ matrix + constant)
    assert np.abs(field.evaluate(points).numpy() - expected).max() < 1e-4 * (
        1 + np.abs(expected).max()
    )


def test_lattices_are_each_finer_and_turned_otherwise() -> None:
    field = Field(ball(200), finest=0.05, seed=3)
    cells = [lattice.cell for lattice in field.lattices]
    extent = float((ball(200).amax(0) - ball(200).amin(0)).max())
    assert extent / 4 / 1.6**0.5 <= cells[0] <= extent / 4 * 1.6**0.5
    assert all(a / b == pytest.approx(1.6) for a, b in pairwise(cells))
    assert cells[-1] == 0.05
    for number, lattice in enumerate(field.lattices):
        turn = lattice.rotation
        assert (turn @ turn.T - torch.eye(3)).abs().max() < 1e-12
        assert torch.linalg.det(turn) == pytest.approx(1)
        for other in field.lattices[:number]:
            assert (turn - other.rotation).abs().max() > 0.01


def test_each_built_voxel_holds_all_its_corners() -> None:
    points = ball(300)
    for lattice in Field(points, finest=0.1, seed=0).lattices:
        assert lattice.table.min() == 0
        assert lattice.table.max() == len(lattice.corners) - 1
        lookup = lattice.locate(points)
        assert (lookup.fraction >= 0).all()
        assert (lookup.fraction < 1 + 1e-6).all()
        # From the voxel's first corner and the fraction, the point itself.
        low = corner_positions(lattice)[lookup.rows[lookup.voxel.long(), 0].numpy()]
        away = lookup.fraction.double().numpy() * lattice.cell @ out_of(lattice)
        assert np.abs(low + away - points.numpy()).max() < 1e-6


def test_it_is_empty_at_the_start() -> None:
    field = Field(ball(50), finest=0.2, seed=0)
    assert (field.evaluate(torch.randn(40, 3)) == 0).all()
    assert (field.moved(ball(50)) == 0).all()


def test_far_from_the_surface_there_is_no_paint() -> None:
    field = Field(ball(100), finest=0.2, seed=0)
    fill(field, np.ones_like)
    far = torch.tensor([(9.0, 0, 0), (0, -50.0, 3), (0, 0, 0)])
    found = field.evaluate(far)
    assert (found[:2] == 0).all()
    on = field.evaluate(ball(100))
    assert (on - len(field.lattices)).abs().max() < 1e-5


def test_moving_out_of_a_voxel_fades_to_nothing() -> None:
    lattice = Lattice.around(torch.zeros(1, 3), 1.0, torch.Generator().manual_seed(1))
    assert len(lattice.cells) == 1
    assert len(lattice.corners) == 8
    middle = corner_positions(lattice).mean(0)
    across = np.array((1.0, 0, 0)) @ out_of(lattice)  # to the middle of the next voxel
    steps = np.linspace(0, 2, 21)
    points = torch.from_numpy(middle + steps[:, None] * across).float()
    lookup = lattice.locate(points)
    assert len(lookup.rows) == 3
    rows, weights = lookup.corners()
    values = torch.ones(9)
    values[-1] = 0
    found = (values[rows.long()] * weights).sum(1).double().numpy()
    assert np.abs(found - (1.5 - steps).clip(0, 1)).max() < 1e-5


@given(st.integers(0, 2**31 - 1))
@hypothesis_settings(max_examples=10)
def test_looked_up_or_evaluated_it_is_the_same(seed) -> None:
    points = ball(80, seed)
    field = Field(points[:40], finest=0.15, seed=seed)
    with torch.no_grad():
        for values in field.values:
            values[:-1] = torch.randn(
                values[:-1].shape, generator=torch.Generator().manual_seed(seed)
            )
    lookups = field.locate(points, smallest=0.0)
    found = lookups.interpolate(field.gather(lookups))
    assert (found - field.evaluate(points)).abs().max() < 1e-6


def test_fine_lattices_can_be_left_out() -> None:
    field = Field(ball(50), finest=0.1, seed=0)
    fill(field, np.ones_like)
    points = ball(50)
    cells = [lattice.cell for lattice in field.lattices]
    for smallest, count in ((0.0, len(cells)), (cells[1], 2), (cells[1] * 1.01, 1), (99.0, 1)):
        lookups = field.locate(points, smallest=smallest)
        assert len(lookups.sizes) == count
        assert (lookups.interpolate(field.gather(lookups)) - count).abs().max() < 1e-5


def test_the_row_for_no_corner_is_0_whatever_is_done() -> None:
    field = Field(ball(60), finest=0.2, seed=0)
    field.scatter(0.5, seed=1)
    other = Field(ball(60), finest=0.2, seed=2)
    other.restore(field.kept())
    rows = [torch.arange(len(values)) % 2 == 0 for values in field.values]
    field.clear(rows)
    for values in (*field.values, *other.values):
        assert not values[-1].any()
        assert values.any()


def test_a_seed_gives_the_same_field_again() -> None:
    points = ball(100)
    same, again, other = (Field(points, finest=0.1, seed=s) for s in (7, 7, 8))
    for a, b, c in zip(same.lattices, again.lattices, other.lattices, strict=True):
        assert a.rotation.equal(b.rotation)
        assert a.corners.equal(b.corners)
        assert a.table.equal(b.table)
        assert not a.rotation.equal(c.rotation)


def test_the_fields_gradient_goes_to_the_corners_by_their_weights() -> None:
    points = ball(30)
    field = Field(points, finest=0.3, seed=0)
    lookups = field.locate(points, smallest=0.0)
    field.table.requires_grad_()
    lookups.interpolate(field.gather(lookups))[:, 0].sum().backward()
    for grad in field.parted(field.table.grad):
        assert grad[:, 0].sum() == pytest.approx(30, rel=1e-5)
        assert (grad[:, 1:] == 0).all()
        assert (grad[-1] == 0).all()
        assert (grad >= 0).all()


def test_moved_is_the_share_of_a_points_weight_that_was_touched() -> None:
    points = ball(40)
    field = Field(points, finest=0.2, seed=0)
    with torch.no_grad():
        field.values[-1][:-1] = 0.1
    assert (field.moved(points) - 1).abs().max() < 1e-6
    assert field.moved(points + 9).max() == 0
    rows, weights = (each[0] for each in field.lattices[-1].locate(points[:1]).corners())
    for row, weight in zip(rows, weights, strict=True):
        with torch.no_grad():
            field.values[-1].zero_()
            field.values[-1][row, 1] = -1.0
        assert float(field.moved(points[:1])) == pytest.approx(float(weight), rel=1e-5)


def test_absurd_fineness_still_fits_the_keys() -> None:
    points = ball(20, radius=1e3) + 1e4
    field = Field(points, finest=0.0, seed=0)
    fill(field, np.ones_like)
    assert (field.evaluate(points) - len(field.lattices)).abs().max() < 1e-3


def test_beside_the_surface_paint_goes_on_as_it_is() -> None:
    points = ball(3000)
    field = Field(points, finest=0.1, seed=0)
    fill(field, lambda x: 0.25 + 0 * x)
    flat = torch.full((3000, 3), 0.25 * len(field.lattices))
    assert (field.evaluate(1.05 * points) - flat).abs().max() > 0.05
    assert (field.beside(1.05 * points) - flat).abs().max() < 1e-5


def test_beside_the_surface_is_the_same_on_it() -> None:
    points = ball(300)
    field = Field(points, finest=0.1, seed=0)
    fill(field, np.sin)
    assert (field.beside(points) - field.evaluate(points)).abs().max() < 1e-5
