"""Planning views in turns: those that see nothing neither stop a run nor keep it for ever."""

import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from engine import plans, schedule, stylize
from engine.backbone import Backbone
from engine.errors import JobError
from engine.mesh import Mesh
from engine.painting import Painting, Plan
from engine.settings import Settings
from engine.stylize import optimise, prepare
from engine.surface import Surface
from engine.team import ALONE
from engine.views import Camera, framed, orbit_cameras, random_rotation, sphere_directions
from engine.windows import choose_windows
from tests.engine.jobs import job_of, straight_on
from tests.engine.meshes import mesh_of, plane, sphere

CPU = torch.device("cpu")


def behind():
    """A view that has the plane behind it."""
    view = straight_on()
    away = view.world_to_camera.copy()
    away[2, 3] = 20
    return replace(view, name="behind", world_to_camera=away)


def translation(x: float, y: float) -> torch.Tensor:
    """(4, 4), in clip space."""
    moved = torch.eye(4)
    moved[0, 3], moved[1, 3] = x, y
    return moved


def steps_of(job, network: Backbone) -> int:
    painting = prepare(job, [torch.rand(3, 32, 32) for _ in job.styles], CPU)
    return len(list(optimise(job, painting, network)))


@pytest.mark.timeout(60)
def test_views_that_see_nothing_are_left_out_whenever_their_turn_is(
    pictures, backbone, monkeypatch
) -> None:
    monkeypatch.setattr(schedule, "TOGETHER", (1,))
    views = (behind(), straight_on(), behind())
    assert steps_of(job_of(pictures, views=views, steps=12), backbone) == 12


@pytest.mark.timeout(60)
def test_fewer_steps_than_views_that_see_nothing(pictures, backbone) -> None:
    views = (*[behind()] * 9, straight_on())
    assert steps_of(job_of(pictures, views=views, steps=2), backbone) == 2


@pytest.mark.timeout(60)
def test_if_none_sees_anything_it_says_so(pictures, backbone, monkeypatch) -> None:
    monkeypatch.setattr(schedule, "TOGETHER", (1,))
    job = job_of(pictures, views=(behind(), behind()), steps=6)
    with pytest.raises(JobError, match="no camera of 2 sees the mesh"):
        steps_of(job, backbone)


def test_coarse_views_look_up_no_lattice_finer_than_their_pixels(pictures) -> None:
    """What they cannot tell apart is left as it is; the last scale's views look all of them up."""
    job = job_of(pictures, texture_size=256, mesh=sphere())
    painting = prepare(job, [torch.rand(3, 32, 32)], CPU)
    cells = [lattice.cell for lattice in painting.field.lattices]
    first, *_, last = schedule.schedule(job.settings)
    for scale in (first, last):
        cameras = plans.cameras_of(job, painting.original.surface, scale)
        orders = [torch.Generator()]
        turns = plans.plans_of(painting, scale, cameras, orders, ALONE)
        for _, turn in zip(range(4), turns, strict=False):
            sizes = turn[0].lookups.sizes
            pixel = turn[0].shot.reach
            assert len(sizes) == len(cells) if scale is last else len(sizes) < len(cells)
            assert all(cell > pixel / 2 for cell in cells[: len(sizes)])
            assert all(cell < pixel for cell in cells[len(sizes) :])


def test_close_ups_of_a_mesh_too_thin_to_look_for() -> None:
    flat = plane(1)
    thread = mesh_of(flat.vertices * np.float32((1, 1e-4, 1)), flat.faces, flat.uvs)
    surface = Surface.of(thread, CPU)
    cameras = orbit_cameras(surface.used_vertices, sphere_directions(3, seed=0), 64)
    assert choose_windows(surface, cameras, zoom=2, side=64, count=5)


@pytest.mark.parametrize(("steps", "views"), [(5, 16), (20, 16), (2, 64), (60, 256)])
def test_fewer_steps_than_cameras_look_from_all_around(pictures, steps, views) -> None:
    job = job_of(pictures, mesh=sphere(), view_count=views)
    surface = Surface.of(job.mesh, CPU)
    cameras = plans.cameras_of(job, surface, schedule.Scale(32, 1, steps))
    assert len(cameras) == min(steps, views)
    eyes = torch.stack([camera.position for camera in cameras])
    assert float(torch.nn.functional.normalize(eyes, dim=-1).mean(0).norm()) < 1 / len(eyes)


def rod() -> Mesh:
    """A slanted rod, two hundred times as long as it is wide."""
    tube = sphere(40, 12)
    along = tube.vertices * np.float32((1 / 400, 1 / 400, 1))
    turn = random_rotation(torch.Generator().manual_seed(1)).float().numpy()
    return mesh_of(along @ turn.T, tube.faces, tube.uvs)


def planned(
    painting: Painting, cameras: Sequence[Camera], *, least: float = plans.LEAST_COVERED
) -> list[Plan]:
    """What there is to choose from in the first step."""
    scale = schedule.Scale(64, 1, len(cameras))
    orders = [torch.Generator()]
    turns = plans.plans_of(painting, scale, cameras, orders, ALONE, least=least)
    steps = [turn[0] for turn in turns]
    return list({plan.number: plan for plan in steps}.values())


def test_of_a_mesh_that_fills_no_frame_all_sides_are_planned(pictures) -> None:
    job = job_of(pictures, mesh=rod(), view_count=24)
    painting = prepare(job, [torch.rand(3, 32, 32)], CPU)
    surface = painting.original.surface
    cameras = plans.cameras_of(job, surface, schedule.Scale(192, 1, 24))
    seen = torch.cat([plan.shot.face for plan in planned(painting, cameras)]).unique()
    assert float(surface.face_areas[seen].sum()) > 0.98 * surface.area


def test_a_view_that_sees_little_beside_the_others_is_left_out_unless_it_was_chosen(
    pictures,
) -> None:
    """Such as one whose frame the mesh reaches with a corner."""
    painting = prepare(job_of(pictures), [torch.rand(3, 32, 32)], CPU)
    camera = framed(straight_on(), painting.original.surface.vertices, 64)
    beside, nothing = (
        replace(camera, projection=moved @ camera.projection)
        for moved in (translation(1.6, 1.6), translation(3, 3))
    )
    cameras = [camera, beside, nothing, camera]
    assert {plan.number for plan in planned(painting, cameras)} == {0, 3}
    assert {plan.number for plan in planned(painting, cameras, least=0.0)} == {0, 1, 3}


@pytest.mark.timeout(60)
def test_an_artists_own_view_is_painted_however_little_it_sees(
    pictures, backbone, monkeypatch
) -> None:
    """Two small squares, far apart, and by itself one of them, which fills its frame."""
    corners = plane(1, size=0.2).vertices
    apart = [corners + np.float32((side, side, 0)) for side in (-0.9, 0.9)]
    flat = plane(1)
    faces = np.concatenate((flat.faces, flat.faces + len(corners)))
    squares = mesh_of(np.concatenate(apart), faces, np.tile(flat.uvs, (2, 1, 1)))
    both = straight_on("both")
    lens = both.projection.copy()
    lens[:2, 3] = -1
    views = (both, replace(both, name="one", projection=lens))
    job = job_of(pictures, mesh=squares, views=views, steps=6)
    painting = prepare(job, [torch.rand(3, 32, 32)], CPU)
    numbers = []
    judge = stylize._asked
    monkeypatch.setattr(stylize, "_asked", lambda *of: numbers.append(of[-1].number) or judge(*of))
    losses = [step.losses["total"] for step in optimise(job, painting, backbone)]
    assert set(numbers) == {0, 1}
    assert np.isfinite(losses).all()


@pytest.mark.timeout(60)
def test_plans_of_more_cameras_than_are_kept_are_gone_after_their_step(
    pictures, backbone, monkeypatch
) -> None:
    monkeypatch.setattr(schedule, "TOGETHER", (2,))
    monkeypatch.setattr(stylize, "AHEAD", 1)
    planned: list[weakref.ref[Plan]] = []
    plan = plans._plan

    def counted(*args: Any) -> Plan:
        # The step that was served last, and the one before it, may still be looked at.
        assert sum(ref() is not None for ref in planned) <= 2
        made = plan(*args)
        planned.append(weakref.ref(made))
        return made

    monkeypatch.setattr(plans, "_plan", counted)
    job = job_of(pictures, view_count=6, steps=12)
    assert steps_of(job, backbone) == 12
    assert len(planned) == 12


def test_cameras_that_are_seen_again_are_planned_once(pictures, monkeypatch) -> None:
    made: list[int] = []
    plan = plans._plan

    def counted(*args: Any) -> Plan:
        made.append(args[-1])
        return plan(*args)

    monkeypatch.setattr(plans, "_plan", counted)
    job = job_of(pictures, mesh=sphere())
    painting = prepare(job, [torch.rand(3, 32, 32)], CPU)
    scale = schedule.Scale(32, 1, steps=10)
    cameras = plans.cameras_of(job, painting.original.surface, scale)
    assert len(cameras) == 4
    turns = list(plans.plans_of(painting, scale, cameras, [torch.Generator()], ALONE))
    assert len(turns) == 10
    assert sorted(made) == [0, 1, 2, 3]


@pytest.mark.parametrize("views", [1, 4])
@pytest.mark.parametrize("notch", range(3))
def test_what_is_planned_ahead_is_within_what_may_be_planned_at_once(notch, views) -> None:
    """With what is painted and what is being planned, as long as three steps' views may be."""
    for scale in schedule.schedule(Settings(preset="HIGH"), views, notch):
        ahead = stylize._steps_ahead(scale)
        assert 1 <= ahead <= stylize.AHEAD
        assert (ahead + 2) * views <= max(scale.together, 3 * views)


@pytest.mark.timeout(60)
def test_a_run_that_is_given_up_plans_no_more(pictures, backbone) -> None:
    painting = prepare(job_of(pictures), [torch.rand(3, 32, 32)], CPU)
    run = optimise(job_of(pictures), painting, backbone)
    next(run)
    assert any(thread.name.startswith("ahead") for thread in threading.enumerate())
    run.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith("ahead") for thread in threading.enumerate())
