"""The optimisation: coarse to fine over views, a step at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .aims import Aim, aims_of
from .backbone import Backbone
from .color import KEEP, ColorMap, grey, match_colors
from .critic import CONTENT_LAYER
from .errors import JobError
from .field import Field
from .job import Job
from .original import Original, is_plain
from .painting import Painting
from .plans import LATTICE_PIXELS, cameras_of, plans_of
from .schedule import Scale, schedule
from .settings import Settings
from .state import State
from .surface import Surface
from .texture import Atlas, rasterize_texels

LEARNING_RATE = 0.03  # in logits, of lattices as fine as a pixel
COARSE_POWER = 0.5  # of a voxel's side in pixels, by which the rate of its lattice is divided
DECAY_FROM = 0.7  # share of the whole views' steps after which the learning rate falls to 0
CLOSE_DECAY = 0.4  # the same for the close-ups
TRAVEL = 0.6  # how far close-ups may move what is as fine as their pixels, in logits
FASTEST = 0.15  # learning rate of close-ups, at most
USUALLY_COVERED = 0.7  # share of a close-up that shows the mesh
NOISE = 0.5  # deviation of the paint that a run from noise starts with, in logits
GRAIN = 0.3  # the same from the original's look: flat parts give descent nothing to begin with
OVERLAP_TEXELS = 16  # faces farther apart than so many texels of their own do not share texels
SURFACE_TEXELS = 1024  # texture size at which the surface is sampled for the lattices


@dataclass(frozen=True)
class Progress:
    """One step done.

    Attributes:
        step: from 1.
        steps: in all.
        share: of the run's work that is done, 0 to 1; steps on larger views are more work.
        losses: 'content', as last judged, 'style' and the 'total' that was made smaller.
        seconds: since the first step began.
        vgg_seconds: of these, in the backbone and the losses on its features.
    """

    step: int
    steps: int
    share: float
    losses: dict[str, float]
    seconds: float
    vgg_seconds: float


def prepare(job: Job, pictures: Sequence[Tensor], device: torch.device) -> Painting:
    """Set the paint up, before the first step.

    Args:
        job: validated.
        pictures: (3, H, W) float in 0-1, the decoded picture of each of the job's styles.
        device: where to work.

    Raises:
        JobError: if no texel lies in an island.
    """
    settings = job.settings
    surface = Surface.of(job.mesh, device)
    size = min(settings.texture_size, SURFACE_TEXELS)
    texels = rasterize_texels(surface.uvs, (size, size))
    if not len(texels.texel):
        raise JobError(
            "UV map",
            f"its islands are so small that no texel of {size} x {size} lies in them",
            "Scale them up in the UV editor, or raise the texture size",
        )
    images = [torch.from_numpy(i).to(device) for i in job.originals]
    style = pictures[0].flatten(1).T.to(device)
    original = Original.of(surface, images, settings.content_source, style)
    points = surface.points(texels.face, texels.bary)
    spacing = math.sqrt(surface.area / len(points))
    pixel = surface.extent / schedule(settings)[-1].unit
    field = Field(points, finest=max(spacing, LATTICE_PIXELS * pixel), seed=settings.seed)
    footprint = torch.full_like(texels.bary[:, 0], 1 / size)
    albedo = original.albedo(texels.face, texels.bary, footprint)
    aims = aims_of(job, [picture.to(device) for picture in pictures], albedo)
    keeps_hues = settings.color == "ORIGINAL"
    if settings.start == "NOISE":
        field.scatter(NOISE, seed=settings.seed)
    elif settings.style_weight and (settings.start == "MATCHED" or is_plain(albedo)):
        field.scatter(GRAIN, seed=settings.seed)
    return Painting(
        original,
        aims,
        tuple(_start(settings, grey(albedo) if keeps_hues else albedo, aim) for aim in aims),
        keeps_hues,
        field,
        Atlas.of(texels, points, size, OVERLAP_TEXELS * surface.extent / size),
    )


def _start(settings: Settings, albedo: Tensor, aim: Aim) -> ColorMap:
    """From the original's colours (N, 3) to those that the paint starts from."""
    colors = aim.picture.flatten(1).T
    match settings.start:
        case "MATCHED":
            return match_colors(albedo, colors)
        case "ORIGINAL":
            return KEEP
        case _:
            return ColorMap(torch.zeros(3, 3), colors.mean(0))


def optimise(
    job: Job, painting: Painting, backbone: Backbone, state: State | None = None
) -> Iterator[Progress]:
    """Paint, and tell of every step.

    Args:
        job: validated.
        painting: of `prepare`; its field is changed in place.
        backbone: with the LAYERS of `critic`.
        state: of `painting`, where to go on from; changed in place. None stands for the start.

    Raises:
        JobError: if no camera sees the mesh.
    """
    scales, surface = schedule(job.settings), painting.original.surface
    whole = sum(s.steps for s in scales if s.zoom == 1)
    total, all_work = sum(s.steps for s in scales), sum(s.steps * s.work for s in scales)
    step, work = 0, 0.0
    state = state or State(job.settings, painting, backbone)
    strokes = job.settings.strokes(surface.extent)
    background = painting.background
    began = time.perf_counter() - state.seconds
    for scale in scales:
        if step + scale.steps < state.done:
            step, work = step + scale.steps, work + scale.steps * scale.work
            continue
        state.start_scale(scale.unit * strokes, scale.layers)
        cameras = cameras_of(job, surface, scale)
        rates = _rates(painting.field, surface, scale)
        for turn, plan in enumerate(plans_of(painting, scale, cameras, background, state.order)):
            step, work = step + 1, work + scale.work
            if step <= state.done:
                continue
            paint = painting.field(plan.lookups)
            image = plan.shot.image(painting.colors(plan.ground, paint), background)  # (1, 3, H, W)
            seen = image.detach().requires_grad_()
            vgg_began = time.perf_counter()
            losses = state.critic.judge(seen, plan)
            losses.total.backward()
            state.vgg_seconds += time.perf_counter() - vgg_began
            image.backward(seen.grad)
            share = (step - 1) / whole if scale.zoom == 1 else turn / scale.steps
            factor = _decay(share, DECAY_FROM if scale.zoom == 1 else CLOSE_DECAY)
            state.optimizer.step([rate * factor for rate in rates])
            told = {name: value.item() for name, value in losses._asdict().items()}
            if CONTENT_LAYER in scale.layers:
                state.content = told["content"]
            state.done, state.seconds = step, time.perf_counter() - began
            yield Progress(
                step=step,
                steps=total,
                share=work / all_work,
                losses={**told, "content": state.content},
                seconds=state.seconds,
                vgg_seconds=state.vgg_seconds,
            )
    state.settle()


def _rates(field: Field, surface: Surface, scale: Scale) -> list[float]:
    """Learning rate of each lattice at a scale.

    What is coarse for the scale has had its steps: at full rate it would run away. Close-ups
    see each place a few times only, and move it the farther each time.
    """
    pixel = surface.extent / scale.unit
    rate = LEARNING_RATE
    if scale.zoom > 1:
        visits = scale.steps * USUALLY_COVERED * scale.size**2 * pixel**2 / surface.area
        rate = min(FASTEST, TRAVEL / visits)
    return [rate * min(1.0, pixel / lattice.cell) ** COARSE_POWER for lattice in field.lattices]


def _decay(share: float, start: float) -> float:
    """Factor of the learning rate after `share` of the steps; it falls from `start` on."""
    fall = max(0.0, share - start) / (1 - start)
    return 0.5 * (1 + math.cos(math.pi * min(fall, 1.0)))
