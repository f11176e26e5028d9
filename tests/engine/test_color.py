"""Matching of colors: mean and covariance, by the least change, against numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.color import FLOOR, ColorMap, grey, match_colors


def cloud(seed: int, *, spread: float = 0.1, count: int = 4000) -> torch.Tensor:
    """Correlated colors around a random one."""
    random = np.random.default_rng(seed)
    mix = random.normal(size=(3, 3)) * spread / 3
    return torch.from_numpy(random.uniform(0.35, 0.65, 3) + random.normal(size=(count, 3)) @ mix)


def moments(colors) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance."""
    colors = np.asarray(colors)
    return colors.mean(0), np.cov(colors, rowvar=False, bias=True)


@given(st.integers(0, 2**31 - 1))
@hypothesis_settings(max_examples=30)
def test_the_map_gives_the_targets_mean_and_covariance(seed) -> None:
    source, target = cloud(seed), cloud(seed + 1)
    map_ = match_colors(source, target)
    mean, covariance = moments(source)
    mean_t, covariance_t = moments(target)
    matrix = map_.matrix.numpy()
    floor = FLOOR * np.eye(3)
    assert np.abs(matrix @ mean + map_.offset.numpy() - mean_t).max() < 1e-9
    assert np.abs(matrix @ (covariance + floor) @ matrix.T - covariance_t - floor).max() < 1e-9
    # The least change there is: the map of optimal transport is symmetric and positive.
    assert np.abs(matrix - matrix.T).max() < 1e-9
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_mapped_colors_have_the_targets_mean_and_covariance() -> None:
    """But for the floor, which is taken to be in both; nothing is cut off here."""
    source = torch.from_numpy(np.random.default_rng(0).uniform(0.2, 0.8, (4000, 3)))
    target = cloud(4, spread=0.15)
    mapped = match_colors(source, target)(source)
    mean, covariance = moments(mapped)
    mean_t, covariance_t = moments(target)
    assert np.abs(mean - mean_t).max() < 1e-3
    assert np.abs(covariance_t).max() > 5 * FLOOR
    assert np.abs(covariance - covariance_t).max() < FLOOR


def test_alike_colors_stay() -> None:
    source = cloud(0)
    assert (match_colors(source, source)(source) - source.clamp(0, 1)).abs().max() < 1e-9


def test_grey_scales_are_stretched() -> None:
    """One channel, in closed form: the ratio of standard deviations."""
    source = torch.tensor([[0.4, 0.5, 0.5], [0.6, 0.5, 0.5]], dtype=torch.float64)
    target = torch.tensor([[0.1, 0.5, 0.5], [0.9, 0.5, 0.5]], dtype=torch.float64)
    map_ = match_colors(source, target)
    stretch = ((0.16 + FLOOR) / (0.01 + FLOOR)) ** 0.5
    assert map_.matrix.numpy() == pytest.approx(np.diag((stretch, 1, 1)), abs=1e-9)


def test_a_flat_color_takes_the_targets_mean_and_is_not_blown_up() -> None:
    flat = torch.full((100, 3), 0.7, dtype=torch.float64)
    target = cloud(5)
    map_ = match_colors(flat, target)
    assert (map_(flat) - target.mean(0)).abs().max() < 1e-9
    assert torch.linalg.eigvalsh(map_.matrix).max() < (0.3**2 / FLOOR) ** 0.5


def test_a_single_color_each() -> None:
    one, other = torch.tensor([[0.2, 0.4, 0.6]]), torch.tensor([[0.9, 0.1, 0.3]])
    assert (match_colors(one, other)(one) - other).abs().max() < 1e-5


def test_greys_are_as_light_as_the_primaries_of_bt_709() -> None:
    """Of red, green and blue, and of all three together."""
    colors = torch.cat((torch.eye(3), torch.ones(1, 3)))
    expected = torch.tensor([0.2126, 0.7152, 0.0722, 1.0])
    assert torch.allclose(grey(colors), expected[:, None].expand(-1, 3), rtol=0, atol=1e-6)


def test_results_are_colors() -> None:
    map_ = ColorMap(3 * torch.eye(3), torch.full((3,), -1.0))
    found = map_(torch.tensor([(0.0, 0.5, 1.0)]))
    assert found.tolist() == [[0, 0.5, 1]]
