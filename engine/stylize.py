"""The optimisation: coarse to fine over views, a step at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor

from .adam import Gradient
from .afar import Afar
from .ahead import ahead
from .aims import Aim, aims_of
from .allocator import keeping_freed_memory
from .backbone import Backbone
from .color import KEEP, ColorMap, grey, match_colors
from .critic import CONTENT_LAYER, Losses
from .errors import JobError
from .field import Field
from .gradients import together
from .job import Job
from .original import Original, is_plain
from .painting import EDGE, FAITHFUL_EDGE, Painting, Plan
from .plans import LEAST_COVERED, cameras_of, finest_voxel, plans_of
from .samples import Samples, sample_sizes
from .schedule import CLOSE_COVERED, Scale, schedule
from .settings import CLOSE_UP, Settings
from .span import span_of
from .state import State
from .surface import Surface
from .team import ALONE, Team
from .texture import Atlas

LEARNING_RATE = 0.03  # in logits, of lattices as fine as a pixel
COARSE_POWER = 0.5  # of a voxel's side in pixels, by which the rate of its lattice is divided
CLOSE_POWER = 2.0  # the same for close-ups, or their frames would show as patches of color
DECAY_FROM = 0.7  # share of the whole views' steps after which the learning rate falls to 0
CLOSE_DECAY = 0.4  # the same for the close-ups
SETTLING_RATE = 0.65  # of the learning rate, on whole views after close-ups; it falls at once
TRAVEL = 3.3  # how far close-ups may move a pixel, in logits; a quarter of it those twice as near
FASTEST = 0.15  # learning rate of close-ups, at most
NOISE = 0.5  # deviation of the paint that a run from noise starts with, in logits
GRAIN = 0.3  # the same from the original's look: flat parts give descent nothing to begin with
AHEAD = 6  # steps whose views are planned before they are due: enough to look a round through
OVERLAP_TEXELS = 16  # faces farther apart than so many texels of their own do not share texels


@dataclass(frozen=True)
class Progress:
    """One step done.

    Attributes:
        step: from 1.
        steps: in all.
        share: of the run's work that is done, 0 to 1; steps on larger views are more work.
        losses: 'content', as last judged, 'style' and the 'total' that was made smaller.
        seconds: since the first step began.
    """

    step: int
    steps: int
    share: float
    losses: dict[str, float]
    seconds: float


def prepare(job: Job, pictures: Sequence[Tensor], device: torch.device, notch: int = 0) -> Painting:
    """Set the paint up, before the first step.

    Args:
        job: validated.
        pictures: (3, H, W) float in 0-1, the decoded picture of each of the job's styles.
        device: where to work.
        notch: of `schedule`, whose views the paint is to be as fine as.

    Raises:
        JobError: if no texel lies in an island.
    """
    settings = job.settings
    surface = Surface.of(job.mesh, device)
    sizes = sample_sizes(surface, job.texture_shapes)
    samples = Samples.of(surface, sizes)
    if not len(samples.point):
        raise JobError(
            "UV map",
            f"its islands are so small that no texel of {sizes[0]} x {sizes[0]} lies in them",
            "Scale them up in the UV editor, or raise the texture size",
        )
    images = [torch.from_numpy(i).to(device) for i in job.originals]
    original = Original.of(surface, images, settings.content_source)
    spacing = math.sqrt(surface.area / len(samples.point))
    unit = max(scale.unit for scale in schedule(settings, notch=notch))
    span = span_of(job.views, surface.vertices, surface.faces)
    finest = max(spacing, span * finest_voxel(job, unit))
    field = Field(samples.point, finest=finest, seed=settings.seed)
    albedo = original.albedo(samples.face, samples.bary, samples.footprint)
    apart = OVERLAP_TEXELS * surface.extent / math.hypot(*sizes)
    aims = aims_of(job, [picture.to(device) for picture in pictures], albedo)
    wanted = torch.cat([aim.picture.flatten(1).T for aim in aims])
    keeps_hues = settings.color == "ORIGINAL"
    if settings.start == "NOISE":
        field.scatter(NOISE, seed=settings.seed)
    elif settings.style_weight and (settings.start == "MATCHED" or is_plain(albedo)):
        field.scatter(GRAIN, seed=settings.seed)
    return Painting(
        original.tinted(wanted),
        aims,
        tuple(_start(settings, grey(albedo) if keeps_hues else albedo, aim) for aim in aims),
        keeps_hues,
        field,
        Atlas.of(samples.texels, samples.point, sizes, apart),
        EDGE if settings.style_weight else FAITHFUL_EDGE,
    )


def _start(settings: Settings, albedo: Tensor, aim: Aim) -> ColorMap:
    """From the original's colors (N, 3) to those that the paint starts from."""
    colors = aim.picture.flatten(1).T
    if not settings.style_weight:
        return KEEP
    match settings.start:
        case "MATCHED":
            return match_colors(albedo, colors)
        case "ORIGINAL":
            return KEEP
        case _:
            return ColorMap(torch.zeros(3, 3), colors.mean(0))


def optimise(
    job: Job,
    painting: Painting,
    backbone: Backbone,
    state: State | None = None,
    team: Team = ALONE,
) -> Iterator[Progress]:
    """Paint, and tell of every step.

    Args:
        job: validated.
        painting: of `prepare`; its field is changed in place.
        backbone: with the LAYERS of `critic`.
        state: of `painting`, where to go on from; changed in place. None stands for the start,
            with one view a step.
        team: shares the views of each step; all of it ends in the same state.

    Raises:
        JobError: if no camera sees the mesh.
    """
    state = state or State(job.settings, painting, backbone)
    with keeping_freed_memory():
        yield from _steps(job, painting, state, team)


def _steps(job: Job, painting: Painting, state: State, team: Team) -> Iterator[Progress]:
    """As `optimise`."""
    scales, surface = schedule(job.settings, state.views, state.notch), painting.original.surface
    whole = sum(s.steps for s in scales if s.zoom == 1 and not s.settles)
    total, all_work = sum(s.steps for s in scales), sum(s.steps * s.work for s in scales)
    step, work = 0, 0.0
    strokes = job.settings.strokes(surface.extent)
    span = span_of(job.views, surface.vertices, surface.faces)
    background = painting.background
    began = time.perf_counter() - state.seconds
    for number, scale in enumerate(scales):
        if step + scale.steps < state.done:
            step, work = step + scale.steps, work + scale.steps * scale.work
            continue
        unit = scale.unit * strokes
        state.start_scale(unit, scale.layers, scale.memory, team, settles=scale.settles)
        cameras = cameras_of(job, surface, scale)
        rates = _rates(painting.field, surface, scale, span)
        orders = state.orders(number)
        afar = Afar(painting, state.settled(), job.texture_shapes) if scale.settles else None
        chosen = job.views and scale.zoom == 1  # by the artist
        least = 0.0 if chosen else LEAST_COVERED
        planned = plans_of(painting, scale, cameras, orders, team, afar, least=least)
        # What a team's processes tell each other must come in one order.
        with closing(planned if team.size > 1 else ahead(planned, _steps_ahead(scale))) as turns:
            for turn, plans in enumerate(turns):
                step, work = step + 1, work + scale.work
                if step <= state.done:
                    continue
                if scale.settles:
                    factor = SETTLING_RATE * _decay(turn / scale.steps, 0.0)
                elif scale.zoom > 1:
                    factor = _decay(turn / scale.steps, CLOSE_DECAY)
                else:
                    factor = _decay((step - 1) / whole, DECAY_FROM)
                now = [rate * factor for rate in rates]
                told = _step(painting, background, state, scale, plans, team, now)
                state.done, state.seconds = step, time.perf_counter() - began
                yield Progress(
                    step=step,
                    steps=total,
                    share=min(work / all_work, 1.0),
                    losses={**told, "content": state.content},
                    seconds=state.seconds,
                )
    state.settle()


def _step(
    painting: Painting,
    background: Tensor,
    state: State,
    scale: Scale,
    plans: Mapping[int, Plan],
    team: Team,
    rates: Sequence[float],
) -> dict[str, float]:
    """Look at these plans, by their places, and move the paint; returns the mean losses.

    Arguments as of `_asked`, but for the learning `rates` of each lattice.
    """
    judged: list[Losses] = []
    wanted: list[Gradient] = []
    for place, plan in plans.items():
        losses, gradient = _asked(painting, background, state, scale, place, plan)
        judged.append(losses)
        wanted.append(gradient)
    told = _together(state, judged, team)
    lattices = [len(values) for values in painting.field.values]
    state.optimizer.step(together(wanted, state.field.table, lattices, team), rates)
    if CONTENT_LAYER in scale.layers:
        state.content = told["content"]
    return told


def _asked(
    painting: Painting, background: Tensor, state: State, scale: Scale, place: int, plan: Plan
) -> tuple[Losses, Gradient]:
    """How one view is judged, and what it asks of the paint.

    Args:
        painting: as of `optimise`.
        background: (3,) of the painting.
        state: the critic's descriptions and the time of the network go on.
        scale: that the view is of.
        place: of the view among those of the step.
        plan: of the view.
    """
    gathered = painting.field.gather(plan.lookups).requires_grad_()
    paint = plan.lookups.interpolate(gathered)
    image = plan.shot.image(painting.colors(plan.ground, paint) + plan.beyond, background)
    seen = image.detach().requires_grad_()  # (1, 3, H, W)
    began = time.perf_counter()
    losses = state.critic.judge(seen, plan, state.drawing(place))
    (losses.total / scale.views).backward()
    state.vgg_seconds += time.perf_counter() - began
    assert seen.grad is not None
    asked = seen.grad if scale.zoom == 1 else state.critic.fine(seen.grad, plan)
    # As a sum's, for which torch does not import sympy, as for a gradient that it is given.
    (grad,) = torch.autograd.grad((image * asked).sum(), gathered)
    lookups = plan.lookups
    return losses, Gradient(lookups.corners, gathered.detach(), grad, lookups.sizes)


def _together(state: State, judged: Sequence[Losses], team: Team) -> dict[str, float]:
    """Add up what the views of a step told, those of the whole team; returns the mean losses.

    Args:
        state: the critic's descriptions become those of all views.
        judged: the losses of this process's views.
        team: shares the step.
    """
    critic, empty = state.critic, state.field.table.new_zeros(3)
    sums = sum((torch.stack(losses).detach() for losses in judged), empty)
    told = torch.cat((sums, sums.new_tensor([len(judged), *critic.shown()])))
    team.sum_([*critic.present(), told])
    content, style, total, views, *shown = told.tolist()
    critic.end_step(shown)
    return {"content": content / views, "style": style / views, "total": total / views}


def _steps_ahead(scale: Scale) -> int:
    """For how many steps views are planned ahead.

    Besides these a step's views are looked at and another's are being planned: together no more
    than may be planned at once.
    """
    return max(1, min(AHEAD, scale.together // scale.views - 2))


def _rates(field: Field, surface: Surface, scale: Scale, span: float) -> list[float]:
    """Learning rate of each lattice at a scale whose frames span so much of the object.

    What is coarse for the scale has had its steps: at full rate it would run away. Close-ups
    see each place a few times only, and move it the farther each time. How often does not depend
    on the span: where views see only a part, so much the smaller is what windows are chosen of.
    """
    pixel = span / scale.unit
    rate = LEARNING_RATE
    if scale.zoom > 1:
        window = scale.size * surface.extent / scale.unit
        visits = scale.steps * CLOSE_COVERED * window**2 / surface.area
        rate = min(FASTEST, TRAVEL * (CLOSE_UP / scale.zoom) ** 2 / visits)
    power = COARSE_POWER if scale.zoom == 1 else CLOSE_POWER
    return [rate * min(1.0, pixel / lattice.cell) ** power for lattice in field.lattices]


def _decay(share: float, start: float) -> float:
    """Factor of the learning rate after `share` of the steps; it falls from `start` on."""
    fall = max(0.0, share - start) / (1 - start)
    return 0.5 * (1 + math.cos(math.pi * min(fall, 1.0)))
