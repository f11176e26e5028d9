"""What a run does when: scales from coarse to fine, then close-ups."""

from __future__ import annotations

from dataclasses import dataclass

from .critic import LAYERS
from .settings import CLOSE_UP, PRESETS, Settings

CLOSE_LAYERS = LAYERS[:3]
SHALLOW = 0.45  # of the cost of all layers, what those of close-ups cost
STEP_OVERHEAD = 64**2  # pixels that VGG sees in the time that a step takes besides


@dataclass(frozen=True)
class Scale:
    """One size of views.

    Attributes:
        size: larger side of the frame that fits the object, in pixels.
        zoom: 1 for whole views; more for windows of them, seen so many times as near.
        steps: optimisation steps.
    """

    size: int
    zoom: int
    steps: int

    @property
    def work(self) -> float:
        """What a step costs, in pixels; what it costs on the smallest views is a part of all."""
        return self.size**2 * (1 if self.zoom == 1 else SHALLOW) + STEP_OVERHEAD

    @property
    def unit(self) -> int:
        """Short side in pixels of the style picture at this scale, at stroke size 1."""
        return self.size * self.zoom

    @property
    def layers(self) -> tuple[str, ...]:
        """What views are judged by: close-ups show too little for the deep layers."""
        return LAYERS if self.zoom == 1 else CLOSE_LAYERS


def schedule(settings: Settings) -> list[Scale]:
    """The scales of a run; `settings.steps`, if not 0, is shared out as the preset's are."""
    preset = PRESETS[settings.preset]
    kinds = [(size, 1, steps) for size, steps in zip(preset.scales, preset.steps, strict=True)]
    kinds.append((preset.scales[-1], CLOSE_UP, preset.close_ups))
    own = sum(steps for *_, steps in kinds)
    total, before, scales = settings.steps or own, 0, []
    for size, zoom, steps in kinds:
        count = round(total * (before + steps) / own) - round(total * before / own)
        before += steps
        if count:
            scales.append(Scale(size, zoom, count))
    return scales
