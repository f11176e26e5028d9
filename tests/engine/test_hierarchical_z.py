"""What tiles say is hidden, against every pixel that a triangle may touch."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.hierarchical_z import Tiles


def boxes_in(size, count: int, generator: torch.Generator) -> torch.Tensor:
    """Of any sizes, some of one pixel, (4, count)."""
    ends = [torch.randint(side, (2, count), generator=generator).sort(0)[0] for side in size[::-1]]
    return torch.stack((ends[0][0], ends[1][0], ends[0][1], ends[1][1]))


@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(1, 70), st.integers(1, 70)))
@hypothesis_settings(max_examples=40)
def test_nothing_is_hidden_that_any_pixel_may_show(seed, size) -> None:
    generator = torch.Generator().manual_seed(seed)
    depths = torch.randint(1000, size, generator=generator)
    boxes = boxes_in(size, 40, generator)
    nearest = torch.randint(900, 1001, (40,), generator=generator)
    hidden = Tiles.of(depths).hide(boxes, nearest)
    for (left, top, right, bottom), depth, gone in zip(
        boxes.T.tolist(), nearest, hidden, strict=True
    ):
        assert not gone or depth > depths[top : bottom + 1, left : right + 1].max()


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (9, 33), (64, 200)])
def test_what_lies_behind_everything_is_hidden(size) -> None:
    generator = torch.Generator().manual_seed(0)
    boxes = boxes_in(size, 40, generator)
    tiles = Tiles.of(torch.full(size, 5))
    assert tiles.hide(boxes, torch.full((40,), 6)).all()
    assert not tiles.hide(boxes, torch.full((40,), 5)).any()


def test_a_hole_shows_what_is_behind_it_and_hides_the_rest() -> None:
    depths = torch.zeros(64, 64, dtype=torch.int64)
    depths[20, 40] = 9
    boxes = torch.tensor([(38, 18, 42, 22), (0, 0, 63, 63), (2, 2, 9, 9)]).T.contiguous()
    assert Tiles.of(depths).hide(boxes, torch.full((3,), 5)).tolist() == [False, False, True]
