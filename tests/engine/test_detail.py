"""Close-ups' gradients: what is as large as their frame is not in them."""

import torch

from engine.detail import LARGE, detail


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
