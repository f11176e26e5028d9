"""Texels, margins, mip levels and sampling against closed forms and numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from engine import texture
from engine.texture import (
    Atlas,
    Texels,
    bilinear,
    grow_margin,
    mip_pyramid,
    sample,
    texel_bands,
)

UNIT_SQUARE = np.array([((0, 0), (1, 0), (1, 1)), ((0, 0), (1, 1), (0, 1))], np.float32)


def texels_of(uvs, size) -> Texels:
    """Of anything that numpy takes."""
    return Texels.joined(texel_bands(torch.from_numpy(np.array(uvs, np.float32)), size))


def centers(size) -> np.ndarray:
    """(H * W, 2) UVs of the texels' centres, row 0 on top."""
    y, x = np.mgrid[: size[0], : size[1]]
    return np.stack(((x + 0.5) / size[1], 1 - (y + 0.5) / size[0]), -1).reshape(-1, 2)


def random_image(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(height, width, 3, generator=generator, dtype=torch.float64)


# Which texel paints which point


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (16, 16), (8, 24), (33, 7)])
def test_a_unit_square_has_every_texel_once(size) -> None:
    found = texels_of(UNIT_SQUARE, size)
    assert found.texel.tolist() == list(range(size[0] * size[1]))
    spots = (UNIT_SQUARE[found.face.numpy()] * found.bary.numpy()[..., None]).sum(1)
    assert np.abs(spots - centers(size)).max() < 1e-6


def test_bands_change_nothing(monkeypatch) -> None:
    random = np.random.default_rng(0)
    uvs = random.uniform(0, 1, (20, 3, 2))
    whole = texels_of(uvs, (40, 24))
    monkeypatch.setattr(texture, "BAND", 24 * 7)
    banded = texels_of(uvs, (40, 24))
    assert whole.texel.equal(banded.texel)
    assert whole.face.equal(banded.face)
    assert (whole.bary - banded.bary).abs().max() < 1e-5


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20))
@hypothesis_settings(max_examples=60)
def test_the_first_face_whose_uvs_hold_a_centre_owns_it(seed, height, width) -> None:
    """Brute force, with UVs that reach outside 0-1 and repeat."""
    random = np.random.default_rng(seed)
    uvs = random.uniform(-0.9, 1.9, (5, 1, 2)) + random.uniform(-0.5, 0.5, (5, 3, 2))
    uvs = np.float32(uvs).astype(float)
    spots = centers((height, width))
    tiles = np.array([(x, y) for x in range(-3, 4) for y in range(-3, 4)])
    owner = np.full(len(spots), -1)
    unsure = np.zeros(len(spots), bool)
    for number in reversed(range(5)):
        a, b, c = uvs[number]
        matrix = np.stack((b - a, c - a), -1)
        local = (spots[:, None] + tiles - a) @ np.linalg.inv(matrix).T
        bary = np.concatenate((1 - local.sum(-1, keepdims=True), local), -1)  # (N, tiles, 3)
        inside = (bary >= 0).all(-1).any(-1)
        heights = np.abs(np.linalg.det(matrix)) / np.array(
            [np.linalg.norm(q - r) for q, r in ((b, c), (c, a), (a, b))]
        )
        unsure |= (np.abs((bary * heights).min(-1)) < 1e-6).any(-1)
        owner[inside] = number
    found = texels_of(uvs, (height, width))
    mine = np.full(len(spots), -1)
    mine[found.texel.numpy()] = found.face.numpy()
    assert (mine == owner)[~unsure].all()
    assert len(found.texel.unique()) == len(found.texel)
    at = (uvs[found.face.numpy()] * found.bary.numpy()[..., None]).sum(1)
    off = at - spots[found.texel.numpy()]
    assert np.abs(off - off.round()).max(initial=0) < 1e-5


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (-3, 2), (40, -17)])
def test_uvs_outside_0_to_1_repeat(shift) -> None:
    found = texels_of(UNIT_SQUARE + np.array(shift, np.float32), (8, 8))
    assert found.texel.tolist() == list(range(64))


def test_a_face_across_the_border_paints_both_ends() -> None:
    quad = UNIT_SQUARE * (0.5, 1) + (0.75, 0)
    found = texels_of(quad, (4, 8))
    columns = found.texel.unique() % 8
    assert sorted(set(columns.tolist())) == [0, 1, 6, 7]
    assert len(found.texel) == 16


def test_where_islands_overlap_the_first_face_owns_the_texels() -> None:
    left = UNIT_SQUARE * (0.75, 1)
    right = UNIT_SQUARE * (0.75, 1) + (0.25, 0)
    for uvs in (np.concatenate((left, right)), np.concatenate((left, right[::-1]))):
        found = texels_of(uvs, (4, 4))
        assert found.texel.tolist() == list(range(16))
        assert ((found.face < 2) == (found.texel % 4 < 3)).all()


def test_faces_without_area_own_nothing() -> None:
    uvs = [((0.1, 0.1), (0.9, 0.9), (0.5, 0.5)), ((0.3, 0.3),) * 3]
    assert len(texels_of(uvs, (8, 8)).texel) == 0
    assert texels_of([*uvs, *UNIT_SQUARE], (8, 8)).face.unique().tolist() == [2, 3]


# Faces that share texels


def first(points: torch.Tensor) -> torch.Tensor:
    """All of `points` (N, 3) in the first texture."""
    return torch.zeros(len(points), dtype=torch.int64)


def test_overlapping_faces_look_up_at_the_owners_points() -> None:
    """Two squares a world unit apart, the second mirrored onto the first one's texels."""
    size = 8
    texels = texels_of(UNIT_SQUARE, (size, size))
    owned = torch.tensor(centers((size, size)), dtype=torch.float32)
    points = torch.nn.functional.pad(owned, (0, 1))
    atlas = Atlas.of([texels], points, [size], 0.5)
    uv = owned + 0.25 / size
    here = torch.nn.functional.pad(uv, (0, 1))
    assert atlas.resolve(first(here), uv, here).equal(here)
    there = here + torch.tensor((0.0, 0.0, 1.0))
    assert atlas.resolve(first(there), uv, there).equal(points)
    assert atlas.resolve(first(there), uv + torch.tensor((-2.0, 5.0)), there).equal(points)
    near_enough = atlas._replace(apart=9.0)
    assert near_enough.resolve(first(there), uv, there).equal(there)


def test_outside_the_islands_there_is_nobody_to_ask() -> None:
    texels = texels_of(UNIT_SQUARE * 0.5, (8, 8))
    atlas = Atlas.of([texels], torch.zeros(len(texels.texel), 3), [8], 0.5)
    far = torch.full((1, 3), 7.0)
    assert atlas.resolve(first(far), torch.tensor([(0.9, 0.9)]), far).equal(far)
    assert (atlas.resolve(first(far), torch.tensor([(0.1, 0.1)]), far) == 0).all()
    nothing = Atlas.of([texels_of(np.zeros((1, 3, 2)), (8, 8))], torch.empty(0, 3), [8], 0.5)
    assert nothing.resolve(first(far), torch.tensor([(0.1, 0.1)]), far).equal(far)


# Margins


def fill_margin(image: Tensor, covered: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """As `grow_margin`, of copies, which are returned."""
    image, covered = image.clone(), covered.clone()
    grow_margin(image, covered, width)
    return image, covered


@pytest.mark.parametrize("width", [0, 1, 3])
def test_the_margin_of_one_texel_is_a_square_of_its_colour(width) -> None:
    image, covered = random_image(9, 11), torch.zeros(9, 11, dtype=torch.bool)
    covered[4, 5] = True
    filled, holds = fill_margin(image, covered, width)
    y, x = np.mgrid[:9, :11]
    expected = (np.abs(y - 4) <= width) & (np.abs(x - 5) <= width)
    assert (holds.numpy() == expected).all()
    assert (filled[holds] - image[4, 5]).abs().max() < 1e-12
    assert filled[~holds].equal(image[~holds])


def test_the_margin_of_a_half_plane_carries_columns_outwards() -> None:
    """Each new texel is the mean of its covered neighbours: a binomial blur along the rim."""
    image, covered = random_image(12, 10), torch.zeros(12, 10, dtype=torch.bool)
    covered[:, :4] = True
    filled, holds = fill_margin(image, covered, 2)
    assert holds.equal(torch.arange(10).expand(12, -1) < 6)
    assert filled[:, :4].equal(image[:, :4])
    rim = image[:, 3].numpy()
    first = np.stack([rim[max(0, i - 1) : i + 2].mean(0) for i in range(12)])
    second = np.stack([first[max(0, i - 1) : i + 2].mean(0) for i in range(12)])
    assert np.abs(filled[:, 4].numpy() - first).max() < 1e-12
    assert np.abs(filled[:, 5].numpy() - second).max() < 1e-12


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(0, 4))
@hypothesis_settings(max_examples=50)
def test_margins_reach_as_far_as_they_are_wide(seed, height, width, reach) -> None:
    random = np.random.default_rng(seed)
    covered = random.random((height, width)) < 0.15
    image = random_image(height, width, seed)
    filled, holds = fill_margin(image, torch.from_numpy(covered), reach)
    rows, columns = np.nonzero(covered)
    y, x = np.mgrid[:height, :width]
    away = np.maximum(np.abs(y[..., None] - rows), np.abs(x[..., None] - columns))
    assert (holds.numpy() == (away.min(-1, initial=99) <= reach)).all()
    inside = image[torch.from_numpy(covered)]
    assert filled[torch.from_numpy(covered)].equal(inside)
    if len(inside):
        assert (filled[holds] >= inside.amin(0) - 1e-12).all()
        assert (filled[holds] <= inside.amax(0) + 1e-12).all()


# Mip levels


@pytest.mark.parametrize("size", [(16, 16), (8, 32), (1, 4), (1, 1)])
def test_halvings_keep_the_mean(size) -> None:
    image = random_image(*size)
    pyramid = mip_pyramid(image)
    assert pyramid[0] is image
    height, width = size
    for level in pyramid:
        assert tuple(level.shape) == (max(height, 1), max(width, 1), 3)
        assert (level.mean((0, 1)) - image.mean((0, 1))).abs().max() < 1e-12
        height, width = height // 2, width // 2
    assert pyramid[-1].shape[:2] == (1, 1)


def test_a_texel_of_a_halving_is_the_mean_of_four() -> None:
    image = random_image(8, 6).numpy()
    level = mip_pyramid(torch.from_numpy(image))[1].numpy()
    assert np.abs(level - image.reshape(4, 2, 3, 2, 3).mean((1, 3))).max() < 1e-12


# Sampling


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (3, 7)])
def test_texel_centres_are_exact(size) -> None:
    image = random_image(*size)
    uv = torch.from_numpy(centers(size))
    for shift in ((0, 0), (1, 0), (-4, 3)):
        found = bilinear(image, uv + torch.tensor(shift))
        assert (found - image.view(-1, 3)).abs().max() < 1e-12


def test_v_is_up_and_u_right() -> None:
    image = torch.zeros(4, 4, 3)
    image[0, 0] = torch.tensor((1.0, 0, 0))  # top left
    image[3, 3] = torch.tensor((0, 1.0, 0))  # bottom right
    corners = torch.tensor([(0.125, 0.875), (0.875, 0.125), (0.125, 0.125)])
    assert bilinear(image, corners).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
@hypothesis_settings(max_examples=50)
def test_between_centres_it_is_bilinear_and_wraps(seed, height, width) -> None:
    image = random_image(height, width, seed)
    uv = np.random.default_rng(seed).uniform(-3, 3, (30, 2))
    found = bilinear(image, torch.from_numpy(uv)).numpy()
    # A tent around every texel centre, in every tile.
    spots = centers((height, width))
    expected = np.zeros((30, 3))
    for number, spot in enumerate(spots):
        away = uv - spot
        away = np.abs(away[..., None] - np.arange(-5, 6)) * np.array((width, height))[:, None]
        weight = np.maximum(0, 1 - away).sum(-1).prod(-1)
        expected += weight[:, None] * image.view(-1, 3)[number].numpy()
    assert np.abs(found - expected).max() < 1e-9


def checkerboard(size: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return ((y + x) % 2).double()[..., None].expand(-1, -1, 3).contiguous()


def test_a_large_footprint_sees_a_checkerboard_as_grey() -> None:
    pyramid = mip_pyramid(checkerboard(32))
    uv = torch.from_numpy(np.random.default_rng(0).random((50, 2)))
    sharp = sample(pyramid, uv, torch.full((50,), 1 / 32, dtype=torch.float64))
    assert sharp.std() > 0.1
    for texels in (2, 3, 8, 100, 1e9):
        grey = sample(pyramid, uv, torch.full((50,), texels / 32, dtype=torch.float64))
        assert (grey - 0.5).abs().max() < 1e-9


@pytest.mark.parametrize("level", range(6))
def test_a_footprint_of_two_to_the_n_texels_reads_level_n(level) -> None:
    pyramid = [
        torch.full((2**n, 2**n, 3), float(5 - n), dtype=torch.float64) for n in (5, 4, 3, 2, 1, 0)
    ]
    uv = torch.rand(9, 2, dtype=torch.float64)
    found = sample(pyramid, uv, torch.full((9,), 2.0**level / 32, dtype=torch.float64))
    assert (found - level).abs().max() < 1e-9
    between = sample(pyramid, uv, torch.full((9,), 2.0 ** (level + 0.25) / 32, dtype=torch.float64))
    assert (between - min(level + 0.25, 5)).abs().max() < 1e-9


def test_footprints_below_a_texel_read_the_image_itself() -> None:
    image = random_image(8, 8)
    uv = torch.rand(20, 2, dtype=torch.float64)
    for footprint in (0.0, 1e-6, 1 / 8):
        size = torch.full((20,), footprint, dtype=torch.float64)
        assert (sample(mip_pyramid(image), uv, size) - bilinear(image, uv)).abs().max() < 1e-12
