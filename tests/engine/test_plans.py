"""Planning views in turns: those that see nothing neither stop a run nor keep it for ever."""

import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from engine import plans, schedule
from engine.backbone import Backbone
from engine.errors import JobError
from engine.painting import Plan
from engine.stylize import optimise, prepare
from engine.surface import Surface
from engine.team import ALONE
from engine.views import orbit_cameras, sphere_directions
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


@pytest.mark.timeout(60)
def test_what_was_planned_before_is_gone_when_the_next_is_planned(
    pictures, backbone, monkeypatch
) -> None:
    monkeypatch.setattr(schedule, "TOGETHER", (2,))
    planned: list[list[weakref.ref[Plan]]] = []
    plan = plans._plan

    def counted(*args: Any) -> dict[int, list[Plan]]:
        # The step that was served last may still be looked at.
        assert sum(ref() is not None for before in planned for ref in before) <= 1
        made = plan(*args)
        planned.append([weakref.ref(one) for of_place in made.values() for one in of_place])
        return made

    monkeypatch.setattr(plans, "_plan", counted)
    job = job_of(pictures, view_count=6, steps=12)
    assert steps_of(job, backbone) == 12
    assert len(planned) > 3
    assert max(map(len, planned)) == 2
