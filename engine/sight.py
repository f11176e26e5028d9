"""What the network sees of a view: the features of those pixels that show something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .backbone import Backbone
from .crops import box_of, crops_of
from .losses import mask_pyramid

# What lies at a cut sees nothing beyond it. Layers that look farther than relu3_1 would be judged
# by cuts (docs/quality.md).
MOST_HALVINGS = 2


class Sight:
    """How to look at one view again and again: by crops, without what lies beside the mesh.

    It is cut into several only for shallow layers.

    Args:
        mask: (H, W) float in 0-1, how much of each pixel the mesh covers.
        regions: (H, W) float in 0-1 each, how much each pixel shows of the regions of the styles.
        layers: to look at, in the network's order.

    Attributes:
        crops: that the network is shown.
        coverage: of each layer, (1, P) float in 0-1, of the pixels that show something and, last
            of all, 0: a pixel that stands for all others.
        regions: of each region, the same of each layer.
        shares: of what the view shows, those that each region has; 0 where the deepest layer
            sees nothing of it, for its pooling drops what is left over at the view's end.
        solid: of each region, (P,) int64, the pixels of the view that show more of it than not.
    """

    def __init__(self, mask: Tensor, regions: Sequence[Tensor], layers: Sequence[str]) -> None:
        self.layers = layers
        deepest = max(map(_halvings, layers))
        step = 1 << deepest  # pixels of the view in one of the deepest layer's
        many = deepest <= MOST_HALVINGS
        self.crops = crops_of(mask, step) if many else [box_of(mask, step)]
        pyramids = [
            [_pyramid(crop.of(one), layers) for crop in self.crops] for one in (mask, *regions)
        ]
        self._pixels = {
            name: [part[name].flatten().nonzero()[:, 0].to(torch.int32) for part in pyramids[0]]
            for name in layers
        }
        self._places = {
            name: _places([part[name].flatten() for part in pyramids[0]]) for name in layers
        }
        self.coverage, *self.regions = (self._gathered(parts) for parts in pyramids)
        shown = max(float(mask.sum()), 1e-6)
        self.shares = [
            float(region.sum()) / shown if float(seen[layers[-1]].sum()) else 0.0
            for region, seen in zip(regions, self.regions, strict=True)
        ]
        self.solid = [(region.flatten() > 0.5).nonzero()[:, 0] for region in regions]

    def features(
        self, backbone: Backbone, image: Tensor, layers: Sequence[str]
    ) -> dict[str, Tensor]:
        """Of `image` (1, 3, H, W), for each of `layers` (1, C, 1, P); the last pixel's are 0.

        What is made of them must count pixels by their coverage, so that the last has no gradient.
        """
        parts = [backbone(crop.of(image), layers) for crop in self.crops]
        return {
            name: _as_image(
                _Rows.apply(
                    self._pixels[name],
                    self._places[name],
                    *(_as_rows(part[name]) for part in parts),
                )
            )
            for name in layers
        }

    def _gathered(self, parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Of masks of each crop and layer, the pixels that show something and 0, (1, P) a layer."""
        return {
            name: _Rows.apply(
                self._pixels[name],
                self._places[name],
                *(part[name].flatten()[:, None] for part in parts),
            ).T
            for name in self.layers
        }


def _pyramid(mask: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Coverage (h, w) at the resolution of each of `layers`, which are in the network's order."""
    height, width = mask.shape
    sizes = [(height >> _halvings(name), width >> _halvings(name)) for name in layers]
    return dict(zip(layers, mask_pyramid(mask, sizes), strict=True))


def _halvings(layer: str) -> int:
    """How often the network has halved a picture before a layer such as 'relu3_1'."""
    return int(layer[len("relu")]) - 1


def _as_rows(features: Tensor) -> Tensor:
    """Features (1, C, h, w) as (h w, C): the same memory, if channels come last in it."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def _as_image(rows: Tensor) -> Tensor:
    """Rows (P, C) as features (1, C, 1, P), the same memory."""
    return rows.T[None, :, None]


def _places(masks: Sequence[Tensor]) -> list[Tensor]:
    """Of each element of `masks` (N,) which one it is of all that are not 0, int32.

    One more than the last for those that are 0.
    """
    shown = torch.cat(list(masks)) != 0
    place = (shown.cumsum(0) - 1).where(shown, shown.sum()).to(torch.int32)
    return list(place.split([len(mask) for mask in masks]))


class _Rows(torch.autograd.Function):
    """Those rows of matrices (N, C), and a last one of 0 for all others: (P, C).

    None of them is chosen twice, and the last has no gradient, so its way back is to look up.

    Args:
        rows: (M,) int32, of each matrix.
        places: of each matrix, (N,) int32, where its rows are among those of the result.
        matrices: (N, C) each.
    """

    @staticmethod
    def forward(
        ctx: Any, rows: Sequence[Tensor], places: Sequence[Tensor], *matrices: Tensor
    ) -> Tensor:
        ctx.places = places
        sizes = [len(some) for some in rows]
        out = matrices[0].new_empty(sum(sizes) + 1, matrices[0].shape[1])
        *parts, last = out.split([*sizes, 1])
        for part, some, matrix in zip(parts, rows, matrices, strict=True):
            torch.index_select(matrix, 0, some, out=part)
        last.zero_()
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(grads[0].index_select(0, place) for place in ctx.places)
