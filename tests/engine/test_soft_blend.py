"""The soft blend against its formulas, and its limit: the z-buffer."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from engine.blending import blend_weights, coverage, softmax_blend
from engine.rasterizer import Fragments, rasterize
from tests.engine.reference import look, perspective, to_clip

BACKGROUND = torch.tensor((0.1, 0.2, 0.3), dtype=torch.float64)


def blend_as_written(colors, fragments, sigma: float, gamma: float, background):
    """SoftRas, equations 1 to 4, a pixel and a face at a time."""
    height, width, count = fragments.pix_to_face.shape
    out = np.zeros((height, width, 4))
    for row in range(height):
        for column in range(width):
            total, color, clear = 1.0, np.array(background), 1.0  # the background is at depth 0
            for k in range(count):
                if fragments.pix_to_face[row, column, k] < 0:
                    continue
                chance = 1 / (1 + math.exp(float(fragments.dists[row, column, k]) / sigma))
                depth = (1 - float(fragments.zbuf[row, column, k])) / 2
                weight = chance * math.exp(depth / gamma)
                total, color = total + weight, color + weight * colors[row, column, k].numpy()
                clear *= 1 - chance
            out[row, column] = (*(color / total), 1 - clear)
    return out


def fragments_of(seed: int, size=(6, 7), **options) -> tuple[np.ndarray, np.ndarray, Fragments]:
    """Random faces before a camera: clip space, faces, fragments."""
    random = np.random.default_rng(seed)
    points = random.uniform((-2, -2, -4), (2, 2, -1), (12, 3))
    clip = to_clip(points, perspective(near=0.5, far=9, height=size[0] / size[1]))
    faces = np.arange(12).reshape(4, 3)
    return clip, faces, rasterize(torch.tensor(clip), torch.tensor(faces), size, **options)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1), st.floats(0.01, 1))
@hypothesis_settings(max_examples=40)
def test_it_is_the_formula(seed, sigma, gamma) -> None:
    *_, fragments = fragments_of(seed, faces_per_pixel=3, blur_radius=0.1)
    generator = torch.Generator().manual_seed(seed)
    colors = torch.rand(6, 7, 3, 3, generator=generator, dtype=torch.float64)
    found = softmax_blend(colors, fragments, sigma=sigma, gamma=gamma, background=BACKGROUND)
    expected = blend_as_written(colors, fragments, sigma, gamma, BACKGROUND.numpy())
    assert np.abs(found.numpy() - expected).max() < 1e-12


@given(st.integers(0, 2**32 - 1), st.floats(1e-8, 1), st.floats(1e-8, 1))
@hypothesis_settings(max_examples=40)
def test_weights_are_shares(seed, sigma, gamma) -> None:
    """Even where single weights are too small for float32."""
    *_, fragments = fragments_of(seed, faces_per_pixel=3, blur_radius=0.1)
    fragments = Fragments(fragments[0], *(values.float() for values in fragments[1:]))
    weights, behind = blend_weights(fragments, sigma=sigma, gamma=gamma)
    assert (weights >= 0).all()
    assert (behind >= 0).all()
    assert (weights.sum(-1) + behind - 1).abs().max() < 1e-5
    assert (weights[fragments.pix_to_face < 0] == 0).all()
    assert (behind[(fragments.pix_to_face < 0).all(-1)] == 1).all()


def face_colors(fragments: Fragments) -> Tensor:
    """A color for each face of four."""
    palette = torch.tensor([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)], dtype=torch.float64)
    return palette[fragments.pix_to_face.clamp(min=0)]


def z_buffer(clip, faces, size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By brute force: colors, mask, and the pixels whose centres no edge or rival is near."""
    seen = look(clip, faces, size)
    depth = np.sort(np.where(seen.inside, seen.depth, np.inf), -1)
    nearest = np.where(seen.inside, seen.depth, np.inf).argmin(-1)
    mask = seen.inside.any(-1)
    palette = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)], float)
    colors = np.where(mask[..., None], palette[nearest], BACKGROUND.numpy())
    rival = np.isinf(depth[..., 1]) | (depth[..., 1] - depth[..., 0].clip(-1, 1) > 1e-3)
    return colors, mask, (seen.distance.min(-1) > 1e-2) & rival & ~(np.abs(depth[..., 0] - 1) < 0.1)


def blended(clip, faces, size, *, sigma: float, gamma: float, dtype) -> np.ndarray:
    """As the soft blend is meant to be used: a blur radius that shrinks with sigma."""
    fragments = rasterize(
        torch.tensor(clip, dtype=dtype),
        torch.tensor(faces),
        size,
        faces_per_pixel=4,
        blur_radius=sigma * math.log(1e4),
    )
    colors, background = face_colors(fragments).to(dtype), BACKGROUND.to(dtype)
    return softmax_blend(colors, fragments, sigma=sigma, gamma=gamma, background=background).numpy()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(5))
def test_it_tends_to_the_z_buffer(seed, dtype) -> None:
    size = (24, 30)
    clip, faces, _ = fragments_of(seed, size)
    colors, mask, clear = z_buffer(clip, faces, size)
    assert clear.mean() > 0.5
    errors = []
    for softness in (1e-2, 1e-3, 1e-5, 1e-7):
        found = blended(clip, faces, size, sigma=softness, gamma=softness, dtype=dtype)
        expected = np.concatenate((colors, mask[..., None]), -1)
        errors.append(np.abs(found - expected)[clear].mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 1e-3
    assert errors[-1] < 1e-6
    assert np.abs(found - expected)[clear].max() < 1e-5


def test_a_blur_that_stays_while_sigma_goes_to_0_first() -> None:
    """A face beside the pixel, though nearer, gives way to one that covers it."""
    size = (24, 30)
    clip, faces, fragments = fragments_of(1, size, faces_per_pixel=4, blur_radius=0.05)
    colors, mask, clear = z_buffer(clip, faces, size)
    found = softmax_blend(
        face_colors(fragments), fragments, sigma=1e-9, gamma=1e-4, background=BACKGROUND
    ).numpy()
    assert np.abs(found[..., :3] - colors)[clear].max() < 1e-9
    assert np.abs(found[..., 3] - mask)[clear].max() < 1e-9


def test_coverage_is_a_half_on_the_edge() -> None:
    dists = torch.tensor([-math.inf, -0.02, 0.0, 0.02, -1.0])[None, None]
    faces = torch.tensor([0, 0, 0, 0, -1])[None, None]
    found = coverage(Fragments(faces, dists, dists, dists), sigma=0.01)
    one = 1 / (1 + math.exp(-2))
    assert found.flatten().tolist() == pytest.approx([1, one, 0.5, 1 - one, 0], abs=1e-6)
