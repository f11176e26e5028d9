"""What a run needs is foretold."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.children import run_child
from engine.job import Job
from engine.needed_memory import Sizes, needed, parts
from engine.picture import read_picture
from engine.schedule import notches, schedule
from engine.stylize import prepare
from tests.engine.jobs import job_of, save_job, straight_on

CPU = torch.device("cpu")
SIZES = Sizes(
    view=256, planned=24 * 256**2, whole=24 * 256**2, covered=0.5, lattices=10, picture=512**2,
    resized=512**2, judged=256**2, near=512**2, styles=1, samples=2**20, voxels=240_000,
    faces=6000, weights=15_000_000, originals=512**2, textures=1024**2, largest=1024**2, relief=0,
    at_once=2,
)  # fmt: skip


@pytest.mark.timeout(300)
def test_what_is_foretold_is_what_a_run_needs(tmp_path) -> None:
    folder = save_job(tmp_path / "job", texture_size=1024)
    told = run_child("peak_of_run", folder, 192, 6)
    assert told["needed"] / 1.5 < told["foretold"] < told["needed"] * 1.5


@given(st.sampled_from([field.name for field in fields(Sizes)]), st.floats(1.01, 8))
def test_what_is_larger_needs_more(name, factor) -> None:
    value = getattr(SIZES, name)
    larger = replace(SIZES, **{name: value + 0.1 if name == "covered" else int(value * factor) + 1})
    assert needed(larger) >= needed(SIZES)
    before, after = parts(SIZES), parts(larger)
    assert all(after[part] >= before[part] for part in before)
    assert sum(after.values()) > sum(before.values())


def test_each_notch_needs_less_for_its_steps(tmp_path) -> None:
    job = Job.load(save_job(tmp_path / "job", preset="HIGH", steps=0))
    pictures = [read_picture(job.style.file)]
    count = len(notches(job.settings))
    steps = [parts(Sizes.of(job, pictures, "VGG16", notch))["steps"] for notch in range(count)]
    assert steps == sorted(set(steps), reverse=True)
    smaller, larger = (needed(Sizes.of(job, pictures, name, 0)) for name in ("VGG16", "VGG19"))
    assert smaller < larger


@pytest.mark.parametrize("preset", ["STANDARD", "HIGH"])
def test_a_run_of_one_step_may_have_no_whole_view(tmp_path, preset) -> None:
    job = Job.load(save_job(tmp_path / "job", preset=preset, steps=1, texture_size=2048))
    assert [scale.zoom > 1 for scale in schedule(job.settings)] == [True]
    assert Sizes.of(job, [read_picture(job.style.file)], "VGG16", 0).whole == 0


@pytest.mark.usefixtures("tiny")
def test_the_finest_lattice_is_foretold_where_a_camera_stands_before_a_part(pictures) -> None:
    near = straight_on()
    lens = np.diag(np.float32((4, 4, 1, 1))) @ near.projection
    job = job_of(pictures, views=(replace(near, projection=lens),), texture_size=512)
    read = [read_picture(picture) for picture in pictures]
    lattice = prepare(job, read[:1], CPU).field.lattices[-1]
    area = 4
    assert Sizes.of(job, read, "VGG16", 0).voxels == pytest.approx(area / lattice.cell**2, rel=0.01)


def test_a_step_of_many_views_needs_them_all_at_once(tmp_path) -> None:
    job = Job.load(save_job(tmp_path / "job", preset="HIGH", steps=0))
    pictures = [read_picture(job.style.file)]
    one, many = (Sizes.of(job, pictures, "VGG16", 2, places=places) for places in (1, 24))
    largest = max(scale.size for scale in schedule(job.settings, notch=2))
    assert one.planned < many.planned == 24 * largest**2


def test_a_long_picture_is_resized_whole(tmp_path) -> None:
    """The network sees it in pieces, but all of it is there at once."""
    job = Job.load(save_job(tmp_path / "job", preset="HIGH", steps=0))
    long = Sizes.of(job, [torch.rand(3, 16, 4096)], "VGG16", 0)
    unit = max(scale.unit for scale in schedule(job.settings))
    assert long.picture == round(unit * 1024)
    assert long.resized == round(unit * unit * 256)
    assert long.near == 512 * 131072
    assert parts(long)["styles"] > 2 * 12 * long.resized
    assert parts(long)["measuring"] > 2 * 12 * long.near  # an image and its clamped copy


def test_large_strokes_need_more_to_be_measured(tmp_path) -> None:
    job = Job.load(save_job(tmp_path / "job"))
    large = replace(job, settings=replace(job.settings, stroke_size=4.0))
    picture = torch.rand(3, 32, 64)
    before, after = (Sizes.of(each, [picture], "VGG16", 0) for each in (job, large))
    assert (before.judged, after.judged) == (256 * 512, 1024**2)
    assert after.near == 16 * before.near == 2048 * 4096
    assert parts(after)["measuring"] > parts(before)["measuring"] + 1e9
