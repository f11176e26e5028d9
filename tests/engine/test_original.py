"""The original look: colors by footprint, no bleeding at islands, clay where it is one color."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.mesh import Mesh
from engine.original import AMBIENT, CLAY, HEADLIGHT, Original
from engine.surface import Surface, shoot
from engine.views import Camera, orbit_cameras
from tests.engine.meshes import cube, mesh_of, plane, sphere

CPU = torch.device("cpu")
RED, GREEN = torch.tensor((0.8, 0.1, 0.1)), torch.tensor((0.1, 0.7, 0.2))


def original_of(mesh: Mesh, *images: Tensor, source: str = "AUTO") -> Original:
    return Original.of(Surface.of(mesh, CPU), images, source).tinted(torch.rand(50, 3))


def flat(color) -> Tensor:
    return torch.as_tensor(color, dtype=torch.float32).view(1, 1, 3)


def gradient(size: int) -> Tensor:
    """(S, S, 3): u, v and a half, at texel centres."""
    at = (torch.arange(size) + 0.5) / size
    u, v = at.expand(size, -1), at.flip(0)[:, None].expand(-1, size)
    return torch.stack((u, v, torch.full_like(u, 0.5)), -1)


def above(mesh: Mesh, scale: int = 64) -> Camera:
    surface = Surface.of(mesh, CPU)
    (camera,) = orbit_cameras(surface.used_vertices, torch.tensor([(0.0, 0, 1)]), scale)
    return camera


def everywhere(faces: int, count: int = 200) -> tuple[Tensor, Tensor]:
    """Random points on all faces."""
    random = np.random.default_rng(0)
    bary = random.dirichlet((1, 1, 1), count * faces)
    face = torch.arange(faces).repeat_interleave(count)
    return face, torch.tensor(bary, dtype=torch.float32)


def sharp(count: int) -> Tensor:
    return torch.zeros(count, 2, 2)


def test_albedo_is_the_texture_at_the_points_uv() -> None:
    mesh = plane(3)
    face, bary = everywhere(len(mesh.faces))
    found = original_of(mesh, gradient(64)).albedo(face, bary, sharp(len(face)))
    uv = (mesh.uvs[face.numpy()] * bary.numpy()[..., None]).sum(1)
    inside = (uv > 1 / 128).all(-1) & (uv < 127 / 128).all(-1)  # the rim wraps
    assert inside.mean() > 0.9
    assert np.abs(found.numpy()[:, :2] - uv)[inside].max() < 1e-5
    assert np.abs(found.numpy()[inside, 2] - 0.5).max() < 1e-6


def test_each_material_has_its_own_picture() -> None:
    mesh = plane(2)
    mesh = mesh_of(mesh.vertices, mesh.faces, mesh.uvs, np.arange(8) % 3)
    original = original_of(mesh, flat(RED), gradient(32), flat(GREEN))
    face, bary = everywhere(8)
    found = original.albedo(face, bary, sharp(len(face)))
    number = face % 3
    assert (found[number == 0] - RED).abs().max() < 1e-6
    assert (found[number == 2] - GREEN).abs().max() < 1e-6
    assert found[number == 1].std(0)[0] > 0.1


def test_what_lies_between_the_islands_does_not_bleed_in() -> None:
    """Islands of red on a green picture: red right up to their rims, from near and from far."""
    mesh = cube(gap=0.1)
    size = 60
    picture = GREEN.expand(size, size, 3).clone()
    columns, rows = torch.arange(size) % 20, torch.arange(size) % 30
    # Texels whose centres are inside the islands, by the atlas's own definition.
    on = ((columns >= 2) & (columns < 18))[None] & ((rows >= 3) & (rows < 27))[:, None]
    picture[on] = RED
    original = original_of(mesh, picture)
    face, bary = everywhere(12)
    for footprint in (0.0, 1 / 60, 2 / 60, 8 / 60, 1.0):
        found = original.albedo(face, bary, (torch.eye(2) * footprint).expand(len(face), 2, 2))
        assert (found - RED).abs().max() < 1e-5, footprint


def test_from_far_a_checkerboard_is_grey() -> None:
    y, x = np.mgrid[:256, :256]
    board = torch.tensor((y + x) % 2, dtype=torch.float32)[..., None].expand(-1, -1, 3)
    original = original_of(plane(4), board.contiguous())
    shot = shoot(original.surface, above(plane(4), 40))
    found = original.albedo(shot.face, shot.bary, shot.footprint)
    assert (found - 0.5).abs().max() < 0.02


# Clay


@pytest.mark.parametrize("color", [(0.8, 0.8, 0.8), (0.0, 0.0, 0.0), (0.9, 0.1, 0.2)])
def test_one_flat_color_is_clay(color) -> None:
    assert original_of(sphere(), flat(color)).clay


def test_a_picture_of_one_color_is_clay_too() -> None:
    noise = torch.rand(32, 32, 3, generator=torch.Generator().manual_seed(0)) / 255
    assert original_of(sphere(), 0.5 + noise).clay


def test_only_what_the_islands_hold_counts() -> None:
    picture = gradient(64)
    picture[:32, :32] = RED  # the upper left quarter, v > 0.5 and u < 0.5
    mesh = plane(1)
    corner = mesh_of(mesh.vertices, mesh.faces, mesh.uvs * 0.45 + np.array((0.02, 0.52)))
    assert original_of(corner, picture).clay
    assert not original_of(mesh, picture).clay


def test_several_colors_are_no_clay() -> None:
    mesh = plane(2)
    two = mesh_of(mesh.vertices, mesh.faces, mesh.uvs, np.arange(8) % 2)
    assert not original_of(two, flat(RED), flat(GREEN)).clay
    assert original_of(two, flat(RED), flat(RED)).clay
    assert not original_of(mesh, gradient(16)).clay


def test_a_material_that_no_face_uses_does_not_count() -> None:
    assert original_of(plane(2), flat(RED), gradient(8)).clay


def test_the_content_of_a_picture_is_the_picture() -> None:
    original = original_of(plane(3), gradient(32))
    camera = above(plane(3))
    shot = shoot(original.surface, camera)
    albedo = original.albedo(shot.face, shot.bary, shot.footprint)
    assert original.content(shot, camera.position, albedo).equal(albedo)


def test_the_content_of_clay_is_shaded_by_a_headlight() -> None:
    """On a ball: ambient light, and the cosine between the normal and the way to the eye."""
    mesh = sphere(60, 120)
    original = original_of(mesh, flat(RED))
    camera = above(mesh, 96)
    shot = shoot(original.surface, camera)
    albedo = original.albedo(shot.face, shot.bary, shot.footprint)
    content = original.content(shot, camera.position, albedo)
    normal = torch.nn.functional.normalize(shot.point, dim=-1)
    to_eye = torch.nn.functional.normalize(camera.position - shot.point, dim=-1)
    cosine = (normal * to_eye).sum(-1).abs()
    expected = CLAY * (AMBIENT + HEADLIGHT * cosine)
    shade = CLAY * original.clay.shade(original.surface, shot, camera.position)
    assert content.equal(original.clay.tint(shade[:, None].expand(-1, 3)))
    off = (shade - expected).abs()
    assert off[cosine > 0.3].max() < 0.03  # a convex body lies open nearly everywhere
    assert shade.max() == pytest.approx(CLAY * (AMBIENT + HEADLIGHT), abs=0.01)
    assert content.std() > 0.03


def test_the_content_of_both_is_the_picture_in_the_light_that_shows_the_form() -> None:
    mesh = sphere(60, 120)
    original = original_of(mesh, gradient(64), source="BOTH")
    camera = above(mesh, 96)
    shot = shoot(original.surface, camera)
    albedo = original.albedo(shot.face, shot.bary, shot.footprint)
    content = original.content(shot, camera.position, albedo)
    shade = original.clay.shade(original.surface, shot, camera.position)
    assert content.equal(albedo * shade[:, None])
    assert shade.max() > 0.95
    assert shade.min() < 0.6
