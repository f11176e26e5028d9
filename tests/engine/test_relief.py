"""The strokes' relief against closed forms, on stretched and turned UVs and across seams."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.relief import HEIGHT, STROKE, Relief
from engine.surface import Surface
from tests.engine.meshes import cube, plane, sphere
from tests.engine.reliefs import SIZE, WAVE, painting_of, placed, quiet, turned, wave


def normals_of(image: Tensor) -> Tensor:
    return 2 * image - 1


def test_flat_paint_is_level() -> None:
    relief = Relief.of(painting_of(cube(), lambda x: 0.7 + 0 * x[:, :1], finest=0.05))
    assert (relief.bake_heights((64, 64), quiet) - 0.5).abs().max() < 1e-3
    level = torch.tensor((0.5, 0.5, 1.0))
    assert (relief.bake_normals((64, 64), quiet) - level).abs().max() < 1e-3


def test_large_light_and_dark_areas_are_no_hills() -> None:
    """A ripple on a slope that is ten times as strong over the whole of the plane."""
    ripple = Relief.of(painting_of(plane(), wave)).bake_heights((SIZE, SIZE), quiet)
    both = Relief.of(painting_of(plane(), lambda x: wave(x) + 1.5 * x[:, :1])).bake_heights(
        (SIZE, SIZE), quiet
    )
    inner = (slice(16, -16), slice(16, -16))
    left, right = (both[inner][:, part].mean() for part in (slice(0, 20), slice(-20, None)))
    assert abs(left - right) < 0.05  # of a height of 1, which the slope alone would fill
    assert (ripple[inner] - both[inner]).abs().mean() < 0.06


def test_a_small_region_s_strokes_are_as_high_as_if_all_were_painted() -> None:
    painting = painting_of(plane(8), wave)
    (aim,) = painting.aims
    region = torch.zeros_like(aim.region)
    region[:2] = 1  # of 128 faces
    part = replace(painting, aims=(replace(aim, region=region),))
    assert Relief.of(part).contrast == pytest.approx(Relief.of(painting).contrast, rel=0.1)


def test_bright_strokes_stand_out_and_fill_the_range() -> None:
    painting = painting_of(plane(size=1.0), wave, size=256, finest=0.004)
    relief = Relief.of(painting)
    assert relief.height == pytest.approx(HEIGHT * STROKE)
    heights, colors = (
        relief.bake_heights((256, 256), quiet)[..., 0],
        painting.bake((256, 256))[..., 0],
    )
    inner = (slice(20, -20), slice(20, -20))
    heights, colors = heights[inner].flatten(), colors[inner].flatten()
    assert torch.corrcoef(torch.stack((heights, colors)))[0, 1] > 0.99
    assert heights.min() < 0.02
    assert heights.max() > 0.98


HALF = np.eye(2) / 2
PLACEMENTS = {
    "as it is": np.eye(2),
    "stretched": np.diag((0.9, 0.3)),
    "turned": HALF @ turned(30),
    "mirrored": np.diag((-1.0, 1.0)),
    "upside down and mirrored": np.diag((1.0, -0.8)),
    "stretched, turned and mirrored": np.diag((0.6, 0.3)) @ turned(100) @ np.diag((1, -1)),
}


@pytest.mark.parametrize("matrix", PLACEMENTS.values(), ids=PLACEMENTS.keys())
def test_normals_are_those_of_the_height_however_the_uvs_lie(matrix) -> None:
    """n is (-dh/dT, -dh/dB, 1), T along u, B square on it toward v; here against autograd."""
    mesh = placed(plane(size=1.0), matrix)
    painting = painting_of(plane(size=1.0), wave, size=256, finest=0.003)
    surface = Surface.of(mesh, torch.device("cpu"))
    moved = replace(painting, original=replace(painting.original, surface=surface))
    relief = Relief.of(painting)
    image = Relief(moved, relief.mean, relief.contrast, relief.height).bake_normals(
        (SIZE, SIZE), quiet
    )
    texels = surface.texels(0, (SIZE, SIZE))
    point = surface.points(texels.face, texels.bary)
    inner = (point.abs() < 0.4).all(-1)
    found = normals_of(image.view(-1, 3)[texels.texel])[inner]

    # The wave in closed form: luminance sigmoid(0.3 sin(k x)), its full height at the contrast.
    phase = point @ WAVE
    light = torch.sigmoid(0.3 * phase.sin())
    gain = light * (1 - light) * 0.3 * phase.cos() * 0.5 / relief.contrast * relief.height
    gradient = gain[:, None] * WAVE
    u = np.linalg.inv(matrix) @ (1.0, 0.0)  # the direction on the plane in which u grows
    u = torch.tensor((*u / np.linalg.norm(u), 0.0)).float()
    up = torch.tensor((0.0, 0.0, 1.0))
    v = torch.linalg.cross(up, u) * float(np.sign(np.linalg.det(matrix)))
    expected = torch.stack((-gradient @ u, -gradient @ v, torch.ones(len(point))), -1)
    expected = torch.nn.functional.normalize(expected, dim=-1)[inner]
    assert expected[:, :2].abs().max() > 0.1
    error = (found - expected).norm(dim=-1)
    assert error.mean() < 0.1 * expected[:, :2].norm(dim=-1).mean()


def test_slopes_are_those_of_the_height_map() -> None:
    """The normal map tells of the same relief as the height map, in pixels of a flat texture."""
    relief = Relief.of(painting_of(plane(size=1.0), wave, size=256, finest=0.004))
    heights = relief.bake_heights((256, 256), quiet)[..., 0] * relief.height
    normal = normals_of(relief.bake_normals((256, 256), quiet))
    slope_u = (heights[:, 2:] - heights[:, :-2])[1:-1] * 128
    slope_v = (heights[:-2] - heights[2:])[:, 1:-1] * 128  # row 0 is on top, v runs up
    inner = (slice(20, -20), slice(20, -20))
    for axis, slope in ((0, slope_u), (1, slope_v)):
        told = (-normal[..., axis] / normal[..., 2])[1:-1, 1:-1]
        pair = torch.stack((told[inner].flatten(), slope[inner].flatten()))
        assert torch.corrcoef(pair)[0, 1] > 0.98
        assert told[inner].std() == pytest.approx(float(slope[inner].std()), rel=0.1)


def waves_all_around(x: np.ndarray) -> np.ndarray:
    return 0.5 * np.sin(x @ (25.0, 31.0, 19.0))[:, None]


def test_no_step_across_the_seams_of_a_cube() -> None:
    """At points on both sides of its edges, each texel's height and slope is its neighbour's."""
    size = 384
    mesh = cube()
    relief = Relief.of(painting_of(mesh, waves_all_around, size=256, finest=0.02))
    heights = relief.bake_heights((size, size), quiet).view(-1)
    surface = relief.painting.original.surface
    texels = surface.texels(0, (size, size))
    points = surface.points(texels.face, texels.bary)
    side = texels.face // 2
    near, jumps, steps = points.abs().topk(2, dim=-1).values[:, 1] > 0.98, [], []
    for first in near.nonzero()[::40, 0].tolist():
        away = (points - points[first]).norm(dim=-1)
        other = (away.where(side != side[first], torch.tensor(9.0))).argmin()
        same = away.where((side == side[first]) & (away > 0.8 * away[other]), torch.tensor(9.0))
        for found, list_ in ((other, jumps), (same.argmin(), steps)):
            here, there = heights[texels.texel[first]], heights[texels.texel[found]]
            list_.append(abs(float(here - there)) / float(away[found]))
    assert len(jumps) > 20
    assert np.mean(jumps) < 1.3 * np.mean(steps)


def test_normals_agree_across_the_seam_of_a_sphere() -> None:
    """In space, once each side's own tangents are taken out."""
    size = 256
    painting = painting_of(sphere(48, 96), waves_all_around, size=256, finest=0.02)
    relief = Relief.of(painting)
    told = normals_of(relief.bake_normals((size, size), quiet))
    last, first = told[64:-64, -1], told[64:-64, 0]  # u = 1 meets u = 0
    inner = told[64:-64, size // 2], told[64:-64, size // 2 + 1]
    assert told[64:-64, :, :2].abs().mean() > 0.02
    assert (last - first).norm(dim=-1).mean() < 1.3 * (inner[0] - inner[1]).norm(dim=-1).mean()


def test_the_height_grows_with_the_object() -> None:
    def at(factor: float) -> Relief:
        mesh = plane(size=factor)
        return Relief.of(painting_of(mesh, lambda x: wave(x / factor), finest=0.01 * factor))

    one, ten = at(1.0), at(10.0)
    assert ten.height == pytest.approx(10 * one.height)
    assert (
        one.bake_normals((64, 64), quiet) - ten.bake_normals((64, 64), quiet)
    ).abs().max() < 0.02
