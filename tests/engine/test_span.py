"""How long a pixel is on the object, in views all around and in those that see but a part."""

import math

import numpy as np
import pytest
import torch

from engine.job import View
from engine.mesh import Mesh
from engine.picture import read_picture
from engine.settings import CLOSE_UP
from engine.span import span_of
from engine.stylize import prepare
from engine.surface import Surface, shoot
from engine.views import framed
from tests.engine.jobs import TINY, job_of
from tests.engine.meshes import cube, plane, sphere
from tests.engine.reference import perspective

CPU = torch.device("cpu")


def above(distance: float) -> View:
    """A camera with an angle of 40 degrees that looks down at the origin from a distance."""
    down = np.eye(4, dtype=np.float32)
    down[2, 3] = -distance
    half = math.tan(math.radians(20))
    lens = perspective(near=0.1, far=100.0, width=half, height=half)
    return View("above", down, np.float32(lens), 1.0)


def span(mesh: Mesh, *views: View) -> float:
    return span_of(views, torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces))


@pytest.mark.parametrize("mesh", [plane(), cube(), sphere(radius=3.0)])
def test_of_views_all_around_it_is_the_objects_largest_side(mesh) -> None:
    assert span(mesh) == Surface.of(mesh, CPU).extent


@pytest.mark.parametrize("distance", [60, 30])
def test_of_a_view_that_fits_the_object_too(distance) -> None:
    assert span(plane(8, size=20.0), above(distance)) == pytest.approx(20, rel=0.02)


@pytest.mark.parametrize("distance", [10, 3, 1])
@pytest.mark.parametrize("count", [1, 50])
def test_before_a_part_of_it_it_is_what_the_frame_shows(distance, count) -> None:
    shown = 2 * distance * math.tan(math.radians(20))
    assert span(plane(count, size=20.0), above(distance)) == pytest.approx(shown, rel=1e-3)


def test_of_several_it_is_the_nearest_ones_and_those_that_see_nothing_do_not_count() -> None:
    flat, near = plane(8, size=20.0), above(3)
    assert span(flat, above(60), near, above(-5)) == span(flat, near)
    assert span(flat, above(-5)) == 20


def test_it_is_as_long_as_the_pixels_that_a_view_shows() -> None:
    mesh = sphere(40, 80, radius=10.0)
    surface, view = Surface.of(mesh, CPU), above(11)
    shot = shoot(surface, framed(view, surface.used_vertices, 256))
    assert span(mesh, view) / 256 == pytest.approx(shot.reach, rel=0.06)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("distance", [60, 10])
def test_paint_is_as_fine_as_pixels_of_a_camera_before_a_part(pictures, distance) -> None:
    job = job_of(pictures, mesh=plane(8, size=20.0), views=(above(distance),), texture_size=512)
    painting = prepare(job, [read_picture(pictures[0])], CPU)
    surface = painting.original.surface
    close_up = CLOSE_UP * TINY.scales[-1]
    shot = shoot(surface, framed(job.views[0], surface.used_vertices, close_up))
    assert 0.8 < painting.field.lattices[-1].cell / shot.reach < 1
