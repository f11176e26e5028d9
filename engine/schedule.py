"""What a run does when: scales from coarse to fine, close-ups, whole views once more."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .critic import LAYERS
from .settings import CLOSE_UP, LARGE_TEXTURE, PRESETS, Settings

CLOSE_LAYERS = LAYERS[:3]
TOGETHER = (48, 12, 4)  # views planned at once: with enough memory, and with less and less
PLANNED = 24 * 256**2  # pixels of these, at most: one that shows the mesh takes up to a kilobyte
MEMORY = 0.5  # share of the running Gram that a whole view keeps; with more, colors swing
CLOSE_MEMORY = 0.9  # the same of close-ups, none of which need have all of the style's colors
CLOSE_COVERED = 0.7  # share of a close-up that shows the mesh
SHALLOW = 0.45  # of the cost of all layers, what those of close-ups cost
STEP_OVERHEAD = 64**2  # pixels that VGG sees in the time that a step takes besides


@dataclass(frozen=True)
class Limits:
    """What a run keeps to, for the sake of memory.

    Attributes:
        together: views planned at once, at most.
        largest: larger side of a view in pixels, at most.
    """

    together: int
    largest: int


@dataclass(frozen=True)
class Scale:
    """One size of views.

    Attributes:
        size: larger side of the frame that fits the object, in pixels.
        zoom: 1 for whole views; more for windows of them, seen so many times as near.
        steps: optimisation steps.
        views: that each step sees.
        settles: whether it comes after close-ups, to see the whole again.
        together: views planned at once, at most.
    """

    size: int
    zoom: int
    steps: int
    views: int = 1
    settles: bool = False
    together: int = TOGETHER[0]

    @property
    def work(self) -> float:
        """What a step costs, in pixels; what it costs on the smallest views is a part of all."""
        return self.size**2 * (1 if self.zoom == 1 else SHALLOW) + STEP_OVERHEAD

    @property
    def unit(self) -> int:
        """Short side in pixels of the style picture at this scale, at stroke size 1."""
        return self.size * self.zoom

    @property
    def memory(self) -> float:
        """Share of the running descriptions of views that one view keeps."""
        return MEMORY if self.zoom == 1 else CLOSE_MEMORY

    @property
    def layers(self) -> tuple[str, ...]:
        """What views are judged by: close-ups show too little for the deep layers."""
        return LAYERS if self.zoom == 1 else CLOSE_LAYERS


def notches(settings: Settings) -> list[Limits]:
    """From what the preset asks for down to what needs the least memory.

    First fewer views at once, which take more time, then smaller ones, which show less detail.
    """
    first, *smaller = reversed(PRESETS[settings.preset].scales)
    fewer = [Limits(together, first) for together in TOGETHER]
    return [*fewer, *(Limits(TOGETHER[-1], size) for size in smaller)]


def schedule(settings: Settings, views: int = 1, notch: int = 0) -> list[Scale]:
    """The scales of a run; `settings.steps`, if not 0, is shared out as the preset's are.

    Steps that see several `views` each are as many times fewer. What a step sees depends on the
    `notch`, an index of `notches`, and how many steps a scale has does not.
    """
    preset, limits = PRESETS[settings.preset], notches(settings)[notch]
    last = preset.scales[-1]
    whole = zip(preset.scales, preset.steps, strict=True)
    kinds = [Scale(size, 1, steps) for size, steps in whole]
    kinds.append(Scale(last, CLOSE_UP, preset.close_ups))
    if settings.texture_size >= LARGE_TEXTURE:
        kinds.append(Scale(last, 2 * CLOSE_UP, preset.nearer))
    kinds.append(Scale(last, 1, preset.settling, settles=True))
    own = sum(kind.steps for kind in kinds)
    total, before, scales = -(-(settings.steps or own) // views), 0, []
    for kind in kinds:
        count = round(total * (before + kind.steps) / own) - round(total * before / own)
        before += kind.steps
        if count:
            size = min(kind.size, limits.largest)
            together = min(limits.together, max(1, PLANNED // size**2))
            limited = replace(kind, size=size, views=views, together=together)
            scales.append(replace(limited, steps=count))
    return scales
