"""What a close-up may ask for: what is fine against its frame, in colors that fine strokes have.

Judged by itself each window would take on all of the style's colors, and its frame would show
on the object. What is large is left to views of the whole. And what is fine would take on any
colors whose statistics add up: grains of purple and green where the picture has lights and
darks of one blue.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from .octaves import smoothed

LARGE = 16  # pixels; the means over squares of that side are taken away


def detail(grad: Tensor, mask: Tensor) -> Tensor:
    """A gradient without its local mean, over what the mesh covers.

    Args:
        grad: (1, C, H, W) float.
        mask: (H, W) float in 0-1; pixels where it is 0 get 0.
    """
    seen = (mask > 0).to(grad.dtype)[None, None]
    sums = avg_pool2d(torch.cat((grad * seen, seen), 1), LARGE, ceil_mode=True)
    sums = interpolate(sums, size=grad.shape[2:], mode="bilinear")
    return (grad - sums[:, :-1] / sums[:, -1:].clamp(min=1e-6)) * seen


def shades(picture: Tensor) -> Tensor:
    """How the colors of a picture's finest octave deviate, the most 1.

    Args:
        picture: (1, 3, H, W) in 0-1.

    Returns:
        (3, 3), the symmetric square root of their covariance over its largest eigenvalue.
    """
    fine = (picture - smoothed(picture))[0].flatten(1)  # (3, H W)
    variances, directions = torch.linalg.eigh(fine @ fine.T)
    deviations = variances.clamp(min=0).sqrt()
    deviations = deviations / deviations[-1].clamp(min=1e-12)
    return directions * deviations @ directions.T


def in_shades(grad: Tensor, each: Sequence[Tensor], regions: Sequence[Tensor]) -> Tensor:
    """A gradient that goes farthest in the directions in which the styles' own shades deviate.

    Args:
        grad: (1, 3, H, W), of a view.
        each: of each style, (3, 3) of `shades`.
        regions: of each style, (H, W) in 0-1, how much each pixel shows of its region.
    """
    shares = torch.stack(list(regions))  # (S, H, W)
    shares = shares / shares.sum(0).clamp(min=1e-6)
    return torch.einsum("scd,shw,ndhw->nchw", torch.stack(list(each)), shares, grad)
