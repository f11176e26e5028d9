"""The repository's own style picture."""

import numpy as np

from draw_style import LAYERS, draw, make_currents


def test_it_is_the_same_picture_every_time() -> None:
    first, second, other = (np.asarray(draw(64, seed, LAYERS[:1])) for seed in (1, 1, 2))
    assert first.shape == (64, 64, 3)
    assert (first == second).all()
    assert (first != other).any()


def test_it_has_contrast_from_coarse_to_fine() -> None:
    image = draw(128)
    for size in (8, 32, 128):
        values = np.asarray(image.resize((size, size)).convert("L"), float)
        assert np.abs(np.diff(values)).mean() > 8, f"flat at {size} px"


def test_flow_follows_the_level_lines() -> None:
    random = np.random.default_rng(0)
    currents = make_currents(random)
    points = random.random((200, 2))
    step = 1e-3 * currents.direction(points, inflow=0.0)
    along = np.abs(currents.height(points + step) - currents.height(points - step))
    across = step[:, ::-1] * [-1, 1]
    slope = np.abs(currents.height(points + across) - currents.height(points - across))
    assert np.median(along / slope) < 0.01
