"""How a rendered view is judged: VGG features against the style's and the content's."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .backbone import Backbone
from .job import STYLE_LAYERS, Settings
from .losses import content_loss, gram, mask_pyramid, straight_through, style_loss
from .painting import Plan

CONTENT_LAYER = "relu4_2"
LAYERS = (*STYLE_LAYERS[:4], CONTENT_LAYER, STYLE_LAYERS[4])
GRAM_MEMORY = 0.5  # share of the running Gram that a step keeps; with more, colours swing


class Losses(NamedTuple):
    """What a step makes smaller, each a scalar."""

    content: Tensor
    style: Tensor
    total: Tensor


class Critic:
    """Judges views; keeps the targets of the current scale and the running Gram matrices.

    One view is a poor sample of the style, so Grams are averaged over recent views.

    Args:
        settings: the weights of the losses.
        style: (3, H, W) float in 0-1.
        backbone: with LAYERS.
    """

    def __init__(self, settings: Settings, style: Tensor, backbone: Backbone) -> None:
        self.settings, self.style, self.backbone = settings, style, backbone
        self.background = style.mean((1, 2))  # (3,), so that outlines stand out little
        self.targets: list[Tensor] = []
        self.running: list[Tensor] = []
        self.contents: dict[int, Tensor] = {}

    def start_scale(self, unit: int) -> None:
        """Take the style picture with a short side of `unit` pixels as the target."""
        self.targets = style_grams(self.style, unit, self.backbone)
        self.contents.clear()

    def judge(self, image: Tensor, plan: Plan) -> Losses:
        """Losses of `image` (1, 3, H, W), a render of `plan`."""
        features = self.backbone(image)
        masks = masks_of(features, plan.shot.mask)
        grams = [gram(features[name], masks[name]) for name in STYLE_LAYERS]
        style = style_loss(self._averaged(grams), self.targets, self.settings.layer_weights)
        content = content_loss(features[CONTENT_LAYER], self._content(plan), masks[CONTENT_LAYER])
        total = self.settings.content_weight * content + self.settings.style_weight * style
        return Losses(content, style, total)

    def _averaged(self, grams: list[Tensor]) -> list[Tensor]:
        """Running means of the Grams, with the gradient of the newest."""
        newest = [g.detach() for g in grams]
        self.running = [
            torch.lerp(new, old, GRAM_MEMORY)
            for new, old in zip(newest, self.running or newest, strict=True)
        ]
        return [straight_through(r, g) for r, g in zip(self.running, grams, strict=True)]

    @torch.no_grad()
    def _content(self, plan: Plan) -> Tensor:
        """Features of the content target, computed once a scale."""
        if plan.number not in self.contents:
            self.contents[plan.number] = self.backbone(plan.content)[CONTENT_LAYER]
        return self.contents[plan.number]


def resized(style: Tensor, unit: int) -> Tensor:
    """The style picture (1, 3, h, w) with its short side `unit` pixels long."""
    height, width = style.shape[1:]
    factor = unit / min(height, width)
    size = [max(1, round(height * factor)), max(1, round(width * factor))]
    return torch.nn.functional.interpolate(
        style[None], size=size, mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 1)


@torch.no_grad()
def style_grams(style: Tensor, unit: int, backbone: Backbone) -> list[Tensor]:
    """Gram matrices of the style picture with its short side `unit` pixels long."""
    features = backbone(resized(style, unit))
    return [gram(f, torch.ones_like(f[0, 0])) for f in (features[n] for n in STYLE_LAYERS)]


def masks_of(features: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
    """Coverage (h, w) at the resolution of each layer."""
    sizes = [(f.shape[2], f.shape[3]) for f in features.values()]
    return dict(zip(features, mask_pyramid(mask, sizes), strict=True))
