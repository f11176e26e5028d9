"""What a run does when."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schedule import PLANNED, notches, schedule
from engine.settings import PRESETS, Settings


@pytest.mark.parametrize("name", PRESETS)
def test_from_coarse_to_fine_then_near_then_the_whole_once_more(name) -> None:
    preset, scales = PRESETS[name], schedule(Settings(preset=name))
    whole = [scale for scale in scales if scale.zoom == 1 and not scale.settles]
    assert scales[: len(whole)] == whole
    assert all(one.size < next_.size for one, next_ in pairwise(whole))
    after = [(scale.zoom > 1, scale.settles, scale.size) for scale in scales[len(whole) :]]
    last = preset.scales[-1]
    assert after == ([(True, False, last), (False, True, last)] if preset.close_ups else [])
    assert sum(scale.steps for scale in scales) == preset.all_steps(1024)


@pytest.mark.parametrize("name", PRESETS)
def test_a_large_texture_is_seen_from_nearer_too(name) -> None:
    preset = PRESETS[name]
    usual, large = (schedule(Settings(preset=name, texture_size=size)) for size in (1024, 2048))
    added = [scale for scale in large if scale not in usual]
    assert [scale.steps for scale in added] == ([preset.nearer] if preset.nearer else [])
    assert sum(scale.steps for scale in large) == preset.all_steps(2048)
    for scale in added:
        assert scale.zoom == 2 * max(other.zoom for other in usual)
        assert large.index(scale) == len(large) - 2  # whole views once more come after it


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_planned_at_once_fits_the_memory_that_is_meant_for_it(name) -> None:
    settings = Settings(preset=name, texture_size=2048)
    for notch in range(len(notches(settings))):
        for scale in schedule(settings, notch=notch):
            assert 1 <= scale.together * scale.size**2 <= PLANNED


@given(st.sampled_from(sorted(PRESETS)), st.integers(1, 5000), st.integers(1, 8))
def test_steps_are_shared_out_as_the_presets_are(name, steps, views) -> None:
    scales = schedule(Settings(preset=name, steps=steps), views)
    assert sum(scale.steps for scale in scales) == -(-steps // views)
    own = {(s.size, s.zoom, s.settles): s.steps for s in schedule(Settings(preset=name))}
    for scale in scales:
        share = own[scale.size, scale.zoom, scale.settles] / PRESETS[name].all_steps(1024)
        assert abs(scale.steps - share * -(-steps // views)) <= 1
        assert scale.views == views
