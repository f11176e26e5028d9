"""Style pictures as a run aims at them: turned, and in other colors."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.aims import aims_of, recolored, turned
from engine.color import grey
from engine.job import Job, Style
from engine.settings import Settings
from tests.engine.meshes import cube


def picture(height=40, width=60):
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 5, 7, generator=generator)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]


def test_a_quarter_turn_is_anticlockwise() -> None:
    square = picture(48, 48)
    assert (turned(square, math.pi / 2) - square.rot90(1, (1, 2))).abs().max() < 1e-4
    assert turned(square, 0).equal(square)


def test_turning_keeps_shapes() -> None:
    """A wide picture's horizontal stripes, turned by 30 degrees, lie at 30 degrees."""
    rows = torch.arange(80.0)[:, None].expand(80, 160)
    stripes = (0.5 + 0.5 * torch.sin(rows * math.pi / 8)).expand(3, -1, -1)
    found = turned(stripes, math.radians(30))[0, 30:50, 60:100]
    down, right = torch.gradient(found)
    along = torch.atan2((down * right).mean() * 2, (right**2 - down**2).mean()) / 2
    assert abs(abs(math.degrees(float(along))) - 60) < 2


def test_turning_keeps_colors() -> None:
    wide = picture(50, 90)
    found = turned(wide, 0.7)
    assert found.shape == wide.shape
    assert (found.mean((1, 2)) - wide.mean((1, 2))).abs().max() < 0.06
    assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_colors_that_are_matched() -> None:
    original = 0.3 + 0.1 * torch.rand(500, 3, generator=torch.Generator().manual_seed(1))
    assert recolored(picture(), Settings(), original).equal(picture())
    matched = recolored(picture(), Settings(color="MATCHED"), original).flatten(1).T
    assert (matched.mean(0) - original.mean(0)).abs().max() < 0.01
    greys = recolored(picture(), Settings(color="ORIGINAL"), original).flatten(1).T
    assert (greys - greys[:, :1]).abs().max() < 1e-6
    assert float(greys.mean()) == pytest.approx(float(grey(original).mean()), abs=0.01)


@pytest.mark.parametrize("color", ["MATCHED", "ORIGINAL"])
def test_beside_a_mesh_of_one_color_light_and_dark_stay(color) -> None:
    """Its own spread would leave nothing of the strokes to see."""
    shown = 0.5 + 0.3 * (picture() - 0.5)
    plain = torch.tensor((0.6, 0.4, 0.3)).expand(50, 3)
    found = recolored(shown, Settings(color=color), plain).flatten(1).T
    wanted = grey(plain) if color == "ORIGINAL" else plain
    assert (found.mean(0) - wanted.mean(0)).abs().max() < 1e-5
    spread = grey(shown.flatten(1).T)[:, 0].std()
    assert found.std(0).tolist() == pytest.approx([float(spread)] * 3, abs=1e-5)


def test_what_is_protected_takes_on_no_style() -> None:
    mesh = cube()
    region, protected = np.zeros((2, 12, 3), np.float32)
    region[:6], protected[3:9] = 0.8, 1
    style = Style(Path("one.png"), 1.0, region)
    job = Job(
        mesh, style, Settings(), (), more_styles=(Style(Path("two.png"), 3.0),), protected=protected
    )
    one, two = aims_of(job, [picture(), picture()], torch.rand(9, 3))
    assert one.region[:3].eq(0.8).all()
    assert one.region[3:].eq(0).all()
    assert two.region.sum(1).tolist() == [3.0] * 3 + [0.0] * 6 + [3.0] * 3
    assert (one.weight, two.weight) == (1.0, 3.0)


def test_a_style_that_weighs_nothing_covers_nothing() -> None:
    """Where it alone would go the original stays as it is."""
    job = Job(
        cube(), Style(Path("one.png"), 0.0), Settings(), (), more_styles=(Style(Path("two.png")),)
    )
    one, two = aims_of(job, [picture(), picture()], torch.rand(9, 3))
    assert not one.region.any()
    assert two.region.eq(1).all()
