"""One step of the optimisation over bare VGG on the same pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from unittest.mock import patch

import torch

from engine.backbone import Backbone
from engine.critic import LAYERS
from engine.crops import Crop
from engine.plans import cameras_of
from engine.schedule import CLOSE_LAYERS, schedule
from engine.settings import PRESETS, Preset
from engine.sight import Sight
from engine.stylize import optimise
from engine.surface import shoot

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
    exact = network()
    swift = exact.swift()
    made = []
    for texture, target in TEXTURES:
        for view in VIEWS:
            what = f"one step over bare VGG, {view}² view, {texture}² texture"
            sizes = options.side(view), options.side(texture)
            same, whole = over_vgg(subject, swift, exact, *sizes, 3 * options.repeats)
            made.append(Row(what, same, at_most=target))
            made.append(Row(f"{what}, in float32 and on all of the frame", whole))
    return [*made, close_ups(subject, swift, options)]


def over_vgg(
    subject: Subject, swift: Backbone, exact: Backbone, view: int, texture: int, repeats: int
) -> tuple[list[float], list[float]]:
    """Ratios of steps on a view that was planned before, as most of a run's steps are.

    Returns:
        Over VGG alone as the step uses it, and over VGG without what makes it faster there.
    """
    steps = 2 * (repeats + 1) + WARM_UP
    preset = Preset(scales=(view,), steps=(steps,), close_ups=0, nearer=0, settling=0, views=1)
    with patch.dict(PRESETS, BENCH=preset):
        job = subject.job(preset="BENCH", texture_size=texture)
        painting = subject.painting(preset="BENCH", texture_size=texture)
        (camera,) = cameras_of(job, painting.original.surface, schedule(job.settings)[0])[:1]
        run = optimise(job, painting, swift)
        for _ in range(WARM_UP):
            next(run)
        crops = Sight(shoot(painting.original.surface, camera).mask, [], LAYERS).crops
        frame = Crop(0, camera.size[0], 0, camera.size[1])
        same, whole = (
            ratios(*side_by_side(lambda: next(run), bare, repeats))
            for bare in (bare_vgg(swift, crops, LAYERS), bare_vgg(exact, [frame], LAYERS))
        )
        return same, whole


def bare_vgg(
    backbone: Backbone, crops: Sequence[Crop], layers: tuple[str, ...]
) -> Callable[[], object]:
    """Forward and backward over pictures as large as `crops`, without a loss."""
    images = [
        torch.rand(1, 3, crop.bottom - crop.top, crop.right - crop.left, requires_grad=True)
        for crop in crops
    ]
    grads = [[torch.ones_like(f) for f in backbone(one, layers).values()] for one in images]

    def work() -> object:
        return [
            torch.autograd.grad(list(backbone(image, layers).values()), image, ones)
            for image, ones in zip(images, grads, strict=True)
        ]

    return work


def close_ups(subject: Subject, backbone: Backbone, options: Options) -> Row:
    """Steps that see their window once: planning it counts."""
    side = options.side(CLOSE_SIDE)
    preset = Preset(
        scales=(side,),
        steps=(1,),
        close_ups=CLOSE_UPS,
        nearer=0,
        settling=0,
        views=PRESETS["STANDARD"].views,
    )
    bare = bare_vgg(backbone, [Crop(0, side, 0, side)], CLOSE_LAYERS)
    bare()
    found = []
    with patch.dict(PRESETS, BENCH=preset):
        job = subject.job(preset="BENCH")
        for _ in range(options.repeats):
            run = optimise(job, subject.painting(preset="BENCH"), backbone)
            next(run)
            began = time.perf_counter()
            count = len(list(run))
            own = time.perf_counter() - began
            # Afterwards: while a step is looked at, the next ones are being planned.
            found.append(own / sum(seconds(bare) for _ in range(count)))
    view = f"{CLOSE_SIDE}² close-up, choosing and planning it included"
    what = f"one step over bare VGG on all of the frame, {view}"
    return Row(what, found)
