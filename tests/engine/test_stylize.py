"""How far steps go: which lattices at what rate, until when, and what close-ups may push."""

import math
from collections.abc import Sequence

import pytest
import torch

from engine import stylize
from engine.adam import Gradient, VisitedAdam
from engine.critic import Losses
from engine.field import Field
from engine.picture import read_picture
from engine.schedule import CLOSE_COVERED, Scale, schedule
from engine.settings import CLOSE_UP, PRESETS, Preset
from engine.state import State
from engine.stylize import _decay, _rates, optimise, prepare
from engine.surface import Surface
from tests.engine.jobs import TINY, job_of
from tests.engine.meshes import sphere

CPU = torch.device("cpu")


class Told(VisitedAdam):
    """Adam that remembers the rates of its steps."""

    def __init__(self, values: torch.Tensor) -> None:
        super().__init__(values)
        self.rates: list[Sequence[float]] = []

    def step(self, gradient: Gradient, rates: Sequence[float]) -> None:
        self.rates.append(rates)
        super().step(gradient, rates)


@pytest.mark.parametrize("start", [0.0, 0.4, 0.7])
def test_rates_fall_from_some_step_on_to_nothing(start) -> None:
    """Along half a cosine."""
    assert _decay(0.0, start) == _decay(start, start) == 1
    assert _decay((1 + start) / 2, start) == pytest.approx(0.5)
    quarter = 0.75 * start + 0.25
    assert _decay(quarter, start) == pytest.approx(0.5 + 0.5 * math.sqrt(0.5))
    assert _decay(1.0, start) == pytest.approx(0)


def field_on(surface: Surface) -> Field:
    return Field(surface.vertices, finest=0.005, seed=0)


def test_in_whole_views_lattices_move_the_less_the_coarser_they_are() -> None:
    surface = Surface.of(sphere(24, 48), CPU)
    field, scale = field_on(surface), Scale(64, 1, steps=50)
    pixel = surface.extent / 64
    rates = _rates(field, surface, scale, surface.extent)
    cells = [lattice.cell for lattice in field.lattices]
    assert cells[0] > 10 * pixel
    assert cells[-1] < pixel
    for rate, cell in zip(rates, cells, strict=True):
        expected = stylize.LEARNING_RATE * min(1, math.sqrt(pixel / cell))
        assert rate == pytest.approx(expected)
    # The same whatever the size of the object, and however many steps there are.
    larger = Surface.of(sphere(24, 48, radius=50.0), CPU)
    big = Field(larger.vertices, finest=0.25, seed=0)
    assert _rates(big, larger, Scale(64, 1, steps=7), larger.extent) == pytest.approx(
        rates, rel=1e-3
    )


@pytest.mark.parametrize("zoom", [1, CLOSE_UP])
def test_where_views_see_but_a_part_what_is_fine_for_them_moves_at_full_rate(zoom) -> None:
    surface = Surface.of(sphere(24, 48), CPU)
    field, scale = field_on(surface), Scale(64, zoom, steps=400)
    pixel = surface.extent / 4 / scale.unit
    whole = _rates(field, surface, scale, surface.extent)
    part = _rates(field, surface, scale, surface.extent / 4)
    power = 0.5 if zoom == 1 else 2.0
    for rate, lattice in zip(part, field.lattices, strict=True):
        assert rate == pytest.approx(whole[-1] * min(1, pixel / lattice.cell) ** power)


def test_close_ups_move_each_place_about_as_far_however_many_they_are() -> None:
    surface = Surface.of(sphere(24, 48), CPU)
    field = field_on(surface)

    def finest(steps: int, zoom: int) -> float:
        return _rates(field, surface, Scale(64, zoom, steps), surface.extent)[-1]

    pixel = surface.extent / (64 * CLOSE_UP)
    visits = 400 * CLOSE_COVERED * (64 * pixel) ** 2 / surface.area
    assert finest(400, CLOSE_UP) == pytest.approx(stylize.TRAVEL / visits)
    assert finest(800, CLOSE_UP) == pytest.approx(finest(400, CLOSE_UP) / 2)
    assert finest(1, CLOSE_UP) == stylize.FASTEST
    # A quarter as far with a quarter of the visits.
    assert finest(400, 2 * CLOSE_UP) == pytest.approx(finest(400, CLOSE_UP))
    rates = _rates(field, surface, Scale(64, CLOSE_UP, steps=400), surface.extent)
    for rate, lattice in zip(rates, field.lattices, strict=True):
        assert rate == pytest.approx(rates[-1] * min(1, pixel / lattice.cell) ** 2)


def test_each_part_of_a_run_has_its_own_fall(pictures, backbone, monkeypatch) -> None:
    monkeypatch.setitem(PRESETS, "DRAFT", TINY)
    job = job_of(pictures, steps=0, view_count=3)
    painting = prepare(job, [read_picture(pictures[0])], CPU)
    state = State(job.settings, painting, backbone)
    state.optimizer = told = Told(painting.field.table)
    list(optimise(job, painting, backbone, state))
    scales = [scale for scale in schedule(job.settings) for _ in range(scale.steps)]
    surface = painting.original.surface
    full = [_rates(painting.field, surface, scale, surface.extent) for scale in scales]
    factors = []
    for rates, most in zip(told.rates, full, strict=True):
        shares = {round(rate / other, 6) for rate, other in zip(rates, most, strict=True)}
        factors.append(shares.pop())
        assert not shares
    whole, near, settling = factors[:8], factors[8:12], factors[12:]
    assert whole == pytest.approx([1] * 6 + [_decay(6 / 8, 0.7), _decay(7 / 8, 0.7)], abs=1e-5)
    assert near == pytest.approx([1, 1, _decay(0.5, 0.4), _decay(0.75, 0.4)], abs=1e-5)
    assert settling == pytest.approx([0.65, 0.65 / 2], abs=1e-5)


def even(image: torch.Tensor, *_: object) -> Losses:
    """What makes all of a view darker, and every pixel as much."""
    zero = image.sum() * 0
    return Losses(zero, zero, image.sum())


@pytest.mark.parametrize("close", [False, True])
def test_an_even_push_moves_the_paint_in_whole_views_alone(
    pictures, backbone, monkeypatch, close
) -> None:
    """A close-up's own colors would show on the object in the shape of its frame."""
    steps = 3
    preset = Preset((64,), (steps * (not close),), steps * close, nearer=0, settling=0, views=4)
    monkeypatch.setitem(PRESETS, "DRAFT", preset)
    job = job_of(pictures, steps=0, start="ORIGINAL")
    assert [scale.zoom > 1 for scale in schedule(job.settings)] == [close]
    painting = prepare(job, [read_picture(pictures[0])], CPU)
    assert not painting.field.table.any()
    state = State(job.settings, painting, backbone)
    monkeypatch.setattr(state.critic, "judge", even)
    assert len(list(optimise(job, painting, backbone, state))) == steps
    assert bool(painting.field.table.any()) == (not close)
