"""Close-ups' gradients: nothing as large as their frame, and the style's own shades."""

import pytest
import torch

from engine.detail import LARGE, detail, in_shades, shades


def waves(length: float, side: int = 96) -> torch.Tensor:
    at = torch.arange(side) * (2 * torch.pi / length)
    return (at.sin()[None] + at.cos()[:, None]).expand(1, 3, side, side).contiguous()


def test_even_pushes_are_gone_whatever_is_covered() -> None:
    mask = torch.zeros(90, 70)
    mask[10:60, 5:50] = 0.5
    found = detail(torch.full((1, 3, 90, 70), 3.0), mask)
    assert found.abs().max() < 1e-5


def test_small_waves_pass_and_large_ones_do_not() -> None:
    inside = (..., slice(LARGE, -LARGE), slice(LARGE, -LARGE))
    mask = torch.ones(96, 96)
    small, large = (waves(length) for length in (4, 12 * LARGE))
    assert (detail(small, mask) - small)[inside].norm() < 0.05 * small[inside].norm()
    assert detail(large, mask)[inside].norm() < 0.15 * large[inside].norm()


def test_beside_the_mesh_there_is_nothing() -> None:
    mask = torch.zeros(40, 40)
    mask[:, :13] = 1
    assert not detail(waves(5, 40), mask)[..., 13:].any()
    assert not detail(waves(5, 40), torch.zeros(40, 40)).any()


def grain(*color: float) -> torch.Tensor:
    """A picture (1, 3, 64, 64) of noise in one color's lights and darks."""
    noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    return 0.5 + 0.1 * noise * torch.tensor(color)[:, None, None]


def test_shades_of_one_color_are_along_it() -> None:
    direction = torch.nn.functional.normalize(torch.tensor([0.6, 0.0, 0.8]), dim=0)
    assert torch.allclose(
        shades(grain(0.6, 0.0, 0.8)), torch.outer(direction, direction), atol=1e-4
    )


def test_shades_are_deviations() -> None:
    red, blue = grain(1.0, 0.0, 0.0), grain(0.0, 0.0, 0.25).flip(2)
    wanted = torch.diag(torch.tensor([1.0, 0.0, 0.25]))
    assert torch.allclose(shades(red + blue), wanted, atol=0.02)


def test_a_flat_picture_has_none() -> None:
    assert not shades(torch.full((1, 3, 32, 32), 0.3)).any()


def test_each_region_goes_in_its_own_shades() -> None:
    left = torch.zeros(40, 40)
    left[:, :20] = 0.5
    found = in_shades(
        torch.ones(1, 3, 40, 40),
        [shades(grain(1.0, 0.0, 0.0)), shades(grain(0.0, 1.0, 0.0))],
        [left, 0.5 - left],
    )
    wanted = torch.zeros(1, 3, 40, 40)
    wanted[:, 0, :, :20] = wanted[:, 1, :, 20:] = 1
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_asked_for_never_makes_the_loss_larger(seed) -> None:
    draw = torch.Generator().manual_seed(seed)
    picture, grad = (torch.rand(1, 3, 24, 24, generator=draw) for _ in range(2))
    grad = grad - 0.5
    found = in_shades(grad, [shades(picture)], [torch.ones(24, 24)])
    assert float((grad * found).sum()) > 0
