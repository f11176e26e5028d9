"""Ways to compare features with the style's: against closed forms, and what all share."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.settings import STYLE_LOSSES as NAMES
from engine.style_losses import (
    ROWS,
    STYLE_LOSSES,
    draw_rows,
    mean_and_covariance,
    mean_and_covariance_distance,
    nearest_features,
    sliced_wasserstein,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def features(seed: int, shape=(1, 6, 20, 30)) -> Tensor:
    return torch.randn(shape, generator=generator(seed)).relu()


def loss(name: str, found: Tensor, target: Tensor) -> Tensor:
    one, everywhere = STYLE_LOSSES[name], torch.ones(found.shape[2:])
    wanted = one.describe(target, torch.ones(target.shape[2:]), generator(1))
    return one.compare(one.describe(found, everywhere, generator(2)), wanted, generator(3))


def test_they_are_those_that_can_be_set() -> None:
    assert tuple(STYLE_LOSSES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_same_texture_is_near_and_another_one_far(name) -> None:
    """Where each pixel stands does not matter, how large the picture is neither."""
    shape = (1, 32, 20, 30)
    here = features(0, shape)
    order = torch.randperm(600, generator=generator(7))
    moved = here.flatten(2)[..., order].view(1, 32, 30, 20)
    other = features(1, shape) * torch.linspace(0.1, 3, 32)[None, :, None, None]
    assert float(loss(name, moved, here)) < 0.03
    assert float(loss(name, other, here)) > 5 * float(loss(name, moved, here))


@pytest.mark.parametrize("name", NAMES)
def test_descent_brings_it_nearer(name) -> None:
    found, target = features(3).requires_grad_(), features(4, (1, 6, 25, 25)) * 2 + 0.3
    before = loss(name, found, target)
    before.backward()
    step = 0.01 * found.detach().norm() / found.grad.norm()
    with torch.no_grad():
        after = loss(name, found - step * found.grad, target)
    assert float(after) < float(before)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_covered_does_not_count(name) -> None:
    mask = torch.zeros(20, 30)
    mask[:, :10] = 1
    one, here = STYLE_LOSSES[name], features(0)
    hidden = here.clone()
    hidden[..., 10:] = 1e3
    first, second = (one.describe(f, mask, generator(5)) for f in (here, hidden))
    assert first.equal(second)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_covered_has_no_gradient(name) -> None:
    mask = torch.zeros(20, 30)
    mask[:, :10] = 0.5
    one, found = STYLE_LOSSES[name], features(0).requires_grad_()
    wanted = one.describe(features(1), torch.ones(20, 30), generator(1))
    one.compare(one.describe(found, mask, generator(2)), wanted, generator(3)).backward()
    assert found.grad[..., :10].any()
    assert not found.grad[..., 10:].any()


@pytest.mark.parametrize("name", NAMES)
def test_they_do_not_know_the_features_scale(name) -> None:
    found, target = features(3), features(4) + 0.2
    assert float(loss(name, 50 * found, 50 * target)) == pytest.approx(
        float(loss(name, found, target)), rel=1e-4
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pixels", [1, 2])
def test_a_target_that_is_all_alike_is_no_farther_than_others(name, pixels) -> None:
    """Deep layers of a small picture have one pixel, or some that are the same but for rounding."""
    found, target = features(3), features(4, (1, 6, 1, 1)).expand(1, 6, 1, pixels).clone()
    target[..., 1:] += 1e-6
    assert 0 < float(loss(name, found, target)) < 500
    if pixels == 1:
        assert float(loss(name, found, target)) < 10


def test_of_what_spreads_the_covariance_is_relative_to_itself() -> None:
    found, target = (mean_and_covariance(features(n), torch.ones(20, 30)) for n in (3, 4))
    parts = [
        (found[:, part] - target[:, part]).square().sum() / target[:, part].square().sum()
        for part in (slice(1), slice(1, None))
    ]
    distance = float(mean_and_covariance_distance(found, target))
    assert distance == pytest.approx(float(sum(parts)) / 2, rel=1e-5)


def test_mean_and_covariance_are_numpys() -> None:
    flat = features(0)[0].flatten(1).numpy().astype(np.float64)
    found = mean_and_covariance(features(0), torch.ones(20, 30)).numpy()
    assert np.abs(found[:, 0] - flat.mean(1)).max() < 1e-5
    assert np.abs(found[:, 1:] - np.cov(flat, bias=True)).max() < 1e-5


def test_sliced_wasserstein_of_a_shift() -> None:
    """Along every line a shift d moves each quantile by d . u."""
    rows = torch.randn(ROWS, 3, generator=generator())
    shift = torch.tensor((2.0, -1.0, 0.5))
    lines = torch.nn.functional.normalize(torch.randn(3, 128, generator=generator(9)), dim=0)
    expected = (shift @ lines).square().sum() * ROWS / (rows @ lines).square().sum()
    found = sliced_wasserstein(rows + shift, rows, generator(9))
    assert float(found) == pytest.approx(float(expected), rel=1e-4)


def test_nearest_features_of_right_angles() -> None:
    target = torch.eye(4)
    assert float(nearest_features(3 * target[:2], target)) == pytest.approx(0, abs=1e-6)
    between = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    assert float(nearest_features(between, target)) == pytest.approx(1 - 0.5**0.5)
    assert float(nearest_features(-between, target)) == pytest.approx(1)  # at right angles


def test_pixels_are_drawn_by_how_much_they_count() -> None:
    marks = torch.arange(4.0).view(1, 1, 1, 4)
    mask = torch.tensor([[0.0, 0.5, 0.0, 1.0]])
    drawn = draw_rows(marks, mask, generator())
    assert drawn.shape == (ROWS, 1)
    assert set(drawn.unique().tolist()) == {1.0, 3.0}
    assert float((drawn == 3).float().mean()) == pytest.approx(2 / 3, abs=0.04)


@pytest.mark.parametrize("form", [torch.float32, torch.bfloat16])
def test_a_pixel_drawn_often_has_the_gradient_of_each_time(form) -> None:
    """Of 2,048 drawn of 60 pixels, in whatever threads there are, always the same to the bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        shown, mask = features(0, (1, 64, 6, 10)).to(form).requires_grad_(), torch.ones(6, 10)
        wanted = torch.randn(ROWS, 64, generator=generator(1))
        grads = [
            torch.autograd.grad((draw_rows(shown, mask, generator(2)) * wanted).sum(), shown)[0]
            for _ in range(12)
        ]
    finally:
        torch.set_num_threads(threads)
    pixels = torch.multinomial(mask.flatten(), ROWS, replacement=True, generator=generator(2))
    expected = torch.zeros(60, 64, dtype=torch.float64).index_add_(0, pixels, wanted.double())
    found = grads[0][0].flatten(1).T.double()
    assert all(grad.equal(grads[0]) for grad in grads)
    limit = 1e-6 if form == torch.float32 else 3e-3
    assert (found - expected).norm() < limit * expected.norm()
