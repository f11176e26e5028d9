"""Jumps at seams: known answers for known meshes and textures."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.margins import grow_margin
from engine.mesh import Mesh
from engine.seams import _edge_pairs, seam_ratio
from engine.surface import Surface
from tests.engine.images import noise
from tests.engine.meshes import cube, mesh_of, plane, sphere
from tests.engine.surfaces import surface_of

SIZE = 192


def painted(surface: Surface, color) -> Tensor:
    """A texture (SIZE, SIZE, 3): `color` of the texels' faces and points; margins filled."""
    texels = surface.texels(0, (SIZE, SIZE))
    image = torch.zeros(SIZE * SIZE, 3)
    image[texels.texel] = color(texels.face, surface.points(texels.face, texels.bary))
    covered = torch.zeros(SIZE * SIZE, dtype=torch.bool)
    covered[texels.texel] = True
    image = image.view(SIZE, SIZE, 3)
    grow_margin(image, covered.view(SIZE, SIZE))
    return image


def test_edges_are_sorted_into_seams_and_others() -> None:
    """A cube unwrapped side by side: its twelve edges, and the diagonals of its six sides."""
    seam, inner = _edge_pairs(surface_of(cube()))
    assert len(seam) == 12
    assert len(inner) == 6
    seam, inner = _edge_pairs(surface_of(plane(3)))
    assert len(seam) == 0
    assert len(inner) == 9 + 12
    # A sphere: one meridian, and at the poles, whose u is every face's own, all edges.
    rings, segments = 8, 12
    seam, inner = _edge_pairs(surface_of(sphere(rings, segments)))
    assert len(seam) == (rings - 2) + 2 * segments
    edges = 3 * (2 * segments * (rings - 1)) // 2
    assert len(seam) + len(inner) == edges


def test_a_mesh_without_seams() -> None:
    assert seam_ratio(surface_of(plane(4)), [[noise(0, SIZE, SIZE, 3)]]) == 1


def turned(mesh: Mesh) -> Mesh:
    """The mesh with its UVs at an angle, so that seams do not run along rows of texels."""
    cos, sin = 0.65 * np.cos(0.4), 0.65 * np.sin(0.4)
    uvs = (mesh.uvs - 0.5) @ np.array(((cos, -sin), (sin, cos))).T + 0.5
    return mesh_of(mesh.vertices, mesh.faces, uvs)


def waves(points: Tensor, seed: int) -> Tensor:
    """Colors (N, 3) in space, smooth and without a direction of their own."""
    random = torch.Generator().manual_seed(seed)
    ways, phases = 6 * torch.randn(30, 3, generator=random), 7 * torch.rand(30, generator=random)
    mix = torch.randn(30, 3, generator=random) / 10
    return 0.5 + torch.sin(points @ ways.T + phases) @ mix


def test_noise_jumps_as_far_everywhere() -> None:
    surface = surface_of(turned(sphere(40, 60)))
    ratios = [seam_ratio(surface, [[noise(i, SIZE, SIZE, 3)]]) for i in range(5)]
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_paint_that_flows_over_the_seams() -> None:
    """On a cube all seams are at corners, where both sides are nearer than on a flat side."""
    surface = surface_of(turned(cube()))
    ratios = [
        seam_ratio(surface, [[painted(surface, lambda _, p, i=i: waves(p, i))]]) for i in range(8)
    ]
    assert 2**-0.5 < np.mean(ratios) < 1


def test_sides_of_different_colors_are_all_seam() -> None:
    surface = surface_of(cube())
    palette = noise(0, 6, 3)
    texture = painted(surface, lambda face, _: palette[face // 2])
    assert seam_ratio(surface, [[texture]]) > 1000


def test_a_seam_is_found_though_faint() -> None:
    """Islands that differ in brightness, under a texture with waves of its own."""
    surface = surface_of(turned(cube()))
    level = torch.tensor((0.0, 0.1, 0.2, 0.1, 0.2, 0.0))[:, None]
    found = [
        seam_ratio(surface, [[painted(surface, lambda f, p, s=s: waves(p, 0) + s * level[f // 2])]])
        for s in (0.0, 0.5, 1.0, 2.0)
    ]
    assert found == sorted(found)
    assert found[-1] > 1.5 * found[0]


def test_one_color_has_no_seams() -> None:
    assert seam_ratio(surface_of(cube()), [[torch.full((SIZE, SIZE, 3), 0.3)]]) <= 1
