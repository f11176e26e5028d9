"""Gram matrices and losses against closed forms; only covered pixels count."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from engine.losses import (
    content_loss,
    gram,
    mask_pyramid,
    straight_through,
    total_variation,
)


def random_features(seed: int, shape=(1, 5, 6, 7)) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def some_mask(seed: int, shape=(6, 7)) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(shape, generator=generator, dtype=torch.float64) < 0.5).double()


def test_the_gram_matrix_of_constant_channels() -> None:
    levels = torch.tensor((1.0, -2.0, 0.5))
    features = levels[None, :, None, None].expand(1, 3, 4, 5)
    assert gram(features, torch.ones(4, 5)).equal(levels[:, None] * levels)


def test_the_gram_matrix_of_channels_that_are_never_on_together() -> None:
    features = torch.zeros(1, 2, 1, 4)
    features[0, 0, 0, :1] = 3.0  # on in a quarter of the pixels
    features[0, 1, 0, 1:] = 2.0
    assert gram(features, torch.ones(1, 4)).tolist() == [[9 / 4, 0], [0, 3]]


@given(st.integers(0, 2**31 - 1))
@hypothesis_settings(max_examples=20)
def test_the_gram_matrix_is_numpys(seed) -> None:
    features, mask = random_features(seed), some_mask(seed)
    found = gram(features, mask).numpy()
    covered = features[0].numpy()[:, mask.numpy() > 0]
    assert np.abs(found - covered @ covered.T / max(mask.sum().item(), 1e-6)).max() < 1e-12
    assert np.linalg.eigvalsh(found).min() > -1e-9


def test_the_background_is_not_in_the_gram_matrix() -> None:
    features, mask = random_features(0), some_mask(0)
    painted = features.where(mask > 0, 1e6)
    assert gram(features, mask).equal(gram(painted, mask))


def test_the_gram_matrix_does_not_grow_with_the_picture() -> None:
    features, mask = random_features(0), some_mask(0)
    twice = gram(features.repeat(1, 1, 2, 3), mask.repeat(2, 3))
    assert (twice - gram(features, mask)).abs().max() < 1e-12


def test_half_covered_pixels_count_half() -> None:
    features = torch.tensor([1.0, 5.0]).view(1, 1, 1, 2)
    mask = torch.tensor([[1.0, 0.5]])
    assert float(gram(features, mask)) == pytest.approx((1 + 0.5 * 25) / 1.5)


def test_nothing_covered_is_no_accident() -> None:
    features = random_features(0).requires_grad_()
    loss = gram(features, torch.zeros(6, 7)).sum()
    loss = loss + content_loss(features, random_features(1), torch.zeros(6, 7))
    loss.backward()
    assert loss == 0
    assert (features.grad == 0).all()


def test_the_content_loss_of_a_share() -> None:
    """Features that are off by a tenth: 0.1 squared."""
    target = random_features(0)
    assert float(content_loss(1.1 * target, target, torch.ones(6, 7))) == pytest.approx(0.01)
    assert float(content_loss(0 * target, target, torch.ones(6, 7))) == pytest.approx(1)
    assert content_loss(target, target, torch.ones(6, 7)) == 0


@given(st.integers(0, 2**31 - 1), st.floats(1e-3, 1e3))
@hypothesis_settings(max_examples=20)
def test_losses_do_not_know_the_features_scale(seed, factor) -> None:
    """So that one weight serves every network, mesh and style."""
    a, b, mask = random_features(seed), random_features(seed + 1), some_mask(seed)
    mask[0, 0] = 1
    content = float(content_loss(a, b, mask))
    assert float(content_loss(factor * a, factor * b, mask)) == pytest.approx(content, rel=1e-9)


def test_the_background_is_not_in_the_content_loss() -> None:
    a, b, mask = random_features(0), random_features(1), some_mask(0)
    loss = content_loss(a, b, mask)
    assert content_loss(a.where(mask > 0, 1e6), b.where(mask > 0, -1e6), mask) == loss
    assert float(loss) == pytest.approx(
        float(((a - b) * mask).norm() ** 2 / (b * mask).norm() ** 2), rel=1e-12
    )


def test_total_variation_of_a_step_and_a_slope() -> None:
    image = torch.zeros(1, 3, 4, 5)
    image[..., 3:] = 1.0  # one step to the right in each row: 4 of 4 * 4 + 3 * 5 pairs
    assert float(total_variation(image, torch.ones(4, 5))) == pytest.approx(4 / 31)
    assert float(total_variation(torch.full((1, 3, 4, 5), 0.3), torch.ones(4, 5))) == 0
    slope = 0.1 * torch.arange(5.0).expand(1, 3, 4, 5)
    assert float(total_variation(slope, torch.ones(4, 5))) == pytest.approx(0.1 * 16 / 31)


def test_total_variation_does_not_see_the_outline() -> None:
    mask = torch.zeros(6, 6)
    mask[2:5, 1:4] = 1
    image = mask.expand(1, 3, 6, 6)
    assert float(total_variation(image, mask)) == 0
    assert float(total_variation(image, torch.ones(6, 6))) > 0


def test_straight_through_has_one_value_and_the_others_gradient() -> None:
    average, newest = torch.tensor([1.0, 2.0]), torch.tensor([5.0, 7.0], requires_grad=True)
    found = straight_through(average, newest)
    assert (found - average).abs().max() < 1e-6
    (found * torch.tensor([3.0, -1.0])).sum().backward()
    assert newest.grad.tolist() == [3, -1]


def test_masks_are_pooled_as_the_features_are() -> None:
    mask = some_mask(0, (13, 22))
    sizes = [(13, 22), (6, 11), (6, 11), (3, 5), (1, 2)]
    found = mask_pyramid(mask, sizes)
    assert [tuple(m.shape) for m in found] == sizes
    assert found[0].equal(mask)
    halved = mask[:12].view(6, 2, 11, 2).mean((1, 3))
    assert (found[1] - halved).abs().max() < 1e-12
    assert found[2].equal(found[1])
    assert (found[3] - halved[:, :10].view(3, 2, 5, 2).mean((1, 3))).abs().max() < 1e-12


@pytest.mark.parametrize("size", [(5, 7), (8, 8), (26, 44)])
def test_sizes_that_no_pooling_gives_are_refused(size) -> None:
    with pytest.raises(ValueError, match=r"no pooling of \(13, 22\)"):
        mask_pyramid(torch.ones(13, 22), [size])


def test_a_faint_target_counts_as_much_as_the_floor() -> None:
    a, mask = random_features(0), torch.ones(6, 7, dtype=torch.float64)
    faint = 0.01 * random_features(1)
    loss = content_loss(a, faint, mask, 3.0)
    assert float(loss) == pytest.approx(float((a - faint).square().sum() / (3 * 42)))
    strong = 10 * random_features(1)
    assert content_loss(a, strong, mask, 3.0) == content_loss(a, strong, mask)


def test_in_a_short_format_a_gram_matrix_is_nearly_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(1, 16, 60, 80, generator=generator).to(torch.bfloat16)
    mask = torch.rand(60, 80, generator=generator)
    found, exact = gram(features, mask), gram(features.float(), mask)
    assert found.dtype == torch.float32
    assert (found - exact).norm() < 0.003 * exact.norm()


def test_in_a_short_format_its_gradient_is_nearly_the_same_too() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(1, 16, 60, 80, generator=generator).to(torch.bfloat16)
    mask, ways = torch.rand(60, 80, generator=generator), torch.rand(16, 16, generator=generator)
    found, exact = (each.clone().requires_grad_() for each in (features, features.float()))
    for each in (found, exact):
        (gram(each, mask) * ways).sum().backward()
    assert (found.grad - exact.grad).norm() < 0.01 * exact.grad.norm()
