"""What can be seen from outside, and how open it lies, against closed forms."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from engine.mesh import Mesh
from engine.surface import Surface
from engine.visibility import DIRECTIONS, SIDE, Outside
from tests.engine.meshes import SQUARE, cube, quads, sphere

CPU = torch.device("cpu")


def outside_of(mesh: Mesh) -> tuple[Surface, Outside]:
    surface = Surface.of(mesh, CPU)
    return surface, Outside.of(surface)


def face_middles(surface: Surface) -> tuple[Tensor, Tensor]:
    """Points in the middle of the faces, and the faces' own normals, (F, 3) each."""
    a, b, c = surface.vertices[surface.faces].unbind(1)
    return (a + b + c) / 3, normalize(torch.linalg.cross(b - a, c - a), dim=-1)


def well(depth: float) -> Mesh:
    """A solid block of half side 2 with a square shaft of half side 1 in its top."""
    vertices, sides = [], []

    def ring(half: float, height: float) -> list[int]:
        vertices.extend((half * (2 * x - 1), half * (2 * y - 1), height) for x, y in SQUARE)
        return list(range(len(vertices) - 4, len(vertices)))

    bottom, top, rim, floor = ring(2, -depth - 1), ring(2, 0), ring(1, 0), ring(1, -depth)
    sides += [bottom[::-1], floor]
    for lower, upper in ((bottom, top), (top, rim), (rim, floor)):
        for i in range(4):
            j = (i + 1) % 4
            sides.append([lower[i], lower[j], upper[j], upper[i]])
    return quads(vertices, sides, [SQUARE] * len(sides))


def test_all_of_a_convex_body_is_seen() -> None:
    for mesh in (cube(), sphere(20, 40)):
        surface, outside = outside_of(mesh)
        points, normals = face_middles(surface)
        seen = outside.sees(points)
        assert tuple(seen.shape) == (len(points), DIRECTIONS)
        assert seen.any(-1).all()
        # From each side that a face shows, and from none behind its back.
        cosine = normals @ outside.directions.T
        # The bias of 2.5 pixels is what a slant of 0.28 rises from a pixel's centre to its corner.
        assert seen[cosine > 0.28].all()
        assert not seen[cosine < -0.2].any()


def one_in_another(outer: Mesh, inner: Mesh) -> Mesh:
    """Both, the outer one's faces first."""
    start = len(outer.vertices)
    return Mesh(
        *(
            torch.cat([torch.from_numpy(a), torch.from_numpy(b)]).numpy()
            for a, b in (
                (outer.vertices, inner.vertices),
                (outer.faces, inner.faces + start),
                (outer.uvs, inner.uvs),
                (outer.materials, inner.materials),
                (outer.textures, inner.textures),
            )
        )
    )


def test_a_skin_close_below_another_shows_no_face() -> None:
    surface, outside = outside_of(one_in_another(cube(), cube(size=1.98)))
    points, _ = face_middles(surface)
    assert outside.sees(points).any(-1).all()  # by depth alone all lie on top
    half = len(points) // 2
    assert outside.shown[:half].all()
    assert not outside.shown[half:].any()


def test_a_box_in_a_box_is_not_seen() -> None:
    mesh = one_in_another(cube(), cube(size=1.0))
    surface, outside = outside_of(mesh)
    points, _ = face_middles(surface)
    seen = outside.sees(points).any(-1)
    assert seen[: len(seen) // 2].all()
    assert not seen[len(seen) // 2 :].any()


def test_points_in_free_air_are_seen_from_where_nothing_is_before_them() -> None:
    _, outside = outside_of(cube())
    above = outside.sees(torch.tensor([(0.0, 0.0, 1.3)]))[0]
    assert above[outside.directions[:, 2] > 0].all()
    assert not above[outside.directions[:, 2] < -0.95].any()


@pytest.mark.parametrize("mesh", [cube(), well(4), one_in_another(cube(), cube(size=1.0))])
def test_what_is_seen_at_all_is_seen_from_some_direction(mesh) -> None:
    surface, outside = outside_of(mesh)
    points, normals = face_middles(surface)
    for away in (0.0, 0.5, -0.5):
        around = points + away * normals
        assert outside.sees_at_all(around).equal(outside.sees(around).any(-1))


@pytest.mark.parametrize("mesh", [cube(), sphere(20, 40, radius=1e-3), sphere(10, 20, radius=1e3)])
def test_convex_bodies_lie_open(mesh) -> None:
    surface, outside = outside_of(mesh)
    points, normals = face_middles(surface)
    openness = outside.openness(points, normals)
    assert openness.min() > 0.96  # the rest is what the bias loses at grazing angles
    assert openness.max() <= 1 + 1e-6


@pytest.mark.parametrize("depth", [0.5, 1.5])
def test_the_floor_of_a_shaft_sees_its_opening(depth) -> None:
    """The form factor from a small patch to a rectangle straight above it.

    Howell, "A catalog of radiation heat transfer configuration factors", B-3.
    """
    _, outside = outside_of(well(depth))
    point, up = torch.tensor([(0.0, 0.0, -depth)]), torch.tensor([(0.0, 0.0, 1.0)])
    side = 1 / depth
    slant = math.sqrt(1 + side * side)
    expected = 4 / (2 * math.pi) * 2 * side / slant * math.atan(side / slant)
    found = float(outside.openness(point, up))
    # DIRECTIONS even samples, and a depth map of SIDE pixels.
    assert found == pytest.approx(expected, abs=2 / math.sqrt(DIRECTIONS) / 4 + 4 / SIDE)
    rim = float(outside.openness(torch.tensor([(1.5, 0.0, 0.0)]), up))
    assert rim > 0.97


def test_the_deeper_the_darker() -> None:
    up = torch.tensor([(0.0, 0.0, 1.0)])
    depths = (0.25, 1.0, 4.0)
    found = [
        float(outside_of(well(d))[1].openness(torch.tensor([(0.0, 0.0, -d)]), up)) for d in depths
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.75
    assert found[-1] < 0.15


def test_a_normal_that_points_inwards_changes_nothing() -> None:
    surface, outside = outside_of(sphere(10, 20))
    points, normals = face_middles(surface)
    assert (outside.openness(points, -normals) - outside.openness(points, normals)).abs().max() == 0
