"""Gradients of the rasterizer and of the soft blend against finite differences in float64."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from engine.blending import softmax_blend
from engine.rasterizer import rasterize
from tests.engine.reference import perspective, to_clip

SIZE = (6, 8)


def scene(seed: int, *, behind: bool) -> tuple[Tensor, Tensor]:
    """Three faces; with `behind`, two of them reach through the near plane."""
    random = np.random.default_rng(seed)
    turn = (np.arange(9) + random.uniform(-0.6, 0.6, 9)) * (2 * np.pi / 3)
    points = np.stack((3 * np.cos(turn), 3 * np.sin(turn), random.uniform(-4, -1, 9)), -1)
    if behind:
        points[(0, 3, 4), 2] = random.uniform(0.1, 2, 3)  # one corner, then two
    clip = to_clip(points, perspective(near=0.8, far=9, height=6 / 8))
    faces = torch.arange(9).view(3, 3)
    return torch.tensor(clip, requires_grad=True), faces


def mixed(values: Tensor) -> Tensor:
    """Five random sums of all values: a wrong gradient shows, in far fewer backward passes."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(5, values.numel(), generator=generator, dtype=values.dtype)
    return weights @ values.flatten()


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options", [{}, {"faces_per_pixel": 3, "blur_radius": 0.02}])
def test_depth_barycentric_coordinates_and_distances(seed, behind, options) -> None:
    clip, faces = scene(seed, behind=behind)
    fragments = rasterize(clip, faces, SIZE, **options)
    assert (fragments.pix_to_face >= 0).sum() > 9

    def outputs(clip: Tensor) -> tuple[Tensor, ...]:
        found = rasterize(clip, faces, SIZE, **options)
        return tuple(mixed(values) for values in found[1:])

    assert gradcheck(outputs, (clip,), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_soft_blend_in_vertices_colors_and_background(seed, behind) -> None:
    clip, faces = scene(seed, behind=behind)
    generator = torch.Generator().manual_seed(seed)
    colors, background = (
        torch.rand(n, 3, generator=generator, dtype=torch.float64, requires_grad=True)
        for n in (9, 1)
    )

    def picture(clip: Tensor, colors: Tensor, background: Tensor) -> Tensor:
        fragments = rasterize(clip, faces, SIZE, faces_per_pixel=3, blur_radius=0.05)
        corners = colors[faces[fragments.pix_to_face.clamp(min=0)]]  # (H, W, K, 3, 3)
        shades = (corners * fragments.bary_coords[..., None]).sum(-2)
        out = softmax_blend(shades, fragments, sigma=0.01, gamma=0.05, background=background[0])
        assert out[..., 3].max() > 0.5
        return mixed(out)

    assert gradcheck(picture, (clip, colors, background), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("behind", [False, True])
def test_what_is_found_is_the_same_where_nobody_asks_for_gradients(behind) -> None:
    clip, faces = scene(0, behind=behind)
    options = {"faces_per_pixel": 3, "blur_radius": 0.02}
    with_gradients = rasterize(clip, faces, SIZE, **options)
    without = rasterize(clip.detach(), faces, SIZE, **options)
    assert with_gradients.zbuf.requires_grad
    assert not without.zbuf.requires_grad
    for one, other in zip(with_gradients, without, strict=True):
        assert torch.equal(one, other)


def test_an_outline_moves_towards_a_mark() -> None:
    """Pulling alpha at a pixel beside the face moves its nearest edge there, and no other."""
    clip = torch.tensor(
        [(-0.6, -0.9, 0, 1), (0.1, 0.0, 0, 1), (-0.6, 0.9, 0, 1)], requires_grad=True
    )
    fragments = rasterize(
        clip, torch.tensor([(0, 1, 2)]), (9, 9), faces_per_pixel=2, blur_radius=0.1
    )
    picture = softmax_blend(
        torch.ones(9, 9, 2, 3), fragments, sigma=0.02, gamma=1e-3, background=torch.zeros(3)
    )
    picture[4, 5, 3].backward()  # at x = 0.22, y = 0
    assert clip.grad[1, 0] > 0.1
    assert clip.grad[(0, 2), :2].abs().max() < 1e-6
