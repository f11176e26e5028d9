"""Progressions laid one after the other against loops."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.progressions import Progressions

PROGRESSIONS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(-(2**61), 2**61), st.integers(-(2**40), 2**40))
)


def columns(values) -> list[torch.Tensor]:
    return list(torch.tensor(values, dtype=torch.int64).view(-1, 3).T.contiguous())


@given(PROGRESSIONS)
def test_each_goes_on_by_its_own_step(values) -> None:
    counts, first, steps = columns(values)
    expected = [start + k * step for count, start, step in values for k in range(count)]
    assert Progressions.of(counts).in_own_steps(first, steps).tolist() == expected


@given(PROGRESSIONS, st.integers(-3, 3))
def test_all_go_on_by_the_same_step(values, step) -> None:
    counts, first, _ = columns(values)
    expected = [start + k * step for count, start, _ in values for k in range(count)]
    assert Progressions.of(counts).in_steps(first, step).tolist() == expected
