"""How strong the finest detail of a picture is, octave by octave."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad

COUNT = 2  # octaves that are looked at, from the finest on
RIM = 6  # pixels beside the edge of the mask, which a filter reaches over


def octave_energies(image: Tensor, mask: Tensor) -> Tensor:
    """Mean square (COUNT,) of the detail in each octave, from the finest on.

    Bands of a Laplacian pyramid (Burt and Adelson 1983) with its 5-tap binomial filter.

    Args:
        image: (1, 3, H, W) float in 0-1.
        mask: (H, W) bool, the pixels that count; those near its edge do not.
    """
    energies = []
    for inside in _insides(mask):
        low = smoothed(image)
        energies.append(((image - low).square() * inside).sum() / inside.sum().clamp(min=1))
        image = avg_pool2d(low, 2)
    return torch.stack(energies)


def has_octaves(mask: Tensor) -> bool:
    """Whether `octave_energies` finds pixels far enough from the edge of `mask` in each octave."""
    return bool(_insides(mask)[-1].any())


def _insides(mask: Tensor) -> list[Tensor]:
    """Of each octave, 1 for the pixels that count and 0 for others, (1, 1, h, w)."""
    outside = 1 - mask[None, None].float()
    for length, side in (((2 * RIM + 1, 1), (RIM, 0)), ((1, 2 * RIM + 1), (0, RIM))):
        outside = max_pool2d(outside, length, 1, side)
    insides = [1 - outside]
    while len(insides) < COUNT:
        insides.append(avg_pool2d(insides[-1], 2).floor())
    return insides


def smoothed(image: Tensor) -> Tensor:
    """`image` (1, 3, H, W) without its finest octave."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=image.device) / 16
    kernel = (taps[:, None] * taps)[None, None].expand(3, 1, 5, 5)
    return conv2d(pad(image, (2, 2, 2, 2), mode="replicate"), kernel, groups=3)
