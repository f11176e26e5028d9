"""The mean around points of a surface."""

import torch

from engine.local_mean import LocalMean
from tests.engine.fields import ball

CELL = 0.2


def mean_of(points, values):
    return LocalMean.of(points, values, cell=CELL, seed=0)


def test_a_constant_is_its_own_mean_on_and_beside_the_surface() -> None:
    points = ball(4000)
    mean = mean_of(points, torch.full((4000, 3), 0.7))
    for factor in (1, 1.02):
        assert (mean(factor * points) - 0.7).abs().max() < 1e-5


def test_broad_changes_stay_and_fine_ones_go() -> None:
    points = ball(40_000)
    broad, fine = points[:, :1], torch.sin(points @ torch.tensor((40.0, 50.0, 30.0)))[:, None]
    assert (mean_of(points, broad)(points) - broad).abs().max() < 0.05
    assert mean_of(points, fine)(points).abs().mean() < 0.1 * fine.abs().mean()


def test_it_knows_only_what_is_near() -> None:
    points = ball(4000)
    top = points[:, 2] > 0
    found = mean_of(points, top[:, None].float())(points)
    assert (found[points[:, 2] > 3.5 * CELL] - 1).abs().max() < 1e-5
    assert found[points[:, 2] < -3.5 * CELL].abs().max() < 1e-5
    assert mean_of(points, torch.ones(4000, 1))(5 * points[:10]).abs().max() == 0


def test_blocks_change_nothing(monkeypatch) -> None:
    points, values = ball(500), torch.rand(500, 2)
    whole = mean_of(points, values)(points)
    monkeypatch.setattr("engine.local_mean.BLOCK", 64)
    assert (mean_of(points, values)(points) - whole).abs().max() < 1e-5
