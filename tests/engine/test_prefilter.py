"""What lies between texels, against the function that they stand for."""

import math

import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from engine.mip_levels import bilinear
from engine.prefilter import prefilter

SIDE, FINE = 32, 16


def wave(across: float, up: float, shift: float, side: int) -> Tensor:
    """A wave of so many periods across a square of 1, at side x side even points, (side, side)."""
    at = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    angle = across * at[None] + up * (1 - at[:, None])
    return torch.cos(2 * math.pi * angle + shift).float()


def between(texels: Tensor) -> Tensor:
    """FINE x FINE points for each of the texels (H, W), bilinear, without the outermost ones."""
    side = SIDE * FINE
    at = (torch.arange(side) + 0.5) / side
    uv = torch.stack((at.expand(side, side), 1 - at[:, None].expand(side, side)), -1)
    found = bilinear(texels[..., None], uv.reshape(-1, 2)).view(side, side)
    return found[2 * FINE : -2 * FINE, 2 * FINE : -2 * FINE]


@given(st.floats(0, 9), st.floats(0, 9), st.floats(0, 6))
@hypothesis_settings(max_examples=30)
def test_waves_are_nearer_to_themselves_between_the_texels(across, up, shift) -> None:
    exact = wave(across, up, shift, SIDE * FINE)[2 * FINE : -2 * FINE, 2 * FINE : -2 * FINE]
    plain = wave(across, up, shift, SIDE)
    better = plain[..., None].clone()
    prefilter(better, torch.ones(SIDE, SIDE, dtype=torch.bool))
    errors = [(between(t) - exact).square().mean().sqrt() for t in (plain, better[..., 0])]
    assert errors[1] <= errors[0] + 1e-6
    if max(across, up) > 3:
        assert errors[1] < 0.7 * errors[0]


def test_what_is_linear_stays_and_so_does_what_lies_beside_a_gap() -> None:
    generator = torch.Generator().manual_seed(0)
    slope = torch.linspace(0, 1, 8)[:, None] + torch.linspace(0, 2, 9)
    values = slope[..., None].clone()
    prefilter(values, torch.ones(8, 9, dtype=torch.bool))
    assert (values[..., 0] - slope).abs().max() < 1e-6
    noise = torch.rand(8, 9, 2, generator=generator)
    covered = torch.ones(8, 9, dtype=torch.bool)
    covered[3, :], covered[:, 4] = False, False
    values = noise.clone()
    prefilter(values, covered)
    assert values[~covered].equal(noise[~covered])
    changed = (values != noise).any(-1)
    assert not changed[[2, 4]][:, [3, 5]].any()  # a gap along both axes
    assert changed[1, 1]
    assert changed[6, 7]
