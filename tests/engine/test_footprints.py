"""What a pixel shows of a texture, against finite differences and closed forms."""

import math

import numpy as np
import torch
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.footprints import of_pixels, of_texels

SIZE = (48, 64)
STEP = 1e-4  # pixels


def uv_at(pixel: np.ndarray, clip: np.ndarray, uvs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Barycentric and texture coordinates where the ray of `pixel` (right, up) meets a face."""
    height, width = SIZE
    place = np.array((2 * pixel[0] / width - 1, 2 * pixel[1] / height - 1, 1))
    shares = np.linalg.solve(clip[:, (0, 1, 3)].T, place)
    bary = shares / shares.sum()
    return bary, bary @ uvs


@given(st.integers(0, 2**32 - 1), st.booleans())
@hypothesis_settings(max_examples=100)
def test_against_finite_differences(seed, behind) -> None:
    """Of any face, also one that reaches behind the camera."""
    random = np.random.default_rng(seed)
    clip = np.concatenate((random.normal(0, 1, (3, 3)), random.uniform(0.5, 3, (3, 1))), 1)
    if behind:
        clip[0, 3] *= -1
    assume(abs(np.linalg.det(clip[:, (0, 1, 3)])) > 0.05)
    uvs = random.random((3, 2))
    bary = random.dirichlet((1, 1, 1))
    at = bary @ clip
    assume(at[3] > 0.1)
    height, width = SIZE
    pixel = np.array(((at[0] / at[3] + 1) * width / 2, (at[1] / at[3] + 1) * height / 2))
    assert np.allclose(uv_at(pixel, clip, uvs)[0], bary)
    expected = np.stack(
        [
            (uv_at(pixel + away, clip, uvs)[1] - uv_at(pixel - away, clip, uvs)[1]) / (2 * STEP)
            for away in np.eye(2) * STEP
        ],
        1,
    )
    found = of_pixels(
        torch.from_numpy(clip),
        torch.tensor([(0, 1, 2)]),
        torch.from_numpy(uvs)[None],
        torch.from_numpy(bary)[None],
        SIZE,
    )
    assert found.shape == (1, 2, 2)
    assert np.abs(found[0].numpy() - expected).max() < 1e-5 * max(1, np.abs(expected).max())


def test_a_face_seen_edge_on_does_not_end_a_run() -> None:
    clip = torch.tensor([(0.0, 0, 0, 1), (1, 0, 0, 1), (2, 0, 0, 1)])
    uvs = torch.rand(1, 3, 2, generator=torch.Generator().manual_seed(0))
    found = of_pixels(clip, torch.tensor([(0, 1, 2)]), uvs, torch.full((1, 3), 1 / 3), SIZE)
    assert found.shape == (1, 2, 2)


def test_of_texels_are_their_sides() -> None:
    found = of_texels(torch.ones(5, 3), (20, 50))
    assert found.shape == (5, 2, 2)
    assert (found - torch.tensor(((1 / 50, 0), (0, 1 / 20)))).abs().max() < 1e-9
    assert math.isclose(float(found.det().sum()), 5 / 1000, rel_tol=1e-5)
