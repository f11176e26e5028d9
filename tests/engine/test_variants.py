"""What is compared: the grids, and how they are kept beside a job."""

import itertools

import pytest

from engine.errors import JobError
from engine.job import Job
from engine.settings import Settings
from engine.variants import (
    Comparison,
    Variant,
    compare_seeds,
    compare_styles,
    compare_weights,
    draft,
)
from tests.engine.jobs import save_job


def ratios(comparison):
    return [v.changes["style_weight"] / v.changes["content_weight"] for v in comparison.variants]


@pytest.mark.parametrize(("columns", "rows"), [(3, 3), (1, 4), (2, 2), (5, 5)])
def test_weights_spread_from_the_artists_own(columns, rows):
    settings = Settings(style_weight=2.0, content_weight=0.1)
    grid = compare_weights(settings, columns=columns, rows=rows, spread=2.0)
    assert len(grid.variants) == columns * rows
    assert {"style_weight": 2.0, "content_weight": 0.1} in [v.changes for v in grid.variants]
    found = sorted(ratios(grid))
    steps = [b / a for a, b in itertools.pairwise(found)]
    assert steps == pytest.approx([2.0] * (columns * rows - 1))  # no two drafts are the same


def test_more_style_to_the_right_more_content_below():
    found = ratios(compare_weights(Settings(), columns=3, rows=2, spread=1.5))
    assert found[0] < found[1] < found[2]
    assert found[3] < found[4] < found[5] < found[0]


@pytest.mark.parametrize("name", ["style_weight", "content_weight"])
def test_a_weight_of_0_cannot_be_multiplied(name):
    with pytest.raises(JobError, match=f"Setting {name}: it is 0"):
        compare_weights(Settings(**{name: 0.0}), columns=3, rows=3, spread=2.0)


def test_weights_beyond_the_largest_are_told_by_what_made_them():
    told = "Spread 3 with 5 columns and 5 rows: the last weights would be 9 and 2.87e\\+06"
    with pytest.raises(JobError, match=told):
        compare_weights(Settings(), columns=5, rows=5, spread=3.0)


def test_seeds_follow_the_artists_own():
    grid = compare_seeds(Settings(seed=7), columns=2, rows=2)
    assert [v.changes for v in grid.variants] == [{"seed": n} for n in (7, 8, 9, 10)]
    assert [v.label for v in grid.variants] == ["seed 7", "seed 8", "seed 9", "seed 10"]


def test_a_draft_has_no_more_steps_than_its_preset():
    long = draft(Settings(preset="HIGH", steps=5000, texture_size=8192, seed=3))
    assert (long.preset, long.steps, long.texture_size, long.seed) == ("DRAFT", 135, 512, 3)
    assert draft(Settings()).steps == 135
    assert draft(Settings(steps=4)).steps == 4


def test_pictures_of_one_name_are_kept_apart(tmp_path):
    pictures = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        pictures.append(tmp_path / folder / "sea.png")
        pictures[-1].write_text(folder)
    grid = compare_styles(pictures, columns=3)
    assert grid.columns == 2
    folder = save_job(tmp_path / "job")
    grid.save(folder)
    jobs = Comparison.load(folder).jobs(Job.load(folder))
    assert [job.style.file.read_text() for job in jobs] == ["a", "b"]
    assert {job.style.file.name for job in jobs} == {"sea.png"}
    assert all(folder in job.style.file.parents for job in jobs)


def test_what_is_saved_is_loaded(tmp_path):
    grid = compare_weights(Settings(), columns=3, rows=2, spread=2.0)
    grid.save(tmp_path)
    assert Comparison.load(tmp_path) == grid


@pytest.mark.parametrize("text", [None, "{", "[]", '{"columns": 0, "variants": []}'])
def test_variants_that_cannot_be_read(tmp_path, text):
    if text:
        (tmp_path / "variants.json").write_text(text)
    with pytest.raises(JobError, match=r"Variants .*variants\.json"):
        Comparison.load(tmp_path)


def test_a_variant_out_of_range_is_refused(tmp_path):
    base = Job.load(save_job(tmp_path / "job"))
    with pytest.raises(JobError, match="Setting seed"):
        Comparison(1, (Variant("bad", {"seed": -1}),)).jobs(base)
