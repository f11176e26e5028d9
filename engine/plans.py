"""Which views a scale has, and all that can be known of them before they are painted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .errors import JobError
from .job import Job
from .painting import Ground, Painting, Plan
from .schedule import Scale
from .settings import PRESETS
from .surface import Shot, Surface, shoot
from .views import Camera, framed, orbit_cameras, sphere_directions
from .windows import choose_windows

LATTICE_PIXELS = 0.75  # side of the finest voxel of a scale, in its pixels
SLACK = 1.1  # a frame's margin makes its pixels a little larger than the finest voxel is meant for
LEAST_COVERED = 0.05  # share of a frame; views that see less are left out
MORE_CAMERAS = 2  # candidates for close-ups, times those of whole views
TOGETHER = 48  # views planned at once: as many as memory is meant for


def cameras_of(job: Job, surface: Surface, scale: Scale) -> list[Camera]:
    """The job's own cameras, or an even sphere, or windows of them; no more than steps."""
    if scale.zoom == 1:
        return _whole_views(job, surface, scale.size, 1)[: scale.steps]
    whole = _whole_views(job, surface, scale.size, MORE_CAMERAS)
    return choose_windows(surface, whole, zoom=scale.zoom, side=scale.size, count=scale.steps)


def plans_of(
    painting: Painting,
    scale: Scale,
    cameras: Sequence[Camera],
    background: Tensor,
    order: torch.Generator,
) -> Iterator[Plan]:
    """A plan for each step: views in a random order, all of them before one comes again.

    Raises:
        JobError: if no camera sees the mesh.
    """
    done = 0
    while done < scale.steps:
        before = done
        for start in range(0, len(cameras), TOGETHER):
            if done == scale.steps:
                return
            left = scale.steps - done
            plans = _plan(painting, cameras[start : start + TOGETHER], background, start)
            if not plans:
                continue
            steps = left if len(cameras) <= TOGETHER else min(left, len(plans))
            queue: list[int] = []
            for _ in range(steps):
                queue = queue or torch.randperm(len(plans), generator=order).tolist()
                yield plans[queue.pop()]
            done += steps
        if done == before:
            raise JobError(
                "Views",
                f"none of the {len(cameras)} cameras sees the mesh",
                "Point a scene camera at it, or paint from the sphere around it",
            )


def _whole_views(job: Job, surface: Surface, size: int, factor: int) -> list[Camera]:
    """The job's own cameras, or an even sphere of `factor` times as many as was asked for."""
    vertices = surface.used_vertices.cpu()
    if job.views:
        return [framed(view, vertices, size) for view in job.views]
    count = job.settings.view_count or PRESETS[job.settings.preset].views
    directions = sphere_directions(factor * count, seed=job.settings.seed)
    return orbit_cameras(vertices, directions, size)


def _plan(
    painting: Painting, cameras: Sequence[Camera], background: Tensor, first: int
) -> list[Plan]:
    """Plans of those of `cameras` that see enough, if any do, numbered from `first` on."""
    surface = painting.original.surface
    shots: Sequence[Shot] = [shoot(surface, camera) for camera in cameras]
    covered = [len(shot.pixel) / (shot.size[0] * shot.size[1]) for shot in shots]
    if not any(covered):
        return []
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
        ground = painting.ground(shot.face, shot.bary, shot.footprint)
        plans.append(
            Plan(
                first + len(plans),
                shot,
                ground,
                painting.field.locate(point, smallest=LATTICE_PIXELS * shot.reach / SLACK),
                shot.image(content, background),
                masks_of_styles(shot, ground),
            )
        )
    return plans


def masks_of_styles(shot: Shot, ground: Ground) -> list[Tensor]:
    """For each style, (H, W) in 0-1: how much each pixel of a view shows of its region."""
    return [shot.spread(strength) for strength in ground.regions.T]
