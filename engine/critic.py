"""How a rendered view is judged: VGG features against the styles' and the content's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .aims import Aim
from .backbone import Backbone
from .detail import detail, in_shades, shades
from .losses import content_loss, straight_through, total_variation
from .painting import Painting, Plan
from .palette import Palette, off_palette
from .settings import STYLE_LAYERS, Settings
from .style_losses import STYLE_LOSSES

CONTENT_LAYER = "relu4_2"
LAYERS = (*STYLE_LAYERS[:4], CONTENT_LAYER, STYLE_LAYERS[4])
LEAST_SHARE = 0.01  # of what a view shows; styles that have less of it are not judged there
STRANGENESS = 0.1  # weight of colors that a style does not have, beside its other statistics
SETTLING_STRANGENESS = 1.0  # the same where a scale settles
LARGEST_PICTURE = 1024  # pixels; a style's longer side is cut to pieces of so many


class Losses(NamedTuple):
    """What a step makes smaller, each a scalar."""

    content: Tensor
    style: Tensor
    total: Tensor


@dataclass
class _Target:
    """One style at the current scale: its descriptions a layer, and the running ones.

    `present` sums up what each of the step's `views` that show the style would make of these.
    """

    aim: Aim
    palette: Palette
    shades: Tensor  # (3, 3)
    wanted: list[Tensor]
    running: list[Tensor] = field(default_factory=list)
    present: list[Tensor] = field(default_factory=list)
    views: int = 0


class Critic:
    """Judges views; keeps the targets of the current scale and the running descriptions.

    One view is a poor sample of the style, so Grams are averaged over recent views.

    A run calls `start_scale` for each scale, and right after it `restore` if an earlier run was in
    it; then for each step `judge` for each of its views, `shown` and `present`, and `end_step` with
    what a team has added up of these.

    Args:
        settings: the weights of the losses.
        painting: whose views are judged.
        backbone: with LAYERS.

    Attributes:
        loss: how features are compared with a style's.
        generator: draws pixels of the style pictures, and of the first view of each step.
        layers: of LAYERS, those that the scale is judged by.
        names: of these, those that styles are judged by.
        targets: what the scale aims at, for each style.
        strength: mean square of the styles' features in the content's layer, 0 without that.
        memory: share of the running descriptions that a step keeps, 0-1.
        strangeness: weight of colors that a style does not have.
        contents: features of the content targets, by the number of their view.
        judged: for each style, whether a view has shown enough of it, since this critic began.
    """

    def __init__(self, settings: Settings, painting: Painting, backbone: Backbone) -> None:
        self.settings, self.painting, self.backbone = settings, painting, backbone
        self.loss = STYLE_LOSSES[settings.style_loss]
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.layers: tuple[str, ...] = ()
        self.names: list[str] = []
        self.targets: list[_Target] = []
        self.strength = self.memory = self.strangeness = 0.0
        self.contents: dict[int, Tensor] = {}
        self.judged = [False] * len(painting.aims)

    def start_scale(
        self, unit: float, layers: tuple[str, ...], memory: float, *, settles: bool
    ) -> None:
        """Take the style pictures with a short side of `unit` pixels as the targets.

        Args:
            unit: pixels.
            layers: of LAYERS, those to judge by.
            memory: share of the running descriptions that a step keeps, 0-1.
            settles: whether colors are to become those of the whole pictures by now. From the
                start that would keep strokes from forming.
        """
        self.contents.clear()
        before = [target.running for target in self.targets] if layers == self.layers else []
        self.layers, self.memory = layers, memory
        self.strangeness = SETTLING_STRANGENESS if settles else STRANGENESS
        self.names = [name for name in STYLE_LAYERS if name in layers]
        self.targets, strengths = [], list[Tensor]()
        for aim in self.painting.aims:
            picture = resized(aim.picture, unit)
            palette = Palette.close(aim.picture) if settles else Palette.loose(picture[0])
            wanted, squares = self._describe(picture)
            self.targets.append(_Target(aim, palette, shades(picture), wanted))
            strengths += squares
        for target, running in zip(self.targets, before, strict=False):
            target.running = running
        self.strength = float(torch.stack(strengths).mean()) if strengths else 0.0

    def kept(self) -> dict[str, Any]:
        """What changes within a scale: generator and running descriptions, not copied."""
        running = [target.running for target in self.targets]
        return {"generator": self.generator.get_state(), "running": running}

    def restore(self, kept: dict[str, Any]) -> None:
        """Go on in the scale that was started last, from what `kept` told of it."""
        self.generator.set_state(kept["generator"])
        for target, running in zip(self.targets, kept["running"], strict=True):
            target.running = [one.to(target.shades.device) for one in running]

    def judge(self, image: Tensor, plan: Plan, generator: torch.Generator) -> Losses:
        """Losses of `image` (1, 3, H, W), a render of `plan`; `generator` draws pixels."""
        seen, sight = self.painting.judged(image), plan.sight
        features = sight.features(self.backbone, seen, self.layers)
        style = self._style(seen, features, plan, generator)
        content = style.new_zeros(())
        if CONTENT_LAYER in features:
            covered, target = sight.coverage[CONTENT_LAYER], self._content(plan)
            content = content_loss(features[CONTENT_LAYER], target, covered, self.strength)
        total = self.settings.content_weight * content + self.settings.style_weight * style
        if self.settings.tv_weight:
            total = total + self.settings.tv_weight * total_variation(image, plan.shot.mask)
        return Losses(content, style, total)

    def fine(self, grad: Tensor, plan: Plan) -> Tensor:
        """Of the gradient (1, 3, H, W) of a close-up, what that may ask for; see `detail`."""
        each = [target.shades for target in self.targets]
        return in_shades(detail(grad, plan.shot.mask), each, plan.masks)

    def present(self) -> list[Tensor]:
        """What the step's views so far add to the running descriptions: sums over these views."""
        for target in self.targets:
            if self.loss.is_mean and not target.present:
                target.present = [torch.zeros_like(one) for one in target.wanted]
        return [one for target in self.targets for one in target.present]

    def shown(self) -> list[int]:
        """How many of the step's views so far show each of the styles."""
        return [target.views for target in self.targets]

    def end_step(self, views: Sequence[float]) -> None:
        """Run on from the means of what is `present`, of so many `views` for each style."""
        for number, (target, count) in enumerate(zip(self.targets, views, strict=True)):
            if count:
                self.judged[number] = True
                target.running = [one / count for one in target.present]
            target.present, target.views = [], 0

    def _style(
        self, image: Tensor, features: dict[str, Tensor], plan: Plan, generator: torch.Generator
    ) -> Tensor:
        """Mean of the styles' losses, each by its weight and its share of what the view shows."""
        parts, weights = list[Tensor](), list[float]()
        sight = plan.sight
        regions = zip(self.targets, sight.solid, sight.regions, sight.shares, strict=True)
        for target, pixels, region, share in regions:
            if share < LEAST_SHARE or target.aim.weight == 0:
                continue
            target.views += 1
            loss = self._one_style(features, region, target, generator)
            strange = off_palette(image, pixels, target.palette, generator)
            parts.append(target.aim.weight * share * (loss + self.strangeness * strange))
            weights.append(target.aim.weight * share)
        if not parts:
            return image.sum() * 0
        return torch.stack(parts).sum() / sum(weights)

    def _one_style(
        self,
        features: dict[str, Tensor],
        masks: dict[str, Tensor],
        target: _Target,
        generator: torch.Generator,
    ) -> Tensor:
        """Weighted sum over layers."""
        found = [self.loss.describe(features[n], masks[n], generator) for n in self.names]
        if self.loss.is_mean:
            found = _averaged(found, target, self.memory)
        weights = dict(zip(STYLE_LAYERS, self.settings.layer_weights, strict=True))
        parts = [
            weights[name] * self.loss.compare(one, wanted, generator)
            for name, one, wanted in zip(self.names, found, target.wanted, strict=True)
        ]
        return torch.stack(parts).sum()

    @torch.no_grad()
    def _describe(self, picture: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Each layer's description of a picture (1, 3, H, W), and its pieces' content strengths."""
        described, strengths = [], []
        for piece in pieces(picture):
            features = {n: f.float() for n, f in self.backbone(piece, self.layers).items()}
            shown = [features[name] for name in self.names]
            described.append([self.loss.describe(f, ones(f), self.generator) for f in shown])
            if CONTENT_LAYER in features:
                strengths.append(mean_square(features[CONTENT_LAYER]))
        layers = [torch.stack(layer) for layer in zip(*described, strict=True)]
        together = [la.mean(0) if self.loss.is_mean else _some_rows(la) for la in layers]
        return together, strengths

    @torch.no_grad()
    def _content(self, plan: Plan) -> Tensor:
        """Features of the content target, computed once a scale."""
        if plan.number not in self.contents:
            seen = self.painting.judged(self.painting.content(plan))
            found = plan.sight.features(self.backbone, seen, (CONTENT_LAYER,))
            self.contents[plan.number] = found[CONTENT_LAYER]
        return self.contents[plan.number]


def _averaged(found: list[Tensor], target: _Target, memory: float) -> list[Tensor]:
    """Running means of descriptions, with the gradient of the newest."""
    newest = [one.detach() for one in found]
    running = [
        torch.lerp(new, old, memory)
        for new, old in zip(newest, target.running or newest, strict=True)
    ]
    earlier = target.present
    target.present = [a + b for a, b in zip(earlier, running, strict=True)] if earlier else running
    return [straight_through(r, f) for r, f in zip(running, found, strict=True)]


def _some_rows(rows: Tensor) -> Tensor:
    """As many rows (R, C) of (P, R, C) as one of P pieces has, evenly of all."""
    return rows.flatten(0, 1)[:: len(rows)]


def resized(style: Tensor, unit: float) -> Tensor:
    """The style picture (3, H, W) with its short side `unit` pixels long, (1, 3, h, w)."""
    height, width = style.shape[1:]
    factor = unit / min(height, width)
    size = [max(16, round(height * factor)), max(16, round(width * factor))]
    return torch.nn.functional.interpolate(
        style[None], size=size, mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 1)


def pieces(picture: Tensor) -> list[Tensor]:
    """`picture` (1, 3, H, W) cut evenly, so that no side is longer than LARGEST_PICTURE."""
    rows, columns = (-(-side // LARGEST_PICTURE) for side in picture.shape[2:])
    return [piece for band in picture.chunk(rows, 2) for piece in band.chunk(columns, 3)]


def ones(features: Tensor) -> Tensor:
    """Coverage (h, w) of features (1, C, h, w) all of which count."""
    return torch.ones_like(features[0, 0])


def mean_square(features: Tensor) -> Tensor:
    """Of a pixel's features (1, C, h, w), in the mean over pixels."""
    return features.square().sum(1).mean()
