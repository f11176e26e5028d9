"""Which views a scale has, and all that can be known of them before they are painted."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from functools import cache, partial
from statistics import median

import torch
from torch import Tensor

from .afar import Afar
from .errors import JobError
from .job import Job
from .painting import Ground, Painting, Plan
from .schedule import Scale
from .settings import PRESETS
from .sight import Sight
from .surface import Shot, Surface, shoot
from .team import Team
from .views import Camera, framed, orbit_cameras, sphere_directions
from .windows import choose_windows

LATTICE_PIXELS = 0.75  # side of the finest voxel of a scale, in its pixels
ONE_GRID = 0.945  # the same for one view alone: no other's pixels lie between its own
SLACK = 1.1  # a frame's margin makes its pixels a little larger than the finest voxel is meant for
LEAST_COVERED = 0.05  # share of a frame; views that see less are left out, but for
LEAST_OF_USUAL = 0.25  # of the median view's share: where most see little, that is enough
MORE_CAMERAS = 2  # candidates for close-ups, times those of whole views


def cameras_of(job: Job, surface: Surface, scale: Scale) -> list[Camera]:
    """The job's own cameras, or an even sphere, or windows of them; no more than are painted.

    Of the job's own all, for the first ones may see nothing.
    """
    count = scale.steps * scale.views
    if scale.zoom == 1:
        return _whole_views(job, surface, scale.size, min(count, count_views(job)))
    whole = _whole_views(job, surface, scale.size, MORE_CAMERAS * count_views(job))
    return choose_windows(surface, whole, zoom=scale.zoom, side=scale.size, count=count)


def plans_of(
    painting: Painting,
    scale: Scale,
    cameras: Sequence[Camera],
    orders: Sequence[torch.Generator],
    team: Team,
    afar: Afar | None = None,
    *,
    least: float = LEAST_COVERED,
) -> Generator[dict[int, Plan], None, None]:
    """For each step its plans, by the place that each has among the views of the step.

    A place has cameras of its own, so that a process plans only what it paints; they come in a
    random order, all of them before one comes again. Left out are cameras that see little beside
    the others, places whose cameras see nothing, and those of other processes.

    Args:
        painting: what is painted.
        scale: says how many steps there are, and how many cameras are looked through at once.
            Where those are all, plans are kept; otherwise one is made for each step.
        cameras: for all places.
        orders: for each place, what draws the order of its cameras.
        team: says which places are for this process.
        afar: what views show besides what they look up; None stands for nothing.
        least: share of a frame from which on a camera is never left out; with 0 none that sees
            anything is.

    Raises:
        JobError: if no camera sees the mesh.
    """
    surface, views, done = painting.original.surface, len(orders), 0
    numbered = list(enumerate(cameras))
    each, together = (-(-count // views) for count in (len(cameras), scale.together))
    while done < scale.steps:
        before = done
        for start in range(0, each, together):
            if done == scale.steps:
                return
            turn = {
                place: _seeing(surface, numbered[place::views][start : start + together], least)
                for place in team.places(views)
            }
            (most,) = team.most([max(map(len, turn.values()), default=0)])
            if not most:
                continue
            left, all_at_once = scale.steps - done, each <= together
            steps = left if all_at_once else min(left, most)
            queues = {}
            for place, seen in turn.items():
                if seen:
                    plan = partial(_plan, painting, seen, scale.layers, afar)
                    order = _shuffled(len(seen), orders[place])
                    queues[place] = map(cache(plan) if all_at_once else plan, order)
            for _ in range(steps):
                yield {place: next(queue) for place, queue in queues.items()}
            done += steps
            turn.clear()  # the next are looked through without these in memory
            queues.clear()
        if done == before:
            raise JobError(
                "Views",
                f"no camera of {len(cameras)} sees the mesh",
                "Point a scene camera at it, or paint from the sphere around it",
            )


def count_views(job: Job) -> int:
    """How many whole views the job has."""
    return len(job.views) or job.settings.view_count or PRESETS[job.settings.preset].views


def finest_voxel(job: Job, unit: int) -> float:
    """Side of the finest voxel worth having, as a share of what a frame spans (`span_of`).

    Args:
        job: says how many views there are.
        unit: of the largest scale, as in `Scale`.
    """
    return (ONE_GRID if count_views(job) == 1 else LATTICE_PIXELS) / unit


def _shuffled(count: int, order: torch.Generator) -> Iterator[int]:
    """Without end, the numbers below `count` in a random order and then again in another."""
    while True:
        yield from reversed(torch.randperm(count, generator=order).tolist())


def _whole_views(job: Job, surface: Surface, size: int, count: int) -> list[Camera]:
    """The job's own cameras, or an even sphere of `count`; the first few of more lie together."""
    vertices = surface.used_vertices.cpu()
    if job.views:
        return [framed(view, vertices, size) for view in job.views]
    directions = sphere_directions(count, seed=job.settings.seed)
    return orbit_cameras(vertices, directions, size)


def _plan(
    painting: Painting,
    seen: Sequence[tuple[int, Camera, Shot]],
    layers: Sequence[str],
    afar: Afar | None,
    index: int,
) -> Plan:
    """The plan of that one of the numbered cameras, of which is known what they see."""
    number, camera, shot = seen[index]
    ground = painting.ground(shot.face, shot.bary, shot.footprint)
    masks = masks_of_styles(shot, ground)
    smallest = LATTICE_PIXELS * shot.reach / SLACK
    lookups = painting.field.locate(painting.points(shot), smallest=smallest)
    return Plan(
        number,
        camera.position.to(shot.point),
        shot,
        ground,
        lookups,
        afar.beyond(shot, ground, lookups) if afar else shot.point.new_zeros(1, 3),
        masks,
        Sight(shot.mask, masks, layers),
    )


def _seeing(
    surface: Surface, cameras: Sequence[tuple[int, Camera]], least: float
) -> list[tuple[int, Camera, Shot]]:
    """Those of the numbered `cameras` that see enough, and what they see.

    That is `least` of the frame, or less where most see little.
    """
    shots = [shoot(surface, camera) for _, camera in cameras]
    covered = [len(shot.pixel) / (shot.size[0] * shot.size[1]) for shot in shots]
    usual = median([share for share in covered if share] or [0.0])
    enough = min(least, LEAST_OF_USUAL * usual)
    return [
        (number, camera, shot)
        for (number, camera), shot, share in zip(cameras, shots, covered, strict=True)
        if share and share >= enough
    ]


def masks_of_styles(shot: Shot, ground: Ground) -> list[Tensor]:
    """For each style, (H, W) in 0-1: how much each pixel of a view shows of its region."""
    return [shot.spread(strength) for strength in ground.regions.T]
