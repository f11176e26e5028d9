"""A style that no view shows enough of is told of."""

from dataclasses import replace

import numpy as np
import pytest

from engine.job import Job, Style
from engine.run import Wishes, run
from engine.settings import PRESETS, Preset
from tests.engine.jobs import job_of


@pytest.fixture(autouse=True)
def one_scale(monkeypatch, few_small_views) -> None:
    """The scale after which it is told is the only one."""
    few = Preset(scales=(32,), steps=(4,), close_ups=0, nearer=0, settling=0, views=3)
    monkeypatch.setitem(PRESETS, "DRAFT", few)


def warnings(job: Job, folder) -> list[str]:
    """Of a run of `job` in `folder`."""
    job.save(folder)
    said: list[dict] = []
    run(folder, said.append, Wishes())
    return [str(message["text"]) for message in said if message["type"] == "WARN"]


@pytest.mark.parametrize("loss", ["GRAM", "NEAREST_FEATURES"])
def test_a_region_too_small_for_any_view_is_told(pictures, tmp_path, loss) -> None:
    """One corner of the plane, which is a hundredth of a face: once for that one of two styles."""
    job = job_of(pictures, steps=0, style_loss=loss)
    corner, rest = np.zeros((2, len(job.mesh.faces), 3), np.float32)
    corner[0, 0], rest[1:] = 0.02, 1
    one, two = replace(job.style, region=rest), Style(pictures[1], 1.0, corner)
    (told,) = warnings(replace(job, style=one, more_styles=(two,)), tmp_path / "both")
    assert "'dots.png'" in told
    assert "under 1% of every view" in told
    assert "Enlarge the region" in told


def test_of_others_nothing_is_told(pictures, tmp_path) -> None:
    """One that is seen, and one that weighs nothing."""
    job = job_of(pictures, steps=0)
    nowhere = np.zeros((len(job.mesh.faces), 3), np.float32)
    two = Style(pictures[1], 0.0, nowhere)
    assert warnings(replace(job, more_styles=(two,)), tmp_path / "job") == []
