"""Crops of a view: all that it shows, nothing twice, and little besides."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.crops import LEAST, WORTH, Crop, box_of, crops_of

STEPS = (4, 16)  # pixels of a view in one of relu3_1's, and of relu5_1's
steps = pytest.mark.parametrize("step", STEPS)


def times_held(mask: torch.Tensor, crops: list[Crop]) -> torch.Tensor:
    count = torch.zeros(mask.shape, dtype=torch.int64)
    for crop in crops:
        crop.of(count).add_(1)
    return count


def area(crops: list[Crop]) -> int:
    return sum((crop.bottom - crop.top) * (crop.right - crop.left) for crop in crops)


def blobs(height: int, width: int, seed: int, share: float) -> torch.Tensor:
    draw = np.random.default_rng(seed)
    tens = draw.random((-(-height // 10), -(-width // 10))) < share
    return torch.from_numpy(np.kron(tens, np.ones((10, 10)))[:height, :width].astype(np.float32))


side = st.integers(1, 150)
masks = st.builds(blobs, side, side, st.integers(0, 2**32 - 1), st.floats(0.0, 0.6))


@given(masks, st.sampled_from(STEPS))
@settings(deadline=None)
def test_all_that_is_shown_is_held_once(mask, step) -> None:
    height, width = mask.shape
    crops = crops_of(mask, step)
    count = times_held(mask, crops)
    assert int(count.max()) == 1
    assert bool((count[mask > 0] == 1).all())
    for crop in crops:
        assert crop.top % step == crop.left % step == 0
        assert crop.bottom % step == 0 or crop.bottom == height
        assert crop.right % step == 0 or crop.right == width
        assert crop.bottom > crop.top
        assert crop.right > crop.left


@given(masks, st.sampled_from(STEPS))
@settings(deadline=None)
def test_a_box_holds_all_and_loses_nothing_when_halved(mask, step) -> None:
    height, width = mask.shape
    box = box_of(mask, step)
    assert float(box.of(mask).sum()) == float(mask.sum())
    for length, whole in ((box.bottom - box.top, height), (box.right - box.left, width)):
        assert length % step == 0 or length == whole
    assert 0 <= box.top < box.bottom <= height
    assert 0 <= box.left < box.right <= width


@given(masks, st.sampled_from(STEPS))
@settings(deadline=None)
def test_a_box_is_no_larger_than_it_must_be(mask, step) -> None:
    if not bool(mask.any()):
        return
    box = box_of(mask, step)
    for length, axis in ((box.bottom - box.top, 1), (box.right - box.left, 0)):
        shown = mask.any(axis).nonzero()[:, 0]
        assert length - int(shown[-1] - shown[0] + 1) < step


@steps
def test_a_full_view_is_one_crop(step) -> None:
    assert crops_of(torch.ones(100, 70), step) == [Crop(0, 100, 0, 70)]


@steps
def test_a_view_that_shows_nothing_is_one_too(step) -> None:
    assert crops_of(torch.zeros(64, 64), step) == [Crop(0, 64, 0, 64)]


def test_what_lies_beside_is_cut_off() -> None:
    mask = torch.zeros(128, 128)
    mask[70:80, 33:100] = 0.1
    assert crops_of(mask, 16) == [Crop(64, 80, 32, 112)]
    assert crops_of(mask, 4) == [Crop(68, 80, 32, 100)]
    assert box_of(mask, 16) == Crop(70, 86, 33, 113)
    assert box_of(mask, 4) == Crop(70, 82, 33, 101)


def test_a_box_at_the_end_of_a_view_begins_earlier() -> None:
    mask = torch.zeros(128, 128)
    mask[121:, 5:] = 1
    assert box_of(mask, 16) == Crop(112, 128, 0, 128)


@steps
def test_an_angle_is_cut_in_two(step) -> None:
    mask = torch.zeros(128, 128)
    mask[:, :32] = mask[96:] = 1
    crops = crops_of(mask, step)
    assert box_of(mask, step) == (0, 128, 0, 128)
    assert len(crops) == 2
    assert area(crops) == int(mask.sum())


@steps
def test_what_saves_little_is_not_cut(step) -> None:
    mask = torch.ones(2 * LEAST, 4 * LEAST)
    mask[:LEAST, : WORTH // LEAST - step] = 0
    assert len(crops_of(mask, step)) == 1
    mask[:LEAST, : WORTH // LEAST] = 0
    assert len(crops_of(mask, step)) == 2
