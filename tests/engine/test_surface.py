"""What a camera sees of a mesh, against closed forms: no holes, nothing shows through."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import max_pool2d

from engine.mesh import Mesh
from engine.surface import Shot, Surface, shoot
from engine.views import Camera, orbit_cameras, sphere_directions
from tests.engine.meshes import cube, mesh_of, plane, sphere
from tests.engine.reference import centers, perspective
from tests.engine.surfaces import surface_of

ABOVE = torch.tensor([(0.0, 0.0, 1.0)])
SLANTED = torch.nn.functional.normalize(torch.tensor([(0.5, -0.4, 0.75)]), dim=-1)


def view(surface: Surface, direction: Tensor, scale: int = 48) -> Camera:
    """One camera that frames all of the surface."""
    (camera,) = orbit_cameras(surface.used_vertices, direction, scale)
    return camera


def together(*meshes: Mesh) -> Mesh:
    """Several meshes as one, a material each."""
    start = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    return mesh_of(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.faces + s for m, s in zip(meshes, start, strict=False)]),
        np.concatenate([m.uvs for m in meshes]),
        np.concatenate([m.materials + i for i, m in enumerate(meshes)]),
    )


def moved(mesh: Mesh, *, by=(0, 0, 0), factor: float = 1.0) -> Mesh:
    vertices = mesh.vertices * factor + np.array(by)
    return mesh_of(vertices, mesh.faces, mesh.uvs, mesh.materials)


def inner(mask: Tensor, pixels: int) -> Tensor:
    """The pixels farther than so many from any that the mask does not cover at all."""
    outside = torch.nn.functional.pad((mask < 0.01).float(), (pixels,) * 4, value=1.0)
    return max_pool2d(outside[None, None], 2 * pixels + 1, 1)[0, 0] == 0


def points_on_planes(camera: Camera, height: float) -> np.ndarray:
    """Where rays through the pixels meet the plane z = height, (H, W, 3)."""
    matrix = (camera.projection.double() @ camera.world_to_camera.double()).numpy()
    spots, eye = centers(camera.size), camera.position.double().numpy()
    # Any other point of each ray: that of NDC depth 0.
    clip = np.concatenate((spots, np.zeros_like(spots[..., :1]), np.ones_like(spots[..., :1])), -1)
    far = clip @ np.linalg.inv(matrix).T
    ray = far[..., :3] / far[..., 3:] - eye
    return eye + ray * ((height - eye[2]) / ray[..., 2:])


def assert_sound(shot: Shot, surface: Surface, camera: Camera) -> None:
    """Weights are shares, points are on their faces and near their pixels."""
    total = torch.zeros(len(shot.pixel)).index_add(0, shot.owner, shot.weight)
    assert (total - 1).abs().max() < 1e-5
    assert (shot.weight > 0).all()
    assert (shot.alpha > 0).all()
    assert (shot.alpha <= 1 + 1e-6).all()
    assert shot.pixel.unique().equal(shot.pixel)
    assert (shot.bary >= 0).all()
    assert (shot.bary.sum(-1) - 1).abs().max() < 1e-5
    assert (shot.point - surface.points(shot.face, shot.bary)).abs().max() < 1e-6
    clip = camera.clip(shot.point)
    height, width = shot.size
    ndc = clip[:, :2] / clip[:, 3:]
    where = torch.stack(((ndc[:, 0] + 1) / 2 * width, (1 - ndc[:, 1]) / 2 * height), -1)
    pixel = shot.pixel[shot.owner]
    center = torch.stack((pixel % width, pixel // width), -1) + 0.5
    # A pixel beside a face sees its rim: within the blur radius, or a corner near it.
    assert (where - center).norm(dim=-1).max() < 2


# Opaque


@pytest.mark.parametrize("direction", [ABOVE, -ABOVE, SLANTED], ids=["above", "below", "slanted"])
@pytest.mark.parametrize("count", [1, 7, 24, 60, 200, 500])
def test_a_plane_has_no_holes_however_fine_it_is(count, direction) -> None:
    """From one quad to a hundred faces a pixel."""
    surface = surface_of(plane(count))
    camera = view(surface, direction)
    shot = shoot(surface, camera)
    assert_sound(shot, surface, camera)
    solid = inner(shot.mask, 2)
    assert solid.sum() > 400
    assert shot.mask[solid].min() > 0.999


@pytest.mark.parametrize("mesh", [cube(), sphere(), sphere(40, 80), sphere(200, 400)])
@pytest.mark.parametrize("seed", range(3))
def test_closed_bodies_have_no_holes(mesh, seed) -> None:
    surface = surface_of(mesh)
    camera = view(surface, sphere_directions(1, seed=seed), 64)
    shot = shoot(surface, camera)
    assert_sound(shot, surface, camera)
    solid = inner(shot.mask, 2)
    assert solid.sum() > 1000
    assert shot.mask[solid].min() > 0.999


def test_outlines_cover_as_much_as_the_form_does() -> None:
    """The sum of alpha is the area of the projected square, and no pixel is beyond it."""
    surface = surface_of(plane(5))
    for direction in (ABOVE, SLANTED):
        camera = view(surface, direction, 64)
        corners = camera.clip(torch.tensor([(-1.0, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]))
        height, width = camera.size
        x, y = (corners[:, :2] / corners[:, 3:] * torch.tensor((width, height)) / 2).T.numpy()
        area = abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2
        assert float(shoot(surface, camera).mask.sum()) == pytest.approx(area, rel=5e-3)


# What shows


def test_colors_are_those_of_the_points_that_rays_meet() -> None:
    surface = surface_of(plane(9))
    camera = view(surface, SLANTED)
    shot = shoot(surface, camera)
    image = shot.image((shot.point + 1) / 2, torch.zeros(3))[0].permute(1, 2, 0)
    expected = (points_on_planes(camera, 0.0) + 1) / 2
    solid = inner(shot.mask, 2)
    assert np.abs(image.numpy() - expected)[solid].max() < 1e-3


def test_the_image_is_blended_over_the_background_by_alpha() -> None:
    surface = surface_of(sphere())
    shot = shoot(surface, view(surface, SLANTED))
    color, background = torch.tensor((0.9, 0.5, 0.1)), torch.tensor((0.2, 0.3, 0.4))
    image = shot.image(color.expand(len(shot.face), 3), background)
    assert tuple(image.shape) == (1, 3, *shot.size)
    alpha = shot.mask[..., None]
    assert (image[0].permute(1, 2, 0) - alpha * color - (1 - alpha) * background).abs().max() < 1e-6
    assert (shot.mask == 0).any()
    assert ((shot.mask > 0.1) & (shot.mask < 0.9)).any()


def test_a_renders_gradient_goes_back_to_its_points() -> None:
    surface = surface_of(plane(2))
    shot = shoot(surface, view(surface, ABOVE, 20))
    colors = torch.zeros(len(shot.face), 3, requires_grad=True)
    shot.image(colors, torch.ones(3)).sum().backward()
    share = shot.weight * shot.alpha[shot.owner]
    assert (colors.grad - share[:, None]).abs().max() < 1e-6
    assert float(colors.grad[:, 0].sum()) == pytest.approx(float(shot.mask.sum()), rel=1e-5)


@pytest.mark.parametrize("gap", [1.0, 0.3, 0.1])
@pytest.mark.parametrize("count", [1, 10, 100])
def test_a_far_face_does_not_show_through_a_near_one(gap, count) -> None:
    """A large sheet behind a small one: inside the small one's outline, only its own points."""
    small = moved(plane(count), factor=0.5, by=(0, 0, gap))
    surface = surface_of(together(plane(count), small))
    camera = view(surface, ABOVE, 64)
    shot = shoot(surface, camera)
    behind = surface.materials[shot.face] == 0
    share = torch.zeros(len(shot.pixel)).index_add(0, shot.owner, shot.weight * behind)
    hit = points_on_planes(camera, gap)[..., :2].reshape(-1, 2)[shot.pixel.numpy()]
    pixel = shot.reach
    on_small = np.abs(hit).max(-1) < 0.5 - 2 * pixel
    off_small = np.abs(hit).max(-1) > 0.5 + 2 * pixel
    assert on_small.sum() > 200
    assert share[on_small].max() == 0
    assert share[off_small].min() == pytest.approx(1)
    edge = ~on_small & ~off_small
    assert 0.3 < share[edge].mean() < 0.7  # the sheet behind fills what the rim leaves free
    assert shot.mask.view(-1)[shot.pixel[torch.from_numpy(edge)]].min() > 0.99


@pytest.mark.parametrize("seed", range(4))
def test_only_the_near_side_of_a_body_is_seen(seed) -> None:
    surface = surface_of(sphere(30, 60))
    camera = view(surface, sphere_directions(1, seed=seed), 64)
    shot = shoot(surface, camera)
    to_eye = torch.nn.functional.normalize(camera.position - shot.point, dim=-1)
    facing = (to_eye * shot.point).sum(-1)
    assert facing.min() > -0.2  # a chord of the sphere's polygon, at its outline
    assert (shot.weight * (facing < 0)).sum() < 0.01 * shot.weight.sum()


@given(st.integers(0, 2**31 - 1))
@hypothesis_settings(max_examples=15)
def test_any_faces_give_a_sound_view(seed) -> None:
    random = np.random.default_rng(seed)
    vertices = random.normal(size=(30, 3))
    faces = random.permutation(30).reshape(10, 3)
    surface = surface_of(mesh_of(vertices, faces, random.random((10, 3, 2))))
    camera = view(surface, sphere_directions(1, seed=seed % 1000), 32)
    assert_sound(shoot(surface, camera), surface, camera)


def test_a_camera_that_sees_nothing() -> None:
    surface = surface_of(plane())
    away = torch.diag(torch.tensor((1.0, 1.0, -1.0, 1.0)))
    away[2, 3] = 5.0
    camera = Camera(away, torch.tensor(perspective(), dtype=torch.float32), (8, 9))
    shot = shoot(surface, camera)
    assert len(shot.pixel) == len(shot.face) == 0
    assert (shot.image(torch.empty(0, 3), torch.ones(3)) == 1).all()
    assert shot.mask.sum() == 0


# Measures of a view


def sides(shot: Shot) -> Tensor:
    """Of squares as large as the footprints, in UV units."""
    return shot.footprint.det().abs().sqrt()


@pytest.mark.parametrize("count", [1, 10])
def test_footprint_and_reach_of_a_plane_from_above(count) -> None:
    surface = surface_of(plane(count))
    camera = view(surface, ABOVE)
    shot = shoot(surface, camera)
    spots = points_on_planes(camera, 0.0)
    pixel = float(spots[0, 1, 0] - spots[0, 0, 0])  # side of a pixel on the plane
    assert abs(shot.reach) == pytest.approx(abs(pixel), rel=1e-3)
    expected = torch.eye(2) * (abs(pixel) / 2)  # 2 units are 1 in UV
    assert (shot.footprint - expected).abs().max() < 1e-4


def test_a_slanted_view_stretches_pixels() -> None:
    """By area: a pixel's patch of the plane is larger by one over the cosine."""
    surface = surface_of(plane(20))
    above, slanted = (
        shoot(surface, view(surface, torch.nn.functional.normalize(d, dim=-1), 256))
        for d in (ABOVE, torch.tensor([(3.0, 0, 4.0)]))
    )
    stretch = (sides(slanted) / slanted.reach).median() / (sides(above) / above.reach).median()
    assert float(stretch) == pytest.approx(math.sqrt(5 / 4), rel=0.02)


def on_the_floor(lens: np.ndarray, surface: Surface) -> Shot:
    """What a camera sees that stands on a floor, half of it behind it, and looks down a little."""
    down = math.radians(20)
    up = torch.tensor((0.0, math.sin(down), math.cos(down)))
    backward = torch.tensor((0.0, -math.cos(down), math.sin(down)))
    camera = torch.eye(4)
    camera[:3, :3] = torch.stack((torch.tensor((1.0, 0, 0)), up, backward))
    camera[:3, 3] = -camera[:3, :3] @ torch.tensor((0.0, 0, 0.5))
    return shoot(surface, Camera(camera, torch.tensor(lens, dtype=torch.float32), (48, 64)))


ORTHOGRAPHIC = np.diag((0.5, 0.5, -0.1, 1.0))


@pytest.mark.parametrize("ahead", [0, 11])
@pytest.mark.parametrize("lens", [perspective(), ORTHOGRAPHIC], ids=["perspective", "orthographic"])
def test_footprints_are_the_same_however_few_faces_a_floor_has(lens, ahead) -> None:
    """Few faces reach far from the camera's plane, and on both sides of it if nothing is ahead."""
    floors = [moved(plane(count, size=20.0), by=(0, ahead, 0)) for count in (1, 400)]
    shots = [on_the_floor(lens, surface_of(floor)) for floor in floors]
    few, many = (
        torch.zeros(len(shot.pixel)).index_add(0, shot.owner, shot.weight * sides(shot))
        for shot in shots
    )
    assert shots[0].pixel.equal(shots[1].pixel)
    assert len(few) > 700
    ratio = few / many
    assert float(ratio.median()) == pytest.approx(1, rel=0.01)
    assert float((ratio.log().abs() < 0.1).float().mean()) > 0.95


def test_footprints_on_a_floor_are_of_the_patches_that_pixels_show() -> None:
    """In closed form: of pixels far from the horizon, what lies between rays through corners."""
    shot = on_the_floor(perspective(), surface_of(plane(1, size=20.0)))
    height, width = shot.size
    point = torch.full((height * width, 3), math.nan)
    point[shot.pixel[shot.owner]] = shot.point
    grid = point.view(height, width, 3)[..., :2]
    across = (grid[1:-1, 2:] - grid[1:-1, :-2]) / 2
    along = (grid[2:, 1:-1] - grid[:-2, 1:-1]) / 2
    expected = torch.stack((across, -along), -1) / 20  # rows go down, v up
    found = torch.full((height * width, 2, 2), math.nan)
    found[shot.pixel[shot.owner]] = shot.footprint
    found, expected = found.view(height, width, 2, 2)[1:-1, 1:-1][24:], expected[24:]
    both = ~expected.isnan().flatten(2).any(-1)
    assert both.sum() > 500
    away = (found[both] - expected[both]).flatten(1).norm(dim=-1)
    assert (away / expected[both].flatten(1).norm(dim=-1)).max() < 0.03


@pytest.mark.parametrize("size", [1e-5, 1e6])
def test_footprints_do_not_change_with_the_size_of_all(size) -> None:
    own, other = (
        shoot(surface_of(plane(3, size=side)), view(surface_of(plane(3, size=side)), SLANTED))
        for side in (2.0, size)
    )
    assert float(sides(other).median()) == pytest.approx(float(sides(own).median()), rel=1e-3)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_normals_are_unit_whatever_the_size(size) -> None:
    normals = surface_of(plane(64, size=size)).normals
    assert torch.allclose(normals, torch.tensor((0.0, 0, 1)).expand_as(normals))


def test_normals_area_and_extent() -> None:
    surface = surface_of(sphere(40, 80, radius=2.0))
    used = surface.faces.unique()
    radial = surface.vertices[used] / 2
    assert (surface.normals[used] * radial).sum(-1).min() > 0.99
    assert surface.area == pytest.approx(16 * math.pi, rel=0.01)
    assert surface.extent == pytest.approx(4, rel=1e-3)
    assert surface_of(cube()).area == pytest.approx(24)
