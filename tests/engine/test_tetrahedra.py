"""Tetrahedra of a cube: they fill it, are all alike once skewed, and their weights are right."""

from itertools import permutations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from engine.tetrahedra import CORNERS, PATHS, SKEW, barycentric, corners, tetrahedra

OF_NONE = (2, 5)  # no three numbers are ordered so
WITHIN = st.floats(0, 1, width=32)


def corners_of(fraction: Tensor) -> Tensor:
    """(N, 4, 3), where the corners are that points (3, N) of a cube lie between."""
    return torch.tensor(CORNERS).float()[PATHS[tetrahedra(fraction).long()].long()]


@given(WITHIN, WITHIN, WITHIN)
def test_a_point_is_where_its_weights_say(x, y, z) -> None:
    fraction = torch.tensor([[x], [y], [z]])
    weights = barycentric(fraction)
    assert (weights >= 0).all()
    assert abs(float(weights.sum()) - 1) < 1e-6
    found = torch.einsum("nk,nkc->cn", weights, corners_of(fraction))
    assert (found - fraction).abs().max() < 1e-6


def test_six_tetrahedra_share_a_cube_equally() -> None:
    fraction = torch.rand(3, 60_000, generator=torch.Generator().manual_seed(0))
    many = torch.bincount(tetrahedra(fraction), minlength=8) / 60_000
    assert [number for number in range(8) if not many[number]] == list(OF_NONE)
    used = [number for number in range(8) if number not in OF_NONE]
    assert (many[used] - 1 / 6).abs().max() < 0.01
    # Each goes from the first corner to the last by one axis after the other.
    steps = torch.tensor(CORNERS)[PATHS[used].long()].diff(dim=1)  # (6, 3, 3)
    found = {tuple(step.index(1) for step in path) for path in steps.tolist()}
    assert found == set(permutations(range(3)))


def test_skewed_they_are_all_alike_and_as_large_as_in_cubes() -> None:
    out = torch.linalg.inv(SKEW).numpy()
    lengths = []
    for number in sorted(set(range(8)) - set(OF_NONE)):
        place = np.array(CORNERS)[PATHS[number].numpy()] @ out.T  # (4, 3)
        away = np.linalg.norm(place[:, None] - place, axis=-1)[np.triu_indices(4, 1)]
        lengths.append(np.sort(away))
        volume = abs(np.linalg.det(place[1:] - place[0])) / 6
        assert abs(volume - 1 / 6) < 1e-12
    assert np.ptp(lengths, axis=0).max() < 1e-12
    # No direction is preferred: two edges of the body-centred lattice, and four shorter ones.
    assert np.allclose(lengths[0] / lengths[0][0], [1, 1, 1, 1, 2 / 3**0.5, 2 / 3**0.5])


def test_corners_of_cubes_in_a_list_follow_each_other() -> None:
    most = (1 << 31) // len(CORNERS) - 1  # whose last corner is the largest int32
    cube = torch.tensor([0, 1, 2, 77, most - 1, most]).repeat_interleave(len(PATHS))
    number = torch.arange(len(cube)) % len(PATHS)
    found = corners(number.int(), cube.int())
    assert found.dtype == torch.int32
    assert found.long().equal(len(CORNERS) * cube[:, None] + PATHS[number].long())
