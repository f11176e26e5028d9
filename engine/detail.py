"""What a close-up may ask for: what is fine against its frame.

Judged by itself each window would take on all of the style's colours, and its frame would show
on the object. What is large is left to views of the whole.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

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
