"""What a run does when: scales from coarse to fine, close-ups, whole views once more."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
        views: that each step sees.
        settles: whether it comes after close-ups, to see the whole again.
    """

    size: int
    zoom: int
    steps: int
    views: int = 1
    settles: bool = False

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


def schedule(settings: Settings, views: int = 1) -> list[Scale]:
    """The scales of a run; `settings.steps`, if not 0, is shared out as the preset's are.

    Steps that see several `views` each are as many times fewer.
    """
    preset = PRESETS[settings.preset]
    last = preset.scales[-1]
    whole = zip(preset.scales, preset.steps, strict=True)
    kinds = [Scale(size, 1, steps, views) for size, steps in whole]
    kinds.append(Scale(last, CLOSE_UP, preset.close_ups, views))
    kinds.append(Scale(last, 1, preset.settling, views, settles=True))
    own = sum(kind.steps for kind in kinds)
    total, before, scales = -(-(settings.steps or own) // views), 0, []
    for kind in kinds:
        count = round(total * (before + kind.steps) / own) - round(total * before / own)
        before += kind.steps
        if count:
            scales.append(replace(kind, steps=count))
    return scales
