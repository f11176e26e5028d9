"""One step of the optimisation over bare VGG on the same pixels."""

from __future__ import annotations

import time
from collections.abc import Callable
from unittest.mock import patch

import torch

from engine.backbone import Backbone
from engine.critic import LAYERS
from engine.plans import cameras_of
from engine.schedule import CLOSE_LAYERS, schedule
from engine.settings import PRESETS, Preset
from engine.stylize import optimise

from .subject import Options, Subject, network
from .table import Row
from .timing import ratios, seconds, side_by_side

VIEWS = (256, 512)
TEXTURES = ((1024, 1.15), (4096, 1.30))
WARM_UP = 3  # steps
CLOSE_UPS = 24
CLOSE_SIDE = 256


def rows(subject: Subject, options: Options) -> list[Row]:
    """Whole views on two textures, and close-ups with all that they need."""
    backbone = network()
    made = []
    for texture, target in TEXTURES:
        for view in VIEWS:
            found = over_vgg(
                subject, backbone, options.side(view), options.side(texture), options.repeats
            )
            what = f"one step over bare VGG, {view}² view, {texture}² texture"
            made.append(Row(what, found, at_most=target))
    return [*made, close_ups(subject, backbone, options)]


def over_vgg(
    subject: Subject, backbone: Backbone, view: int, texture: int, repeats: int
) -> list[float]:
    """Ratios of steps on a view that was planned before, as most of a run's steps are."""
    steps = repeats + WARM_UP + 1
    preset = Preset(scales=(view,), steps=(steps,), close_ups=0, settling=0, views=1)
    with patch.dict(PRESETS, BENCH=preset):
        job = subject.job(preset="BENCH", texture_size=texture)
        painting = subject.painting(preset="BENCH", texture_size=texture)
        (camera,) = cameras_of(job, painting.original.surface, schedule(job.settings)[0])[:1]
        run = optimise(job, painting, backbone)
        for _ in range(WARM_UP):
            next(run)
        bare = bare_vgg(backbone, camera.size, LAYERS)
        return ratios(*side_by_side(lambda: next(run), bare, repeats))


def bare_vgg(
    backbone: Backbone, size: tuple[int, int], layers: tuple[str, ...]
) -> Callable[[], object]:
    """Forward and backward over an image of `size`, without a loss."""
    image = torch.rand(1, 3, *size, requires_grad=True)
    grads = [torch.ones_like(f) for f in backbone(image, layers).values()]

    def work() -> object:
        return torch.autograd.grad(list(backbone(image, layers).values()), image, grads)

    return work


def close_ups(subject: Subject, backbone: Backbone, options: Options) -> Row:
    """Steps that see their window once: planning it counts."""
    side = options.side(CLOSE_SIDE)
    preset = Preset(
        scales=(side,),
        steps=(1,),
        close_ups=CLOSE_UPS,
        settling=0,
        views=PRESETS["STANDARD"].views,
    )
    bare = bare_vgg(backbone, (side, side), CLOSE_LAYERS)
    bare()
    found = []
    with patch.dict(PRESETS, BENCH=preset):
        job = subject.job(preset="BENCH")
        for _ in range(options.repeats):
            run = optimise(job, subject.painting(preset="BENCH"), backbone)
            next(run)
            began = time.perf_counter()
            alone = sum(seconds(bare) for _ in run)
            found.append((time.perf_counter() - began - alone) / alone)
    what = f"one step over bare VGG, {CLOSE_SIDE}² close-up, choosing and planning it included"
    return Row(what, found)
