"""Palettes of pictures, and colors that they have not, against counting."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.palette import COLORS, FREE, MOST, NEAR_COLOR, Palette, nearest, off_palette

SIDE = 96  # pixels of a picture


def test_a_picture_of_flat_colors_leaves_nothing_free() -> None:
    colors = torch.tensor([[0.1, 0.2, 0.3], [0.9, 0.8, 0.2], [0.5, 0.0, 0.7]])
    number = torch.randint(3, (SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    palette = Palette.close(colors[number].permute(2, 0, 1))
    assert palette.free == pytest.approx(0, abs=0.01)
    assert {tuple(color) for color in palette.colors.tolist()} == {
        tuple(color) for color in colors.tolist()
    }


@given(st.floats(0.02, 1), st.integers(0, 99))
@hypothesis_settings(max_examples=20)
def test_most_of_a_picture_is_within_its_palette(spread, seed) -> None:
    """Of any colors, as long as half of NEAR_COLOR is enough for that."""
    picture = spread * torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    palette = Palette.close(picture)
    away = torch.cdist(picture.flatten(1).T, palette.colors).amin(1) / NEAR_COLOR
    inside = float((away <= palette.free + 1e-3).float().mean())
    if palette.free < FREE:
        assert inside == pytest.approx(MOST, abs=0.04)
    else:
        assert palette.free == FREE
        assert inside < MOST + 0.04


def test_colors_that_a_palette_has_not() -> None:
    palette = Palette(torch.tensor([[0.0, 0, 0], [1.0, 1, 1]]), 0.5)
    image = torch.zeros(1, 3, 2, 2)
    image[0, 0, 0, 0] = 1.5 * NEAR_COLOR  # one of four pixels, half of that free
    image[0, 1, 1, 1] = 0.49 * NEAR_COLOR
    everything = torch.arange(4)
    found = off_palette(image, everything, palette, torch.Generator())
    assert float(found) == pytest.approx(0.25)
    assert float(off_palette(image, everything[1:], palette, torch.Generator())) == 0
    assert float(off_palette(image, everything[:0], palette, torch.Generator())) == 0


def test_of_many_colors_some_count_and_each_as_often_as_the_others() -> None:
    """Of three times as many one is strange: it counts in a third of the draws."""
    pixels, generator = torch.arange(3 * COLORS), torch.Generator().manual_seed(0)
    image = torch.zeros(1, 3, 3, COLORS)
    image[0, 0, 1, 1] = 1.5 * NEAR_COLOR
    black = Palette(torch.zeros(1, 3), 0.5)
    found = torch.stack([off_palette(image, pixels, black, generator) for _ in range(600)])
    counted = found > 0
    assert found[counted].numpy() == pytest.approx(1 / COLORS, rel=1e-4)
    assert 150 < int(counted.sum()) < 250  # deviation 11.5


@given(st.integers(0, 2**31 - 1), st.integers(1, 100), st.integers(0, 100))
@hypothesis_settings(max_examples=25)
def test_the_nearest_color_of_a_palette(seed, size, count) -> None:
    generator = torch.Generator().manual_seed(seed)
    palette = torch.rand(size, 3, generator=generator)
    colors = torch.rand(count, 3, generator=generator)
    found = nearest(colors, palette)
    away = (colors[:, None].double() - palette.double()).norm(dim=2)  # (N, P)
    assert ((colors.double() - found.double()).norm(dim=1) - away.amin(1)).abs().sum() < 1e-4
    assert (found[:, None] == palette).all(2).any(1).all()
