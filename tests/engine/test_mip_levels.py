"""Mip levels and sampling against closed forms and numpy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from engine.mip_levels import bilinear, mip_pyramid, sample
from tests.engine.images import centers, random_image

# Mip levels


@pytest.mark.parametrize("size", [(16, 16), (8, 32), (1, 4), (1, 1)])
def test_halvings_keep_the_mean(size) -> None:
    image = random_image(*size)
    pyramid = mip_pyramid(image)
    assert pyramid[0] is image
    height, width = size
    for level in pyramid:
        assert tuple(level.shape) == (max(height, 1), max(width, 1), 3)
        assert (level.mean((0, 1)) - image.mean((0, 1))).abs().max() < 1e-12
        height, width = height // 2, width // 2
    assert pyramid[-1].shape[:2] == (1, 1)


def test_a_texel_of_a_halving_is_the_mean_of_four() -> None:
    image = random_image(8, 6).numpy()
    level = mip_pyramid(torch.from_numpy(image))[1].numpy()
    assert np.abs(level - image.reshape(4, 2, 3, 2, 3).mean((1, 3))).max() < 1e-12


# Sampling


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (3, 7)])
def test_texel_centres_are_exact(size) -> None:
    image = random_image(*size)
    uv = torch.from_numpy(centers(size))
    for shift in ((0, 0), (1, 0), (-4, 3)):
        found = bilinear(image, uv + torch.tensor(shift))
        assert (found - image.view(-1, 3)).abs().max() < 1e-12


def test_v_is_up_and_u_right() -> None:
    image = torch.zeros(4, 4, 3)
    image[0, 0] = torch.tensor((1.0, 0, 0))  # top left
    image[3, 3] = torch.tensor((0, 1.0, 0))  # bottom right
    corners = torch.tensor([(0.125, 0.875), (0.875, 0.125), (0.125, 0.125)])
    assert bilinear(image, corners).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
@hypothesis_settings(max_examples=50)
def test_between_centres_it_is_bilinear_and_wraps(seed, height, width) -> None:
    image = random_image(height, width, seed)
    uv = np.random.default_rng(seed).uniform(-3, 3, (30, 2))
    found = bilinear(image, torch.from_numpy(uv)).numpy()
    # A tent around every texel centre, in every tile.
    spots = centers((height, width))
    expected = np.zeros((30, 3))
    for number, spot in enumerate(spots):
        away = uv - spot
        away = np.abs(away[..., None] - np.arange(-5, 6)) * np.array((width, height))[:, None]
        weight = np.maximum(0, 1 - away).sum(-1).prod(-1)
        expected += weight[:, None] * image.view(-1, 3)[number].numpy()
    assert np.abs(found - expected).max() < 1e-9


@given(st.integers(0, 2**32 - 1), st.floats(0.001, 2), st.floats(0.001, 2))
@hypothesis_settings(max_examples=50)
def test_footprints_that_are_one_tensor_read_as_copies_of_it(seed, wide, high) -> None:
    pyramid = mip_pyramid(random_image(16, 8, seed))
    uv = torch.from_numpy(np.random.default_rng(seed).uniform(-1, 2, (20, 2)))
    together = torch.diag(uv.new_tensor((wide, high))).expand(len(uv), 2, 2)
    assert torch.equal(sample(pyramid, uv, together), sample(pyramid, uv, together.contiguous()))


def squares(count: int, side: float) -> Tensor:
    """Footprints of that side in UV units."""
    return (torch.eye(2, dtype=torch.float64) * side).expand(count, 2, 2)


def checkerboard(size: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return ((y + x) % 2).double()[..., None].expand(-1, -1, 3).contiguous()


def test_a_large_footprint_sees_a_checkerboard_as_grey() -> None:
    pyramid = mip_pyramid(checkerboard(32))
    uv = torch.from_numpy(np.random.default_rng(0).random((50, 2)))
    sharp = sample(pyramid, uv, squares(50, 1 / 32))
    assert sharp.std() > 0.1
    for texels in (2, 3, 8, 100, 1e9):
        grey = sample(pyramid, uv, squares(50, texels / 32))
        assert (grey - 0.5).abs().max() < 1e-9


@pytest.mark.parametrize("level", range(6))
def test_a_footprint_of_two_to_the_n_texels_reads_level_n(level) -> None:
    pyramid = [
        torch.full((2**n, 2**n, 3), float(5 - n), dtype=torch.float64) for n in (5, 4, 3, 2, 1, 0)
    ]
    uv = torch.rand(9, 2, dtype=torch.float64)
    found = sample(pyramid, uv, squares(9, 2.0**level / 32))
    assert (found - level).abs().max() < 1e-9
    between = sample(pyramid, uv, squares(9, 2.0 ** (level + 0.25) / 32))
    assert (between - min(level + 0.25, 5)).abs().max() < 1e-9


def test_footprints_below_a_texel_read_the_image_itself() -> None:
    image = random_image(8, 8)
    uv = torch.rand(20, 2, dtype=torch.float64)
    for footprint in (0.0, 1e-6, 1 / 8):
        found = sample(mip_pyramid(image), uv, squares(20, footprint))
        assert (found - bilinear(image, uv)).abs().max() < 1e-12


def turn(angle: float) -> Tensor:
    """(2, 2), a rotation."""
    x, y = math.cos(angle), math.sin(angle)
    return torch.tensor(((x, -y), (y, x)), dtype=torch.float64)


@given(st.integers(0, 2**32 - 1), st.floats(0, 7), st.floats(3, 8))
@hypothesis_settings(max_examples=25)
def test_long_footprints_read_nearer_to_their_means_than_squares(seed, angle, stretch) -> None:
    """The reference: the mean of the texture itself over each parallelogram."""
    side, count = 64, 100
    image = random_image(side, side, seed)
    uv = torch.from_numpy(np.random.default_rng(seed).random((count, 2)))
    wide = 1.2 / side
    one = turn(angle) @ torch.diag(torch.tensor((wide * stretch, wide), dtype=torch.float64))
    steps = (torch.arange(32, dtype=torch.float64) + 0.5) / 32 - 0.5
    places = torch.cartesian_prod(steps, steps) @ one.T  # (1024, 2)
    mean = bilinear(image, (uv[:, None] + places).flatten(0, 1)).view(count, -1, 3).mean(1)
    pyramid = mip_pyramid(image)
    long, square = (
        float((sample(pyramid, uv, footprint) - mean).square().mean().sqrt())
        for footprint in (one.expand(count, 2, 2), squares(count, wide * stretch**0.5))
    )
    assert long < square
    assert long < 0.06  # a texel's own deviation is 0.29


@given(st.integers(0, 2**32 - 1), st.floats(0, 7))
@hypothesis_settings(max_examples=25)
def test_how_a_pixel_is_turned_does_not_matter(seed, angle) -> None:
    """Only what it covers does."""
    pyramid = mip_pyramid(random_image(32, 16))
    random = torch.Generator().manual_seed(seed)
    uv = torch.rand(50, 2, generator=random, dtype=torch.float64)
    footprint = torch.randn(50, 2, 2, generator=random, dtype=torch.float64) / 16
    found = sample(pyramid, uv, footprint @ turn(angle))
    assert (found - sample(pyramid, uv, footprint)).abs().max() < 1e-6


def test_stripes_are_seen_along_them_and_not_across() -> None:
    stripes = torch.zeros(64, 64, 3, dtype=torch.float64)
    stripes[:, ::4] = stripes[:, 1::4] = 1
    uv = torch.from_numpy(centers((64, 64))).view(-1, 2)
    along = torch.tensor(((1 / 64, 0), (0, 8 / 64)), dtype=torch.float64)
    found = sample(mip_pyramid(stripes), uv, along.expand(len(uv), 2, 2))
    assert (found - stripes.view(-1, 3)).abs().max() < 1e-9
    found = sample(mip_pyramid(stripes), uv, along.flip(0, 1).expand(len(uv), 2, 2))
    assert (found - 0.5).abs().max() < 1e-9


def test_footprints_that_are_no_numbers_or_endless_give_colors() -> None:
    image = random_image(8, 8)
    uv = torch.rand(4, 2, dtype=torch.float64)
    strange = torch.tensor((math.nan, math.inf, -math.inf, 1e300), dtype=torch.float64)
    found = sample(mip_pyramid(image), uv, strange[:, None, None].expand(4, 2, 2))
    assert ((found >= image.amin()) & (found <= image.amax())).all()
