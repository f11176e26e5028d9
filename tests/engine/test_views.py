"""Where cameras stand and what their frames hold."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from engine.views import (
    LEAST,
    MARGIN,
    Camera,
    close_ups,
    frame,
    middle,
    orbit_cameras,
    random_rotation,
    sphere_directions,
    tiled,
)
from tests.engine.reference import perspective


def cloud(seed: int, stretch=(1.0, 1.0, 1.0), count: int = 40) -> Tensor:
    """Points of an object."""
    random = np.random.default_rng(seed)
    return torch.tensor(random.normal(size=(count, 3)) * stretch, dtype=torch.float32)


def pixels(camera: Camera, points: Tensor) -> np.ndarray:
    """Where world points show, (N, 2) x right and y down, in numpy."""
    matrix = (camera.projection.double() @ camera.world_to_camera.double()).numpy()
    clip = np.concatenate((points.double().numpy(), np.ones((len(points), 1))), -1) @ matrix.T
    x, y = (clip[:, :2] / clip[:, 3:]).T
    height, width = camera.size
    return np.stack(((x + 1) / 2 * width, (1 - y) / 2 * height), -1)


# Directions


@pytest.mark.parametrize("count", [1, 2, 16, 24, 96])
def test_directions_are_unit_vectors_that_a_seed_repeats(count) -> None:
    found = sphere_directions(count, seed=5)
    assert tuple(found.shape) == (count, 3)
    assert (found.norm(dim=-1) - 1).abs().max() < 1e-6
    assert found.equal(sphere_directions(count, seed=5))
    assert (found - sphere_directions(count, seed=6)).abs().max() > 0.01


@pytest.mark.parametrize("count", [16, 24, 32, 96])
def test_directions_are_even(count) -> None:
    """No point of the sphere is far from them, and no two are close."""
    found = sphere_directions(count, seed=0).double()
    everywhere = torch.nn.functional.normalize(
        torch.randn(5000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64),
        dim=-1,
    )
    fair = 2 / math.sqrt(count)  # the radius of a disc of a direction's share of the sphere
    reach = (everywhere @ found.T).amax(-1).clamp(-1, 1).acos().max()
    assert reach < 1.5 * fair
    apart = (found @ found.T - 2 * torch.eye(count)).amax(-1).clamp(-1, 1).acos().min()
    assert apart > 0.75 * fair
    assert found.mean(0).norm() < 0.05


def test_rotations_are_rotations_and_uniform() -> None:
    generator = torch.Generator().manual_seed(0)
    turns = torch.stack([random_rotation(generator) for _ in range(2000)])
    assert (turns @ turns.mT - torch.eye(3)).abs().max() < 1e-12
    assert (torch.linalg.det(turns) - 1).abs().max() < 1e-12
    # Each axis lands anywhere: mean 0, and a third of its square on every other axis.
    assert turns.mean(0).abs().max() < 0.06
    assert (turns.square().mean(0) - 1 / 3).abs().max() < 0.03


# Frames


@given(st.integers(0, 2**31 - 1), st.sampled_from((32, 64, 181)), st.floats(0.01, 100))
@hypothesis_settings(max_examples=30)
def test_orbit_frames_are_tight(seed, scale, size) -> None:
    random = np.random.default_rng(seed)
    stretch = size * 10 ** random.uniform(-1, 0, 3)
    points = cloud(seed, stretch) + torch.tensor(random.normal(size=3) * 3 * size).float()
    for camera in orbit_cameras(points, sphere_directions(3, seed=seed), scale):
        spots = pixels(camera, points)
        height, width = camera.size
        assert max(height, width) == pytest.approx(scale, abs=1)
        low, high = spots.min(0), spots.max(0)
        # The larger side touches the margins; the smaller one leaves less than a pixel more.
        for axis, side in enumerate((width, height)):
            near, far = low[axis], side - high[axis]
            assert near == pytest.approx(far, abs=0.05)
            assert near > MARGIN - 0.05
            assert near < MARGIN + 0.6 or side == LEAST
        assert min(low) < MARGIN + 0.05 or scale - max(high) < MARGIN + 0.05


def test_orbit_cameras_look_at_the_middle_with_z_up() -> None:
    points = cloud(0) + torch.tensor((5.0, -3.0, 2.0))
    low, high = points.amin(0), points.amax(0)
    directions = torch.nn.functional.normalize(
        torch.tensor([(1.0, 0, 0), (0, -1, 0.5), (-1, 1, -1), (0, 0, 1), (0, 0, -1)]), dim=-1
    )
    for camera, direction in zip(orbit_cameras(points, directions, 64), directions, strict=True):
        turn = camera.world_to_camera[:3, :3]
        assert (turn @ turn.T - torch.eye(3)).abs().max() < 1e-5
        assert torch.linalg.det(turn) == pytest.approx(1, abs=1e-5)
        center = camera.world_to_camera @ torch.cat(((low + high) / 2, torch.ones(1)))
        assert center[:2].abs().max() < 1e-4  # straight ahead
        assert center[2] < 0
        away = camera.position - (low + high) / 2
        assert (torch.nn.functional.normalize(away, dim=0) - direction).abs().max() < 1e-5
        assert turn[0, 2].abs() < 1e-6  # no roll
        assert turn[1, 2] >= -1e-6  # up is up


def test_all_of_the_object_is_between_near_and_far() -> None:
    points = cloud(1, (3.0, 0.2, 1.0))
    for camera in orbit_cameras(points, sphere_directions(8, seed=0), 64):
        clip = camera.clip(points)
        assert (clip[:, 3] > 0).all()
        assert (clip[:, 2].abs() <= clip[:, 3]).all()


def test_clip_is_the_matrices_product() -> None:
    points = cloud(0, count=5)
    camera = orbit_cameras(points, sphere_directions(1, seed=0), 64)[0]
    expected = (
        camera.projection @ camera.world_to_camera @ torch.cat((points, torch.ones(5, 1)), 1).T
    )
    assert (camera.clip(points) - expected.T).abs().max() < 1e-4


@pytest.mark.parametrize("aspect", [1.0, 16 / 9, 0.5])
def test_a_scene_cameras_frame_is_cropped_with_square_pixels(aspect) -> None:
    projection = torch.tensor(perspective(width=0.4 * aspect, height=0.4), dtype=torch.float32)
    points = cloud(2, (0.3, 0.5, 0.2)) - torch.tensor((0.3, 0.0, 6.0))
    camera = frame(torch.eye(4), projection, points, 100, aspect)
    spots = pixels(camera, points)
    assert spots.min() > MARGIN - 0.05
    assert (camera.size[1] - spots[:, 0].max()) > MARGIN - 0.05
    assert (camera.size[0] - spots[:, 1].max()) > MARGIN - 0.05
    assert max(camera.size) == pytest.approx(100, abs=1)
    # Equal steps across the view are equal numbers of pixels, whatever the frame's shape.
    cross = torch.tensor([(0.0, 0, -6), (0.1, 0, -6), (0, 0.1, -6)])
    origin, right, up = pixels(camera, cross)
    assert right[0] - origin[0] == pytest.approx(origin[1] - up[1], rel=1e-4)
    # The crop is of the same picture: directions do not turn.
    assert right[1] == pytest.approx(origin[1], abs=1e-3)
    assert up[0] == pytest.approx(origin[0], abs=1e-3)


def test_an_object_partly_behind_a_scene_camera_takes_its_whole_frame() -> None:
    projection = torch.tensor(perspective(width=0.8, height=0.4), dtype=torch.float32)
    points = torch.tensor([(0.0, 0, -5), (1, 0, 5), (0, 1, -5)])
    camera = frame(torch.eye(4), projection, points, 108, 2.0)
    assert camera.size == (50 + 2 * MARGIN, 100 + 2 * MARGIN)
    corner = torch.tensor([(0.8, 0.4, -1.0), (-0.8, -0.4, -1.0)])
    assert pixels(camera, corner) == pytest.approx(np.array([(104, 4), (4, 54)]), abs=0.01)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 5), st.sampled_from((0.5, 1.0, 2.0)))
@hypothesis_settings(max_examples=100)
def test_a_scene_camera_shows_no_more_than_its_own_frame(x, y, size, aspect) -> None:
    projection = torch.tensor(perspective(width=0.4 * aspect, height=0.4), dtype=torch.float32)
    points = cloud(5, (size, size, 0.1)) + torch.tensor((x, y, -6.0))
    camera = frame(torch.eye(4), projection, points, 100, aspect)
    assert max(camera.size) == pytest.approx(100, abs=1)
    depth = -points[:, 2]
    own = torch.stack((points[:, 0] / aspect, points[:, 1]), -1) / (0.4 * depth[:, None])
    shown = (own.abs() <= 1).all(-1)
    spots = pixels(camera, points)
    inside = ((spots >= 0) & (spots <= camera.size[::-1])).all(-1)
    assert inside[shown].all()
    beyond = (own.abs() > 1 + 2 * LEAST / min(camera.size)).any(-1)
    assert not inside[beyond].any()


# Windows


@pytest.mark.parametrize(("factor", "side"), [(1, 64), (2, 32), (2, 48), (3, 20)])
def test_close_ups_tile_a_frame_exactly(factor, side) -> None:
    points = cloud(0)
    whole = orbit_cameras(points, sphere_directions(1, seed=0), 64)[0]
    spots = pixels(whole, points)
    windows = close_ups(whole, factor, side)
    rows, columns = (math.ceil(length * factor / side) for length in whole.size)
    assert len(windows) == rows * columns
    seen = np.zeros(len(points), int)
    corners = []
    for window in windows:
        assert window.size == (side, side)
        assert window.world_to_camera is whole.world_to_camera
        inside = pixels(window, points)
        shift = inside - factor * spots  # one shift for all: pure enlargement
        assert np.abs(shift - shift[0]).max() < 1e-2
        corners.append(-shift[0])
        seen += ((inside >= 0) & (inside < side)).all(-1)
    grid = [(side * column, side * row) for row in range(rows) for column in range(columns)]
    assert np.abs(np.array(corners) - corners[0] - grid).max() < 1e-2
    assert (seen == 1).all()


def test_a_tiled_frame_shows_what_its_close_ups_show() -> None:
    points = cloud(0)
    whole = orbit_cameras(points, sphere_directions(1, seed=0), 64)[0]
    wide, (rows, columns) = tiled(whole, 2, 48)
    first = close_ups(whole, 2, 48)[0]
    in_wide = pixels(wide, points) / wide.size[::-1] * (columns, rows) * 48
    assert np.abs(in_wide - pixels(first, points)).max() < 1e-2


def test_the_middle_window() -> None:
    points = cloud(0)
    whole = orbit_cameras(points, sphere_directions(1, seed=0), 64)[0]
    window = middle(whole, 2)
    center = np.array(whole.size[::-1]) / 2
    expected = (pixels(whole, points) - center) * 2 + center
    assert np.abs(pixels(window, points) - expected).max() < 1e-2
    assert (middle(whole, 1).projection - whole.projection).abs().max() == 0
