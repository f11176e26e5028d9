"""The optimisation: coarse to fine over views, a step at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .backbone import Backbone
from .color import match_colors
from .field import Field
from .job import PRESETS, STYLE_LAYERS, Job, Settings
from .losses import content_loss, gram, mask_pyramid, straight_through, style_loss
from .original import Original
from .painting import Painting, Plan
from .surface import Surface, shoot
from .texture import rasterize_texels
from .views import Camera, frame, orbit_cameras, sphere_directions

CONTENT_LAYER = "relu4_2"
LAYERS = (*STYLE_LAYERS[:4], CONTENT_LAYER, STYLE_LAYERS[4])
GRAM_MEMORY = 0.5  # share of the running Gram that a step keeps; with more, colours swing
LEARNING_RATE = 0.03  # of the finest lattice, in logits
COARSE_RATE = 0.3  # of the coarsest lattice, relative to the finest
DECAY_FROM = 0.7  # share of the run after which the learning rate falls to 0
BETAS = (0.9, 0.99)
LATTICE_PIXELS = 0.75  # side of the finest voxel of a scale, in its pixels
SURFACE_TEXELS = 1024  # texture size at which the surface is sampled for the lattices


@dataclass(frozen=True)
class Progress:
    """One step done.

    Attributes:
        step: from 1.
        steps: in all.
        losses: 'content', 'style' and their weighted 'total'.
        seconds: since the first step began.
        vgg_seconds: of these, in the backbone and the losses on its features.
    """

    step: int
    steps: int
    losses: dict[str, float]
    seconds: float
    vgg_seconds: float


@dataclass(frozen=True)
class Scale:
    """One size of views."""

    size: int
    steps: int


def schedule(settings: Settings) -> list[Scale]:
    """The scales of a run; `settings.steps`, if not 0, is shared out as the preset's are."""
    preset = PRESETS[settings.preset]
    total = settings.steps or sum(preset.steps)
    ends = [
        round(total * sum(preset.steps[: i + 1]) / sum(preset.steps))
        for i in range(len(preset.steps))
    ]
    starts = [0, *ends[:-1]]
    return [
        Scale(size, end - start)
        for size, start, end in zip(preset.scales, starts, ends, strict=True)
        if end > start
    ]


def cameras_of(job: Job, surface: Surface, scale: int) -> list[Camera]:
    """The job's own cameras, or an even sphere, with frames of `scale` pixels."""
    vertices = surface.used_vertices.cpu()
    if job.views:
        return [
            frame(
                torch.from_numpy(view.world_to_camera),
                torch.from_numpy(view.projection),
                vertices,
                scale,
                view.aspect,
            )
            for view in job.views
        ]
    count = PRESETS[job.settings.preset].views
    return orbit_cameras(vertices, sphere_directions(count, seed=job.settings.seed), scale)


def prepare(job: Job, style: Tensor, device: torch.device) -> Painting:
    """Set the paint up, before the first step.

    Args:
        job: validated.
        style: (3, H, W) float in 0-1, the decoded style picture.
        device: where to work.
    """
    surface = Surface.of(job.mesh, device)
    original = Original.of(surface, [torch.from_numpy(i).to(device) for i in job.originals])
    scales = schedule(job.settings)
    size = min(job.settings.texture_size, SURFACE_TEXELS)
    texels = rasterize_texels(surface.uvs, (size, size))
    points = surface.points(texels.face, texels.bary)
    spacing = math.sqrt(surface.area / max(len(points), 1))
    pixel = surface.extent / scales[-1].size
    field = Field(points, finest=max(spacing, LATTICE_PIXELS * pixel), seed=job.settings.seed)
    footprint = torch.full_like(texels.bary[:, 0], 1 / size)
    albedo = original.albedo(texels.face, texels.bary, footprint)
    return Painting(original, match_colors(albedo, style.flatten(1).T), field)


def optimise(
    job: Job, painting: Painting, style: Tensor, backbone: Backbone
) -> Iterator[Progress]:
    """Paint, and tell of every step.

    Args:
        job: validated.
        painting: of `prepare`; its field is changed in place.
        style: (3, H, W) float in 0-1.
        backbone: with LAYERS.
    """
    settings, field = job.settings, painting.field
    scales = schedule(settings)
    total, done, vgg_seconds = sum(s.steps for s in scales), 0, 0.0
    optimizer = _optimizer(field)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _decay(step / total))
    order = torch.Generator().manual_seed(settings.seed)
    background = style.mean((1, 2))
    running: list[Tensor] = []
    began = time.perf_counter()
    for scale in scales:
        targets = style_grams(style, scale.size, backbone)
        plans = _plan(job, painting, scale.size, background)
        contents: dict[int, Tensor] = {}
        queue: list[int] = []
        for _ in range(scale.steps):
            queue = queue or torch.randperm(len(plans), generator=order).tolist()
            number = queue.pop()
            plan = plans[number]
            optimizer.zero_grad()
            image = plan.shot.image(painting.colors(plan.base, plan.lookups), background)
            leaf = image.detach().requires_grad_()
            vgg_began = time.perf_counter()
            if number not in contents:
                with torch.no_grad():
                    contents[number] = backbone(plan.content)[CONTENT_LAYER]
            features = backbone(leaf)
            masks = masks_of(features, plan.shot.mask)
            grams = [gram(features[name], masks[name]) for name in STYLE_LAYERS]
            if running:
                kept = GRAM_MEMORY
                averages = [kept * r + (1 - kept) * g.detach()
                            for r, g in zip(running, grams, strict=True)]  # fmt: skip
            else:
                averages = [g.detach() for g in grams]
            running = averages
            mixed = [straight_through(a, g) for a, g in zip(averages, grams, strict=True)]
            style_part = style_loss(mixed, targets, settings.layer_weights)
            content_part = content_loss(
                features[CONTENT_LAYER], contents[number], masks[CONTENT_LAYER]
            )
            loss = settings.content_weight * content_part + settings.style_weight * style_part
            loss.backward()
            vgg_seconds += time.perf_counter() - vgg_began
            image.backward(leaf.grad)
            optimizer.step()
            rate.step()
            done += 1
            yield Progress(
                step=done,
                steps=total,
                losses={
                    "content": content_part.item(),
                    "style": style_part.item(),
                    "total": loss.item(),
                },
                seconds=time.perf_counter() - began,
                vgg_seconds=vgg_seconds,
            )


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


def _plan(job: Job, painting: Painting, scale: int, background: Tensor) -> list[Plan]:
    surface = painting.original.surface
    cameras = cameras_of(job, surface, scale)
    shots = [shoot(surface, camera) for camera in cameras]
    painting.field.include(torch.cat([shot.point for shot in shots]))
    plans = []
    for camera, shot in zip(cameras, shots, strict=True):
        content = painting.original.content(shot, camera.position.to(shot.point))
        plans.append(
            Plan(
                shot,
                painting.base(shot.face, shot.bary, shot.footprint),
                painting.field.locate(shot.point, smallest=LATTICE_PIXELS * shot.reach),
                shot.image(content, background),
            )
        )
    return plans


def _optimizer(field: Field) -> torch.optim.Adam:
    """Adam, with lower rates for coarse lattices, which would run away otherwise."""
    last = max(len(field.lattices) - 1, 1)
    groups = [
        {"params": [values], "lr": LEARNING_RATE * COARSE_RATE ** (1 - level / last)}
        for level, values in enumerate(field.values)
    ]
    return torch.optim.Adam(groups, betas=BETAS)


def _decay(share: float) -> float:
    """Factor of the learning rate after `share` of the run."""
    fall = max(0.0, share - DECAY_FROM) / (1 - DECAY_FROM)
    return 0.5 * (1 + math.cos(math.pi * min(fall, 1.0)))
