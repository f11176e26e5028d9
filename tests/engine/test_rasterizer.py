"""Fragments against closed forms and a brute-force ray caster."""

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine import nearest_fragments
from engine.nearest import visible
from engine.rasterizer import Fragments, rasterize
from tests.engine.reference import centers, clip_to_front, look, perspective, to_clip

EXACT = 1e-9  # in float64
CLEAR = 1e-6  # NDC: pixels this near to an edge, or faces to each other, may go either way


def draw(clip, faces, size, **options) -> Fragments:
    """Rasterize anything that numpy takes, in float64."""
    return rasterize(
        torch.as_tensor(np.array(clip, np.float64)),
        torch.as_tensor(np.array(faces, np.int64).reshape(-1, 3)),
        size,
        **options,
    )


def flat(*points, depth=0.0):
    """Clip space of NDC points at one depth."""
    return np.array([(x, y, depth, 1.0) for x, y in points])


# Closed forms


@pytest.mark.parametrize("size", [(8, 8), (6, 10), (11, 5)])
def test_half_of_the_frame(size) -> None:
    clip = flat((-1, -1), (0.2, -1), (0.2, 1), (-1, 1))
    found = draw(clip, [(0, 1, 2), (0, 2, 3)], size)
    covered = found.pix_to_face[..., 0].numpy() >= 0
    assert (covered == (centers(size)[..., 0] < 0.2)).all()


def test_row_0_is_on_top_and_column_0_on_the_left() -> None:
    height, width = 3, 5
    for row in range(height):
        for column in range(width):
            x, y = centers((height, width))[row, column]
            clip = flat((x - 0.05, y - 0.05), (x + 0.05, y - 0.05), (x, y + 0.05))
            covered = draw(clip, [(0, 1, 2)], (height, width)).pix_to_face[..., 0] >= 0
            assert covered.nonzero().tolist() == [[row, column]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_barycentric_coordinates_without_perspective(dtype) -> None:
    clip = torch.tensor(flat((-1, -1), (3, -1), (-1, 3)), dtype=dtype)
    found = rasterize(clip, torch.tensor([(0, 1, 2)]), (7, 9))
    x, y = np.moveaxis(centers((7, 9)), -1, 0)
    expected = np.stack((1 - (x + 1) / 4 - (y + 1) / 4, (x + 1) / 4, (y + 1) / 4), -1)
    assert found.bary_coords.dtype == dtype
    assert (
        np.abs(found.bary_coords[..., 0, :].numpy() - expected).max() < 10 * torch.finfo(dtype).eps
    )
    assert np.abs(found.zbuf.numpy()).max() < 10 * torch.finfo(dtype).eps


@pytest.mark.parametrize("size", [(16, 16), (9, 20)])
def test_perspective_is_that_of_rays_through_a_plane(size) -> None:
    """Corners at distances of 1 to 8: rays from the eye, cut with the face's plane."""
    points = np.array([(-2.0, -0.8, -1.0), (9.0, -5.0, -8.0), (-0.5, 4.0, -4.0)])
    near, far, width, height = 0.5, 20.0, 0.9, 0.6
    projection = perspective(near=near, far=far, width=width, height=height)
    found = draw(to_clip(points, projection), [(0, 1, 2)], size)

    rays = np.concatenate(
        (centers(size) * (width, height), -np.ones((*size, 1))), -1
    )  # of length 1 along the axis
    a, b, c = points
    normal = np.cross(b - a, c - a)
    distance = (a @ normal) / (rays @ normal)
    hits = rays * distance[..., None]
    bary = np.stack(
        [
            np.cross(r - q, hits - q) @ normal / (normal @ normal)
            for q, r in ((b, c), (c, a), (a, b))
        ],
        -1,
    )
    depth = (far + near) / (far - near) - 2 * far * near / (far - near) / distance

    covered = found.pix_to_face[..., 0].numpy() >= 0
    assert (covered == (bary > 0).all(-1)).all()
    assert covered.sum() > 50
    assert np.abs(found.bary_coords[..., 0, :].numpy() - bary)[covered].max() < EXACT
    assert np.abs(found.zbuf[..., 0].numpy() - depth)[covered].max() < EXACT


@pytest.mark.parametrize("size", [(10, 10), (8, 14), (15, 6)])
def test_distance_to_an_edge_in_ndc_of_the_shorter_side(size) -> None:
    """The nearest edge is the slanted one, through the frame's middle."""
    aspect = np.array(size[::-1]) / min(size)
    direction = np.array((0.6, 0.8))  # normal of the edge, in square units
    along = np.array((-0.8, 0.6))
    corners = [(9 * along) / aspect, (-9 * along) / aspect, (-9 * direction) / aspect]
    radius = 0.53
    found = draw(flat(*corners), [(0, 1, 2)], size, blur_radius=radius**2)
    away = (centers(size) * aspect) @ direction  # positive outside
    covered = found.pix_to_face[..., 0].numpy() >= 0
    assert (covered == (away < radius)).all()
    expected = np.sign(away) * away**2
    assert np.abs(found.dists[..., 0].numpy() - expected)[covered].max() < EXACT


def test_outside_of_a_face_depth_is_that_of_its_rim() -> None:
    clip = np.array([(-0.5, -4, -0.5, 1), (-0.5, 4, -0.5, 1), (-9, 0, 0.9, 1)])
    found = draw(clip, [(0, 1, 2)], (8, 8), blur_radius=1.0)
    x = centers((8, 8))[..., 0]
    beyond = (x > -0.5) & (x < 0.5)
    assert (found.pix_to_face[..., 0].numpy()[beyond] == 0).all()
    assert np.abs(found.zbuf[..., 0].numpy()[beyond] + 0.5).max() < EXACT


def test_nearer_faces_hide_farther_ones_whatever_their_order() -> None:
    corners = ((-1, -1), (3, -1), (-1, 3))
    clip = np.concatenate([flat(*corners, depth=d) for d in (0.3, -0.6, 0.8, -0.1)])
    faces = np.arange(12).reshape(4, 3)
    assert (draw(clip, faces, (4, 6)).pix_to_face == 1).all()
    several = draw(clip, faces, (4, 6), faces_per_pixel=6)
    assert (several.pix_to_face == torch.tensor((1, 3, 0, 2, -1, -1))).all()
    assert (several.zbuf[..., 4:] == -1).all()
    depths = several.zbuf[..., :4] - torch.tensor((-0.6, -0.1, 0.3, 0.8), dtype=torch.float64)
    assert depths.abs().max() < EXACT


def test_faces_that_pierce_each_other_change_places_where_they_meet() -> None:
    rising = np.array([(-2, -9, -0.8, 1), (2, -9, 0.8, 1), (0, 9, 0, 1)])
    falling = rising * (1, 1, -1, 1)
    found = draw(np.concatenate((rising, falling)), [(0, 1, 2), (3, 4, 5)], (6, 8))
    x = centers((6, 8))[..., 0]
    assert (found.pix_to_face[..., 0].numpy() == np.where(x < 0, 0, 1)).all()


def test_both_sides_of_a_face_count() -> None:
    clip = flat((-1, -1), (3, -1), (-1, 3))
    assert (draw(clip, [(0, 2, 1)], (4, 4)).pix_to_face == 0).all()
    assert (draw(clip, [(0, 2, 1)], (4, 4), blur_radius=0.1).pix_to_face == 0).all()


# Near and far planes


@pytest.mark.parametrize("options", [{}, {"faces_per_pixel": 2}, {"blur_radius": 0.01}])
def test_faces_behind_the_camera_vanish(options) -> None:
    points = np.array([(-1.0, -1.0, 3.0), (1.0, -1.0, 2.0), (0.0, 1.0, 1.0), (0.0, 0.0, -0.2)])
    clip = to_clip(points, perspective(near=0.5))
    found = draw(clip, [(0, 1, 2), (2, 3, 1)], (12, 12), **options)
    assert (found.pix_to_face == -1).all()


@pytest.mark.parametrize("options", [{}, {"faces_per_pixel": 2}])
def test_a_floor_that_passes_under_the_camera(options) -> None:
    """From behind the camera to the horizon: each pixel below the horizon hits it at 1 / y."""
    floor = np.array([(-90.0, -1, 30), (90, -1, 30), (90, -1, -90), (-90, -1, -90)])
    found = draw(
        to_clip(floor, perspective(near=1.25, far=60)), [(0, 1, 2), (0, 2, 3)], (40, 30), **options
    )
    covered = found.pix_to_face[..., 0].numpy() >= 0
    y = centers((40, 30))[..., 1]
    with np.errstate(divide="ignore"):
        distance = np.where(y < 0, -1 / y, np.inf)
    assert (covered == ((distance > 1.25) & (distance < 60))).all()
    bary = found.bary_coords[..., 0, :].numpy()
    corners = floor[np.array([(0, 1, 2), (0, 2, 3)])][found.pix_to_face[..., 0].numpy()]
    hits = (corners * bary[..., None]).sum(-2)
    assert np.abs(hits[covered][:, 2] + distance[covered]).max() < 1e-6
    assert np.abs(hits[covered][:, 1] + 1).max() < EXACT


@pytest.mark.parametrize("options", [{}, {"faces_per_pixel": 2}, {"blur_radius": 1e-4}])
def test_what_lies_beyond_the_far_plane_is_dropped(options) -> None:
    clip = np.array([(-4, -9, -6, 1), (4, -9, 6, 1), (0, 9, 0, 1)])  # depth 1.5 x
    found = draw(clip, [(0, 1, 2)], (6, 20), **options)
    slope = look(clip, [(0, 1, 2)], (6, 20))
    assert (slope.depth > 1).any()
    covered = found.pix_to_face[..., 0].numpy() >= 0
    assert (covered == (slope.inside & (slope.depth <= 1))[..., 0]).all()


# Brute force


def random_scene(seed: int, *, behind: bool):
    """A few random faces in front of a camera; `behind` lets some reach behind it."""
    random = np.random.default_rng(seed)
    size = tuple(random.integers(5, 17, 2).tolist())
    points = random.normal(size=(18, 3)) * (1.5, 1.5, 2.5) - (0, 0, 2.0)
    if not behind:
        points[:, 2] = -0.7 - np.abs(points[:, 2] + 0.7)  # mirrored, not clipped: no equal depths
    clip = to_clip(points, perspective(width=1.0, height=size[0] / size[1]))
    return clip, random.permutation(18).reshape(6, 3), size


def assert_as_brute_force(clip, faces, size, *, faces_per_pixel: int, radius: float) -> None:
    """Compare all fragments, but for pixels where rounding may decide."""
    options = {"faces_per_pixel": faces_per_pixel, "blur_radius": radius**2}
    found = [values.numpy() for values in draw(clip, faces, size, **options)]
    pix_to_face, zbuf, bary, dists = found
    seen = look(clip, faces, size)
    near = seen.inside | (seen.distance < radius)
    clear = (seen.distance > CLEAR) & (np.abs(seen.distance - radius) > CLEAR)
    clear &= ~near | (np.abs(seen.depth - 1) > CLEAR)
    depth = np.where(near & (seen.depth <= 1), seen.depth, np.inf)
    order = depth.argsort(-1)
    sorted_depth = np.take_along_axis(depth, order, -1)
    behind = sorted_depth[..., 1:]
    apart = np.isinf(behind) | (behind > sorted_depth[..., :-1] + CLEAR)
    fair = clear.all(-1) & apart.all(-1)
    assume(fair.mean() > 0.5)  # hypothesis fails a test that skips most of its scenes
    for slot in range(min(faces_per_pixel, len(faces))):
        there = np.isfinite(sorted_depth[..., slot])
        expected = np.where(there, order[..., slot], -1)
        assert (pix_to_face[..., slot] == expected)[fair].all()
        some = fair & there
        face = order[..., slot][some]
        at = (*np.nonzero(some), face)
        clamped = seen.bary[at].clip(0)
        clamped /= clamped.sum(-1, keepdims=True)
        sign = np.where(seen.inside[at], -1, 1)
        assert np.abs(zbuf[..., slot][some] - seen.depth[at]).max(initial=0) < 1e-6
        assert np.abs(bary[..., slot, :][some] - clamped).max(initial=0) < 1e-6
        assert np.abs(dists[..., slot][some] - sign * seen.distance[at] ** 2).max(initial=0) < 1e-6
    for values in (pix_to_face, zbuf, dists):
        assert (values[pix_to_face < 0] == -1).all()
    far = np.where(pix_to_face < 0, 2.0, zbuf)
    assert (far[..., 1:] >= far[..., :-1] - CLEAR).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from((1, 2, 8)))
@hypothesis_settings(max_examples=60)
def test_random_faces_are_as_by_brute_force(seed, faces_per_pixel) -> None:
    clip, faces, size = random_scene(seed, behind=False)
    assert_as_brute_force(clip, faces, size, faces_per_pixel=faces_per_pixel, radius=0.0)


@given(st.integers(0, 2**32 - 1), st.sampled_from((1, 3, 8)))
@hypothesis_settings(max_examples=60)
def test_random_faces_blurred_are_as_by_brute_force(seed, faces_per_pixel) -> None:
    clip, faces, size = random_scene(seed, behind=False)
    assert_as_brute_force(clip, faces, size, faces_per_pixel=faces_per_pixel, radius=0.2)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("few", [{"BAND": 1}, {"BAND": 30}, {"FRAGMENTS": 16, "CHUNK": 8}])
def test_working_at_little_at_once_changes_nothing(behind, few, monkeypatch) -> None:
    for seed in range(20):
        clip, faces, size = random_scene(seed, behind=behind)
        options = {"faces_per_pixel": 3, "blur_radius": 0.05}
        whole = draw(clip, faces, size, **options)
        with monkeypatch.context() as patch:
            for name, value in few.items():
                patch.setattr(nearest_fragments, name, value)
            parts = draw(clip, faces, size, **options)
        for values, expected in zip(parts, whole, strict=True):
            assert torch.equal(values, expected)


@given(st.integers(0, 2**32 - 1), st.sampled_from((1, 8)))
@hypothesis_settings(max_examples=80)
def test_faces_that_reach_behind_the_camera_are_as_by_brute_force(seed, faces_per_pixel) -> None:
    clip, faces, size = random_scene(seed, behind=True)
    assert_as_brute_force(clip, faces, size, faces_per_pixel=faces_per_pixel, radius=0.0)


@given(st.integers(0, 2**32 - 1))
@example(465027)  # a pixel about as far from both parts of a cut face
@hypothesis_settings(max_examples=80)
def test_blurred_faces_that_reach_behind_the_camera(seed) -> None:
    """Distances are to the visible part's outline, and all points are on the visible part."""
    clip, faces, size = random_scene(seed, behind=True)
    radius = 0.3
    found = draw(clip, faces, size, faces_per_pixel=len(faces), blur_radius=radius**2)
    pix_to_face, zbuf, bary, dists = (values.numpy() for values in found)
    seen = look(clip, faces, size)
    there = pix_to_face >= 0
    corners = clip[faces[pix_to_face[there]]]
    points = (corners * bary[there][..., None]).sum(-2)
    assert (points[:, 3] > 0).all()
    assert (points[:, 2] >= -points[:, 3] - 1e-9).all()
    assert np.abs(points[:, 2] / points[:, 3] - zbuf[there]).max(initial=0) < EXACT
    signed = np.where(seen.inside, -1, 1) * seen.distance**2
    *where, _ = np.nonzero(there)
    near_one = seen.distance[(*where, pix_to_face[there])] > CLEAR
    expected = signed[(*where, pix_to_face[there])]
    assert np.abs(dists[there] - expected)[near_one].max(initial=0) < EXACT
    # As many as there should be: all in reach, but for those beyond the far plane.
    reached = (seen.inside | (seen.distance < radius - CLEAR)) & (clip_depth(clip, faces) < 1)
    assert (there.sum(-1) >= reached.sum(-1)).all()
    assert (there.sum(-1) <= (seen.inside | (seen.distance < radius + CLEAR)).sum(-1)).all()


def clip_depth(clip, faces) -> np.ndarray:
    """The largest depth of each face's visible part, (F,) NDC."""
    outlines = [clip_to_front(clip[face]) for face in faces]
    return np.array([(o[:, 2] / o[:, 3]).max() if len(o) else 9.0 for o in outlines])


# No gaps


def tilted_grid(seed: int, count: int):
    """A jittered grid that fills the frame of a camera, seen at a slant."""
    random = np.random.default_rng(seed)
    line = np.arange(count + 1) - count / 2
    y, x = (grid.ravel() for grid in np.meshgrid(line, line, indexing="ij"))
    spots = np.stack((x, y, 0 * x), -1) * (24 / count)
    spots[:, :2] += random.uniform(-0.24, 0.24, (len(spots), 2)) * (24 / count)
    turn, tilt, lean = random.uniform(0, 2 * np.pi), *random.uniform(-0.6, 0.6, 2)
    for angle, (i, j) in ((turn, (0, 1)), (tilt, (1, 2)), (lean, (0, 2))):
        a, b = spots[:, i].copy(), spots[:, j].copy()
        spots[:, i] = np.cos(angle) * a - np.sin(angle) * b
        spots[:, j] = np.sin(angle) * a + np.cos(angle) * b
    first = (np.arange(count)[:, None] * (count + 1) + np.arange(count)).ravel()
    corners = first[:, None] + np.array((0, 1, count + 2, count + 1))
    halves = np.array(((0, 1, 2), (0, 2, 3))), np.array(((0, 1, 3), (1, 2, 3)))
    either = random.integers(0, 2, len(corners))
    faces = np.concatenate([corners[either == k][:, halves[k]].reshape(-1, 3) for k in (0, 1)])
    return to_clip(spots - (0, 0, 6), perspective(near=0.01, far=30, width=0.3, height=0.3)), faces


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from((1, 3, 10, 40)),
    st.sampled_from((torch.float32, torch.float64)),
    st.sampled_from((1, 2)),
)
@hypothesis_settings(max_examples=60)
def test_a_tessellated_plane_has_no_holes(seed, count, dtype, faces_per_pixel) -> None:
    clip, faces = tilted_grid(seed, count)
    found = rasterize(
        torch.tensor(clip, dtype=dtype),
        torch.tensor(faces),
        (23, 31),
        faces_per_pixel=faces_per_pixel,
    )
    assert (found.pix_to_face[..., 0] >= 0).all()


@given(st.integers(1, 24), st.integers(1, 24), st.integers(-8, 8), st.sampled_from((1, 2)))
@example(columns=16, rows=16, shift=0, faces_per_pixel=2)
@example(columns=7, rows=5, shift=3, faces_per_pixel=2)
@example(columns=9, rows=19, shift=1, faces_per_pixel=2)
def test_edges_through_the_pixels_centres_leave_no_holes(
    columns, rows, shift, faces_per_pixel
) -> None:
    """Lattices in float32 whose corners and diagonals fall on centres of a 16 x 16 frame."""
    x = np.linspace(-1.5, 1.5, columns + 1) + shift / 16
    y = np.linspace(-1.5, 1.5, rows + 1) - shift / 16
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    first = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    quad = first[:, None] + np.array((0, 1, columns + 2, columns + 1))
    faces = quad[:, ((0, 1, 2), (0, 2, 3))].reshape(-1, 3)
    clip = torch.tensor(flat(*grid), dtype=torch.float32)
    found = rasterize(clip, torch.tensor(faces), (16, 16), faces_per_pixel=faces_per_pixel)
    assert (found.pix_to_face[..., 0] >= 0).all()


def test_two_faces_share_the_pixels_between_them_out() -> None:
    """Off the common edge, exactly one of the two has a pixel."""
    clip = flat((-1, -1), (1, -1), (1, 1), (-1, 1))
    found = draw(clip, [(0, 1, 2), (0, 2, 3)], (9, 14), faces_per_pixel=2)
    x, y = np.moveaxis(centers((9, 14)), -1, 0)
    assert (found.pix_to_face[..., 0].numpy()[x > y] == 0).all()
    assert (found.pix_to_face[..., 0].numpy()[x < y] == 1).all()
    assert (found.pix_to_face[..., 1].numpy()[np.abs(x - y) > CLEAR] == -1).all()


# What is not there


@given(st.integers(0, 2**32 - 1), st.booleans())
@hypothesis_settings(max_examples=40)
def test_what_is_visible_is_the_nearest_fragment(seed, behind) -> None:
    clip, faces, size = random_scene(seed, behind=behind)
    found = draw(clip, faces, size)
    pix_to_face, bary = visible(
        torch.as_tensor(np.array(clip, np.float64)), torch.as_tensor(faces), size
    )
    assert pix_to_face.equal(found.pix_to_face[..., 0])
    assert bary.equal(found.bary_coords[..., 0, :])


@pytest.mark.parametrize("options", [{}, {"faces_per_pixel": 3, "blur_radius": 0.04}])
def test_faces_without_area_do_no_harm(options) -> None:
    good = [(-0.8, -0.7), (0.9, -0.5), (0.1, 0.8)]
    bad = [(0.1, 0.1), (0.1, 0.1), (0.1, 0.1), (-0.5, -0.5), (0.5, 0.5), (0.25, 0.25)]
    clip = np.concatenate((flat(*good), flat(*bad, depth=-0.5)))
    alone = draw(clip, [(0, 1, 2)], (16, 16), **options)
    leaf = torch.tensor(clip, requires_grad=True)
    faces = torch.tensor([(3, 4, 5), (6, 7, 8), (0, 0, 1), (0, 1, 2), (2, 2, 2)])
    found = rasterize(leaf, faces, (16, 16), **options)
    assert (found.pix_to_face == torch.where(alone.pix_to_face == 0, 3, -1)).all()
    assert all((x == y).all() for x, y in zip(found[1:], alone[1:], strict=True))
    (found.zbuf.sum() + found.dists.sum() + found.bary_coords.square().sum()).backward()
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("options", [{}, {"faces_per_pixel": 3, "blur_radius": 0.04}])
@pytest.mark.parametrize("vertices", [0, 4])
def test_no_faces(options, vertices) -> None:
    found = draw(np.ones((vertices, 4)), [], (3, 5), **options)
    count = options.get("faces_per_pixel", 1)
    assert [tuple(x.shape) for x in found] == [(3, 5, count), (3, 5, count), (3, 5, count, 3),
                                               (3, 5, count)]  # fmt: skip
    assert all((values == -1).all() for values in found)


@pytest.mark.parametrize("options", [{}, {"faces_per_pixel": 3, "blur_radius": 0.04}])
def test_faces_beside_the_frame(options) -> None:
    corners = np.array([(-0.2, -0.2), (0.3, 0.0), (0.0, 0.3)])
    for shift in ((-3, 0), (3, 0), (0, -3), (0, 3), (1e6, 1e6)):
        assert (draw(flat(*(corners + shift)), [(0, 1, 2)], (5, 6), **options)[0] == -1).all()


@pytest.mark.parametrize(
    ("clip", "faces", "size", "options", "words"),
    [
        ((3, 3), (1, 3), (4, 4), {}, r"clip must be \(V, 4\), got \(3, 3\)"),
        ((4,), (1, 3), (4, 4), {}, r"clip must be \(V, 4\), got \(4,\)"),
        ((3, 4), (1, 4), (4, 4), {}, r"faces must be \(F, 3\), got \(1, 4\)"),
        ((3, 4), (3,), (4, 4), {}, r"faces must be \(F, 3\), got \(3,\)"),
        ((3, 4), (1, 3), (0, 4), {}, r"got \(0, 4\)"),
        ((3, 4), (1, 3), (4, -1), {}, r"got \(4, -1\)"),
        ((3, 4), (1, 3), (4, 4), {"faces_per_pixel": 0}, "faces_per_pixel must be >= 1"),
        ((3, 4), (1, 3), (4, 4), {"blur_radius": -0.1}, "blur_radius >= 0"),
        ((3, 4), (1, 3), (4, 4), {"blur_radius": float("nan")}, "blur_radius >= 0"),
    ],
)
def test_what_it_cannot_draw_is_refused(clip, faces, size, options, words) -> None:
    indices = torch.zeros(faces, dtype=torch.int64)
    with pytest.raises(ValueError, match=words):
        rasterize(torch.ones(clip), indices, size, **options)
