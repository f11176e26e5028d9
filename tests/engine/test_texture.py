"""Texels and the atlas of them against closed forms and numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine import texture
from engine.texture import Atlas, Texels, texel_bands
from tests.engine.images import centers

UNIT_SQUARE = np.array([((0, 0), (1, 0), (1, 1)), ((0, 0), (1, 1), (0, 1))], np.float32)


def texels_of(uvs, size) -> Texels:
    """Of anything that numpy takes."""
    return Texels.joined(texel_bands(torch.from_numpy(np.array(uvs, np.float32)), size))


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
