"""Looking at a view by crops: the same features of the same pixels, and gradients."""

import pytest
import torch

from engine.backbone import Backbone, find_weights
from engine.losses import gram
from engine.sight import Sight

LAYERS = ("relu1_1", "relu2_1", "relu3_1")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return Backbone(find_weights("VGG16", ""), LAYERS)


def picture(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_a_view_that_is_full_is_seen_as_it_is(backbone) -> None:
    image, mask = picture(50, 70), torch.ones(50, 70)
    seen = Sight(mask, [mask / 2], LAYERS)
    whole = backbone(image, LAYERS)
    for name, found in seen.features(backbone, image, LAYERS).items():
        assert found[0, :, 0, :-1].equal(whole[name][0].flatten(1))
        assert seen.coverage[name][:, :-1].eq(1).all()
        assert seen.regions[0][name][:, :-1].eq(0.5).all()
    assert seen.shares == [0.5]


def test_away_from_a_crop_s_rim_the_features_are_those_of_the_whole(backbone) -> None:
    """Three convolutions reach over three pixels at the most, of their own resolution."""
    mask = torch.zeros(96, 96)
    mask[32:80, 16:64] = 1
    image = picture(96, 96)
    seen = Sight(mask, [], LAYERS)
    (crop,) = seen.crops
    assert crop == (32, 80, 16, 64)
    found, whole = seen.features(backbone, image, LAYERS), backbone(image, LAYERS)
    for halvings, name in enumerate(LAYERS):
        side, rim = 48 >> halvings, 4
        part = found[name][0, :, 0, :-1].view(-1, side, side)
        top, left = 32 >> halvings, 16 >> halvings
        same = whole[name][0, :, top : top + side, left : left + side]
        inside = (slice(None), slice(rim, -rim), slice(rim, -rim))
        assert (part[inside] - same[inside]).abs().max() < 1e-4 * same.abs().max()


def test_only_covered_pixels_are_there_and_get_gradient(backbone) -> None:
    mask = torch.zeros(96, 128)
    mask[:, :20] = mask[60:] = 1
    image = picture(96, 128).requires_grad_()
    seen = Sight(mask, [], LAYERS)
    assert len(seen.crops) == 2
    found = seen.features(backbone, image, LAYERS)
    assert found["relu1_1"].shape[3] == int(mask.sum()) + 1
    assert all(found[name].shape[3] == seen.coverage[name].shape[1] for name in LAYERS)
    assert not any(found[name][..., -1].any() or seen.coverage[name][:, -1] for name in LAYERS)
    sum(gram(found[name], seen.coverage[name]).sum() for name in LAYERS).backward()
    for crop in seen.crops:
        crop.of(image.grad).zero_()
    assert not image.grad.any()


def test_the_gradient_is_that_of_each_crop_by_itself(backbone) -> None:
    mask = torch.zeros(96, 96)
    mask[:, :40] = mask[60:, 10:] = 0.5
    seen = Sight(mask, [], LAYERS)
    assert len(seen.crops) == 2
    image, again = picture(96, 96).requires_grad_(), picture(96, 96).requires_grad_()
    found = seen.features(backbone, image, LAYERS)
    sum(gram(found[n], seen.coverage[n]).square().sum().log() for n in LAYERS).backward()
    plain = 0
    for halvings, name in enumerate(LAYERS):
        products = pixels = 0
        for crop in seen.crops:
            coverage = torch.nn.functional.avg_pool2d(crop.of(mask)[None], 1 << halvings)
            flat = backbone(crop.of(again), LAYERS)[name][0].flatten(1)
            products = products + torch.einsum("cn,dn,n->cd", flat, flat, coverage.flatten())
            pixels += coverage.sum()
        plain = plain + (products / pixels).square().sum().log()
    plain.backward()
    assert (image.grad - again.grad).abs().max() < 1e-4 * again.grad.abs().max()


def test_for_deep_layers_nothing_is_cut() -> None:
    mask = torch.zeros(96, 128)
    mask[:, :20] = mask[60:, :100] = 1
    assert len(Sight(mask, [], LAYERS).crops) == 2
    assert Sight(mask, [], (*LAYERS, "relu4_1")).crops == [(0, 96, 0, 104)]


def test_a_region_in_what_pooling_drops_has_no_share() -> None:
    """Of 91 pixels the deepest layer has five, which see 80."""
    deep = (*LAYERS, "relu5_1")
    mask, rim, body = (torch.zeros(91, 91) for _ in range(3))
    mask[:, 20:60] = 1
    rim[84:, 20:60] = 1
    body[:84, 20:60] = 1
    seen = Sight(mask, [rim, body], deep)
    assert not seen.regions[0]["relu5_1"].any()
    assert seen.shares == [0.0, pytest.approx(84 / 91)]
    assert Sight(mask, [rim], LAYERS).shares == [pytest.approx(7 / 91)]
