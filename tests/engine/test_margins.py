"""Margins against closed forms and numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from engine.margins import grow_margin
from tests.engine.images import random_image


def fill_margin(image: Tensor, covered: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """As `grow_margin`, of copies, which are returned."""
    image, covered = image.clone(), covered.clone()
    grow_margin(image, covered, width)
    return image, covered


@pytest.mark.parametrize("width", [0, 1, 3])
def test_the_margin_of_one_texel_is_a_square_of_its_color(width) -> None:
    image, covered = random_image(9, 11), torch.zeros(9, 11, dtype=torch.bool)
    covered[4, 5] = True
    filled, holds = fill_margin(image, covered, width)
    y, x = np.mgrid[:9, :11]
    expected = (np.abs(y - 4) <= width) & (np.abs(x - 5) <= width)
    assert (holds.numpy() == expected).all()
    assert (filled[holds] - image[4, 5]).abs().max() < 1e-12
    assert filled[~holds].equal(image[~holds])


def test_the_margin_of_a_half_plane_carries_columns_outwards() -> None:
    """Each new texel is the mean of its covered neighbours: a binomial blur along the rim."""
    image, covered = random_image(12, 10), torch.zeros(12, 10, dtype=torch.bool)
    covered[:, :4] = True
    filled, holds = fill_margin(image, covered, 2)
    assert holds.equal(torch.arange(10).expand(12, -1) < 6)
    assert filled[:, :4].equal(image[:, :4])
    rim = image[:, 3].numpy()
    first = np.stack([rim[max(0, i - 1) : i + 2].mean(0) for i in range(12)])
    second = np.stack([first[max(0, i - 1) : i + 2].mean(0) for i in range(12)])
    assert np.abs(filled[:, 4].numpy() - first).max() < 1e-12
    assert np.abs(filled[:, 5].numpy() - second).max() < 1e-12


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(0, 4))
@hypothesis_settings(max_examples=50)
def test_margins_reach_as_far_as_they_are_wide(seed, height, width, reach) -> None:
    random = np.random.default_rng(seed)
    covered = random.random((height, width)) < 0.15
    image = random_image(height, width, seed)
    filled, holds = fill_margin(image, torch.from_numpy(covered), reach)
    rows, columns = np.nonzero(covered)
    y, x = np.mgrid[:height, :width]
    away = np.maximum(np.abs(y[..., None] - rows), np.abs(x[..., None] - columns))
    assert (holds.numpy() == (away.min(-1, initial=99) <= reach)).all()
    inside = image[torch.from_numpy(covered)]
    assert filled[torch.from_numpy(covered)].equal(inside)
    if len(inside):
        assert (filled[holds] >= inside.amin(0) - 1e-12).all()
        assert (filled[holds] <= inside.amax(0) + 1e-12).all()
