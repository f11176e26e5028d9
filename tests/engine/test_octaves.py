"""How strong the finest detail is."""

import math

import pytest
import torch

from engine.octaves import octave_energies

ALL = torch.ones(96, 96, dtype=torch.bool)


def waves(period: float, strength: float = 0.2) -> torch.Tensor:
    x = torch.arange(96.0)
    line = 0.5 + strength * torch.cos(2 * math.pi * x / period)
    return line.expand(1, 3, 96, 96).contiguous()


def test_the_finest_waves_lie_in_the_first_octave() -> None:
    """The filter removes waves of two pixels altogether, in each of three channels."""
    first, second = octave_energies(waves(2), ALL).tolist()
    assert first == pytest.approx(3 * 0.2**2, rel=0.02)  # less at the border
    assert second < first / 1000
    first, second = octave_energies(waves(6), ALL).tolist()
    assert second > first > 0


def test_energy_goes_with_the_square() -> None:
    strong, weak = (octave_energies(waves(5, s), ALL) for s in (0.4, 0.2))
    assert torch.allclose(strong, 4 * weak, rtol=1e-4)


def test_octaves_tell_fine_from_coarse() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    mask = torch.ones(64, 64, dtype=torch.bool)

    def octaves(period: float) -> tuple[float, float]:
        wave = torch.sin(2 * torch.pi * (x + 0.3 * y) / period)
        return tuple(octave_energies(wave.expand(1, 3, 64, 64), mask).tolist())

    fine, next_ = octaves(2.5)
    assert fine > 4 * next_
    fine, next_ = octaves(10.0)
    assert next_ > 4 * fine
    assert sum(octaves(40.0)) < 0.02 * sum(octaves(3.0))


def test_octaves_of_one_color() -> None:
    """Nothing, up to the frame's edges."""
    mask = torch.ones(64, 64, dtype=torch.bool)
    assert octave_energies(torch.full((1, 3, 64, 64), 0.7), mask).max() < 1e-9


def test_octaves_do_not_see_the_outline() -> None:
    mask = torch.zeros(64, 64, dtype=torch.bool)
    mask[10:50, 12:48] = True
    image = mask.float().expand(1, 3, 64, 64)
    assert octave_energies(image, mask).max() < 1e-9
    assert octave_energies(image, torch.ones_like(mask)).max() > 1e-3
