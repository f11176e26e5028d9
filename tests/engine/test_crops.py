"""Crops of a view: all that it shows, nothing twice, and little besides."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.crops import BLOCK, LEAST, WORTH, Crop, box_of, crops_of


def times_held(mask: torch.Tensor) -> torch.Tensor:
    count = torch.zeros(mask.shape, dtype=torch.int64)
    for crop in crops_of(mask):
        crop.of(count).add_(1)
    return count


def area(crops: list[Crop]) -> int:
    return sum((crop.bottom - crop.top) * (crop.right - crop.left) for crop in crops)


@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 2**32 - 1), st.floats(0.0, 0.6))
@settings(deadline=None)
def test_all_that_is_shown_is_held_once(height, width, seed, share) -> None:
    draw = np.random.default_rng(seed)
    blobs = draw.random((-(-height // 10), -(-width // 10))) < share
    mask = torch.from_numpy(np.kron(blobs, np.ones((10, 10)))[:height, :width].astype(np.float32))
    count = times_held(mask)
    assert int(count.max()) == 1
    assert bool((count[mask > 0] == 1).all())
    for crop in crops_of(mask):
        assert crop.top % BLOCK == crop.left % BLOCK == 0
        assert crop.bottom % BLOCK == 0 or crop.bottom == height
        assert crop.right % BLOCK == 0 or crop.right == width
        assert crop.bottom > crop.top
        assert crop.right > crop.left


def test_a_full_view_is_one_crop() -> None:
    assert crops_of(torch.ones(100, 70)) == [Crop(0, 100, 0, 70)]


def test_a_view_that_shows_nothing_is_one_too() -> None:
    assert crops_of(torch.zeros(64, 64)) == [Crop(0, 64, 0, 64)]


def test_what_lies_beside_is_cut_off() -> None:
    mask = torch.zeros(128, 128)
    mask[70:80, 33:100] = 0.1
    assert crops_of(mask) == [box_of(mask)] == [Crop(64, 80, 32, 112)]


def test_an_angle_is_cut_in_two() -> None:
    mask = torch.zeros(128, 128)
    mask[:, :32] = mask[96:] = 1
    crops = crops_of(mask)
    assert box_of(mask) == (0, 128, 0, 128)
    assert len(crops) == 2
    assert area(crops) == int(mask.sum())


def test_what_saves_little_is_not_cut() -> None:
    side = LEAST * BLOCK
    mask = torch.ones(2 * side, 4 * side)
    mask[:side, : WORTH * BLOCK * BLOCK // side - BLOCK] = 0
    assert len(crops_of(mask)) == 1
