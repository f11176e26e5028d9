"""The optimisation: coarse to fine over views, a step at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .adam import VisitedAdam
from .backbone import Backbone
from .color import match_colors
from .critic import Critic
from .field import Field
from .job import CLOSE_UP, PRESETS, Job, JobError, Settings
from .original import Original
from .painting import Painting, Plan
from .surface import Shot, Surface, shoot
from .texture import Atlas, rasterize_texels
from .views import Camera, close_ups, frame, orbit_cameras, sphere_directions

LEARNING_RATE = 0.03  # in logits, of lattices as fine as a pixel
COARSE_POWER = 0.5  # of a voxel's side in pixels, by which the rate of its lattice is divided
DECAY_FROM = 0.7  # share of the run after which the learning rate falls to 0
LATTICE_PIXELS = 0.75  # side of the finest voxel of a scale, in its pixels
OVERLAP_TEXELS = 16  # faces farther apart than so many texels of their own do not share texels
LEAST_COVERED = 0.05  # share of a frame; views that see less are left out
STEP_OVERHEAD = 64**2  # pixels that VGG sees in the time that a step takes besides
SURFACE_TEXELS = 1024  # texture size at which the surface is sampled for the lattices


@dataclass(frozen=True)
class Progress:
    """One step done.

    Attributes:
        step: from 1.
        steps: in all.
        share: of the run's work that is done, 0 to 1; steps on larger views are more work.
        losses: 'content', 'style' and their weighted 'total'.
        seconds: since the first step began.
        vgg_seconds: of these, in the backbone and the losses on its features.
    """

    step: int
    steps: int
    share: float
    losses: dict[str, float]
    seconds: float
    vgg_seconds: float


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
    def work(self) -> int:
        """What a step costs, in pixels; what it costs on the smallest views is a part of all."""
        return self.size**2 + STEP_OVERHEAD

    @property
    def unit(self) -> int:
        """Short side in pixels of the style picture at this scale."""
        return self.size * self.zoom


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


def cameras_of(job: Job, surface: Surface, scale: Scale) -> list[Camera]:
    """The job's own cameras, or an even sphere, or windows of them; no more than steps."""
    whole = _whole_views(job, surface, scale.size)
    if scale.zoom == 1:
        return whole[: scale.steps]
    windows = [window for camera in whole for window in close_ups(camera, scale.zoom)]
    order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(job.settings.seed))
    return [windows[i] for i in order[: scale.steps].tolist()]


def _whole_views(job: Job, surface: Surface, size: int) -> list[Camera]:
    vertices = surface.used_vertices.cpu()
    if job.views:
        return [
            frame(
                torch.from_numpy(view.world_to_camera),
                torch.from_numpy(view.projection),
                vertices,
                size,
                view.aspect,
            )
            for view in job.views
        ]
    count = job.settings.view_count or PRESETS[job.settings.preset].views
    return orbit_cameras(vertices, sphere_directions(count, seed=job.settings.seed), size)


def prepare(job: Job, style: Tensor, device: torch.device) -> Painting:
    """Set the paint up, before the first step.

    Args:
        job: validated.
        style: (3, H, W) float in 0-1, the decoded style picture.
        device: where to work.

    Raises:
        JobError: if no texel lies in an island.
    """
    surface = Surface.of(job.mesh, device)
    original = Original.of(surface, [torch.from_numpy(i).to(device) for i in job.originals])
    scales = schedule(job.settings)
    size = min(job.settings.texture_size, SURFACE_TEXELS)
    texels = rasterize_texels(surface.uvs, (size, size))
    if not len(texels.texel):
        raise JobError(
            "UV map",
            f"its islands are so small that no texel of {size} x {size} lies in them",
            "Scale them up in the UV editor, or raise the texture size",
        )
    points = surface.points(texels.face, texels.bary)
    spacing = math.sqrt(surface.area / len(points))
    pixel = surface.extent / scales[-1].unit
    field = Field(points, finest=max(spacing, LATTICE_PIXELS * pixel), seed=job.settings.seed)
    footprint = torch.full_like(texels.bary[:, 0], 1 / size)
    albedo = original.albedo(texels.face, texels.bary, footprint)
    return Painting(
        original,
        match_colors(albedo, style.flatten(1).T),
        field,
        Atlas.of(texels, points, size, OVERLAP_TEXELS * surface.extent / size),
    )


def optimise(job: Job, painting: Painting, style: Tensor, backbone: Backbone) -> Iterator[Progress]:
    """Paint, and tell of every step.

    Args:
        job: validated.
        painting: of `prepare`; its field is changed in place.
        style: (3, H, W) float in 0-1.
        backbone: with the LAYERS of `critic`.

    Raises:
        JobError: if no camera sees the mesh.
    """
    scales, surface = schedule(job.settings), painting.original.surface
    total, done, vgg_seconds = sum(s.steps for s in scales), 0, 0.0
    work, all_work = 0, sum(s.steps * s.work for s in scales)
    optimizer = VisitedAdam(list(painting.field.values))
    order = torch.Generator().manual_seed(job.settings.seed)
    critic = Critic(job.settings, style, backbone)
    began = time.perf_counter()
    for scale in scales:
        plans = _plan(job, painting, scale, critic.background)
        critic.start_scale(scale.unit)
        rates = _rates(painting.field, surface.extent / scale.unit)
        queue: list[int] = []
        for _ in range(scale.steps):
            queue = queue or torch.randperm(len(plans), generator=order).tolist()
            plan = plans[queue.pop()]
            image = plan.shot.image(
                painting.colors(plan.base, plan.lookups), critic.background
            )  # (1, 3, H, W)
            seen = image.detach().requires_grad_()
            vgg_began = time.perf_counter()
            losses = critic.judge(seen, plan)
            losses.total.backward()
            vgg_seconds += time.perf_counter() - vgg_began
            image.backward(seen.grad)
            optimizer.step([rate * _decay(done / total) for rate in rates])
            done, work = done + 1, work + scale.work
            yield Progress(
                step=done,
                steps=total,
                share=work / all_work,
                losses={name: value.item() for name, value in losses._asdict().items()},
                seconds=time.perf_counter() - began,
                vgg_seconds=vgg_seconds,
            )


def _plan(job: Job, painting: Painting, scale: Scale, background: Tensor) -> list[Plan]:
    surface = painting.original.surface
    cameras: Sequence[Camera] = cameras_of(job, surface, scale)
    shots: Sequence[Shot] = [shoot(surface, camera) for camera in cameras]
    covered = [len(shot.pixel) / (shot.size[0] * shot.size[1]) for shot in shots]
    if not any(covered):
        raise JobError(
            "Views",
            f"none of the {len(shots)} cameras sees the mesh",
            "Point a scene camera at it, or paint from the sphere around it",
        )
    least = min(LEAST_COVERED, max(covered))
    cameras, shots = zip(
        *((c, s) for c, s, share in zip(cameras, shots, covered, strict=True) if share >= least),
        strict=True,
    )
    points = [painting.points(shot) for shot in shots]
    painting.field.include(torch.cat(points))
    plans: list[Plan] = []
    for camera, shot, point in zip(cameras, shots, points, strict=True):
        content = painting.original.content(shot, camera.position.to(shot.point))
        plans.append(
            Plan(
                len(plans),
                shot,
                painting.base(shot.face, shot.bary, shot.footprint),
                painting.field.locate(point, smallest=LATTICE_PIXELS * shot.reach),
                shot.image(content, background),
            )
        )
    return plans


def _rates(field: Field, pixel: float) -> list[float]:
    """Learning rate of each lattice where a pixel is `pixel` world units on the surface.

    What is coarse for the scale has had its steps: at full rate it would run away.
    """
    return [
        LEARNING_RATE * min(1.0, pixel / lattice.cell) ** COARSE_POWER for lattice in field.lattices
    ]


def _decay(share: float) -> float:
    """Factor of the learning rate after `share` of the run."""
    fall = max(0.0, share - DECAY_FROM) / (1 - DECAY_FROM)
    return 0.5 * (1 + math.cos(math.pi * min(fall, 1.0)))
