"""The job folder: what is saved is loaded, and what cannot be run is refused in one line."""

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.errors import JobError
from engine.job import FORMAT, Job, Style, View
from engine.settings import BACKBONES, DEVICES, PRESETS, RANGES, STYLE_LAYERS, Settings
from tests.engine.hostile import ANYTHING, sound_or_refused
from tests.engine.meshes import cube, mesh_of, plane
from tests.engine.reference import perspective

relaxed = hypothesis_settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def style(tmp_path) -> Style:
    """Any bytes: the job does not look into the picture."""
    file = tmp_path / "Der Schrei – 1893.jpg"
    file.write_bytes(bytes(range(256)) * 3)
    return Style(file)


@pytest.fixture
def job(style) -> Job:
    random = np.random.default_rng(0)
    view = View(
        "Camera\n2", random.random((4, 4)).astype(np.float32), np.float32(perspective()), 16 / 9
    )
    images = (np.float32(random.random((5, 7, 3))), np.float32([[[0.8, 0.8, 0.8]]]))
    mesh = dataclasses.replace(cube(), materials=np.arange(12) % 2)
    settings = Settings(
        preset="DRAFT",
        content_weight=0.5,
        layer_weights=(1.0, 0.5, 0.25, 2.0, 0.0),
        steps=3,
        seed=9,
    )
    return Job(mesh, style, settings, images, (view,))


def refusal(check) -> JobError:
    """How something is refused: in one line of three parts."""
    with pytest.raises(JobError) as caught:
        check()
    error = caught.value
    assert len(str(error).splitlines()) == 1
    assert str(error) == f"{error.what}: {error.why}. {error.cure}"
    assert error.what
    assert error.why
    assert error.cure
    return error


def test_a_style_that_is_deleted_meanwhile(style) -> None:
    style.file.unlink()
    assert "cannot be read (No such file" in refusal(lambda: style.sha256).why


# There and back


def assert_same_region(a: np.ndarray | None, b: np.ndarray | None) -> None:
    assert (a is None) == (b is None)
    assert a is None or (a == b).all()


def assert_same(a: Job, b: Job) -> None:
    for name in ("vertices", "faces", "uvs", "materials"):
        first, second = getattr(a.mesh, name), getattr(b.mesh, name)
        assert first.dtype == second.dtype
        assert (first == second).all()
    assert a.settings == b.settings
    for one, other in zip(a.styles, b.styles, strict=True):
        assert one.file.name == other.file.name
        assert one.file.read_bytes() == other.file.read_bytes()
        assert (one.sha256, one.weight) == (other.sha256, other.weight)
        assert_same_region(one.region, other.region)
    assert_same_region(a.protected, b.protected)
    assert [(v.name, v.aspect) for v in a.views] == [(v.name, v.aspect) for v in b.views]
    for first, second in zip(a.views, b.views, strict=True):
        assert (first.world_to_camera == second.world_to_camera).all()
        assert (first.projection == second.projection).all()


def test_what_is_saved_is_loaded(job, tmp_path) -> None:
    folder = tmp_path / "a" / "job"
    job.save(folder)
    loaded = Job.load(folder)
    assert_same(job, loaded)
    for first, second in zip(job.originals, loaded.originals, strict=True):
        assert second.dtype == np.float32
        assert np.abs(first - second).max() <= 1 / 4096
    job.save(folder)  # over itself
    loaded.save(tmp_path / "again")
    again = Job.load(tmp_path / "again")
    assert_same(job, again)
    assert all((x == y).all() for x, y in zip(loaded.originals, again.originals, strict=True))


def with_regions(job: Job, folder: Path) -> Job:
    """Two more styles, one of the same name, and something protected."""
    (folder / "other").mkdir()
    twin = folder / "other" / job.style.file.name
    twin.write_bytes(b"another picture")
    half = np.float32(np.arange(36).reshape(12, 3) / 35)
    more = (Style(twin, 0.25, half), Style(job.style.file, 2.0))
    return dataclasses.replace(job, more_styles=more, protected=1 - half)


def test_several_styles_and_regions_are_saved(job, tmp_path) -> None:
    made = with_regions(job, tmp_path)
    made.save(tmp_path / "job")
    assert_same(made, Job.load(tmp_path / "job"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"more_styles": (Style(Path("no.png")),)}, "no such file"),
        ({"protected": np.zeros((3, 3), np.float32)}, "instead of"),
        ({"protected": np.full((12, 3), 1.5, np.float32)}, "from 1.5 to 1.5"),
        ({"protected": np.full((12, 3), np.nan, np.float32)}, "from nan to nan"),
    ],
)
def test_regions_and_styles_that_make_no_sense(job, change, text) -> None:
    assert text in refusal(dataclasses.replace(job, **change).validate).why


@pytest.mark.parametrize("weight", [-1, float("nan"), "1", None, True])
def test_a_weight_that_is_none(job, weight) -> None:
    made = dataclasses.replace(job, style=dataclasses.replace(job.style, weight=weight))
    assert repr(weight) in refusal(made.validate).why


def test_styles_none_of_which_counts(job) -> None:
    made = dataclasses.replace(job, style=dataclasses.replace(job.style, weight=0))
    assert "each of them is 0" in refusal(made.validate).why


def test_stroke_length_is_the_same_on_objects_of_any_size() -> None:
    assert Settings(stroke_size=2.0).strokes(7.0) == 2.0
    assert Settings(stroke_size=2.0, stroke_length=3.0).strokes(6.0) == 0.5
    assert Settings(stroke_length=1e6).strokes(1.0) == 10


def test_a_job_without_cameras(job, tmp_path) -> None:
    dataclasses.replace(job, views=()).save(tmp_path / "job")
    assert Job.load(tmp_path / "job").views == ()


def test_eight_bit_pixels_survive(job, tmp_path) -> None:
    levels = np.arange(256)[:, None, None].repeat(3, -1)
    dataclasses.replace(job, originals=(np.float32(levels / 255),) * 2).save(tmp_path / "job")
    loaded = Job.load(tmp_path / "job").originals[0]
    assert (np.rint(loaded * 255) == levels).all()


def test_the_folder_can_be_moved(job, style, tmp_path) -> None:
    job.save(tmp_path / "job")
    style.file.unlink()
    shutil.move(tmp_path / "job", tmp_path / "elsewhere")
    loaded = Job.load(tmp_path / "elsewhere")
    assert loaded.style.file.is_relative_to(tmp_path / "elsewhere")
    assert str(tmp_path) not in (tmp_path / "elsewhere" / "job.json").read_text()


def test_a_style_from_outside_the_folder_is_not_read(job, tmp_path) -> None:
    job.save(tmp_path / "job")
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"secret")
    for name in ("../../secret.jpg", str(secret), "..", "."):
        edit(tmp_path / "job", lambda text, name=name: text["styles"][0].update(file=name))
        assert "no such file" in refusal(lambda: Job.load(tmp_path / "job")).why


# Settings


@given(
    st.builds(
        Settings,
        preset=st.sampled_from(list(PRESETS)),
        style_weight=st.floats(1e-3, 1e6),
        content_weight=st.floats(0, 1e6),
        layer_weights=st.tuples(*[st.floats(1e-3, 1e6)] * len(STYLE_LAYERS)),
        texture_size=st.integers(64, 8192),
        steps=st.integers(0, 100_000),
        seed=st.integers(0, 2**31 - 1),
        device=st.sampled_from(DEVICES),
        backbone=st.sampled_from(BACKBONES),
    )
)
@relaxed
def test_settings_in_their_ranges_pass_and_survive(job, tmp_path, settings) -> None:
    settings.validate()
    dataclasses.replace(job, settings=settings).save(tmp_path / "job")
    assert Job.load(tmp_path / "job").settings == settings


@given(st.sampled_from([f.name for f in dataclasses.fields(Settings)]), ANYTHING)
@relaxed
def test_whatever_a_setting_is_it_is_sound_or_refused(name, value) -> None:
    if name == "layer_weights" and not isinstance(value, list):
        value = [value]
    sound_or_refused(dataclasses.replace(Settings(), **{name: value}).validate)


@pytest.mark.parametrize("name", RANGES)
def test_settings_beyond_their_ranges(name) -> None:
    low, high = RANGES[name]
    for value in (low, high):
        dataclasses.replace(Settings(), **{name: value}).validate()
    wrong = [low - 1, high + 1, math.nan, math.inf, -math.inf, "7", None, True]
    wrong += [low + 0.5] if isinstance(low, int) else []
    for value in wrong:
        error = refusal(dataclasses.replace(Settings(), **{name: value}).validate)
        assert error.what == f"Setting {name}"
        assert repr(value) in error.why


@pytest.mark.parametrize("name", ["preset", "device", "backbone"])
def test_choices_that_there_are_not(name) -> None:
    for value in ("", "draft", None, [], 3):
        error = refusal(dataclasses.replace(Settings(), **{name: value}).validate)
        assert error.what == f"Setting {name}"
        assert repr(value) in error.why


def test_weights_that_leave_nothing_to_do() -> None:
    refusal(Settings(style_weight=0.0, content_weight=0.0).validate)
    none = (0.0,) * len(STYLE_LAYERS)
    refusal(Settings(layer_weights=none).validate)
    Settings(layer_weights=none, style_weight=0.0).validate()
    for weights in ((1.0,) * 4, (1.0,) * 6, (-1.0, 1, 1, 1, 1), (math.nan, 1, 1, 1, 1)):
        refusal(Settings(layer_weights=weights).validate)


# Meshes, cameras, pictures


def replaced(job: Job, **arrays) -> Job:
    return dataclasses.replace(job, mesh=dataclasses.replace(job.mesh, **arrays))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none(job, bad) -> None:
    for name, words in (("vertices", "1 of its vertices"), ("uvs", "1 of its UVs")):
        values = getattr(job.mesh, name).copy()
        values.reshape(-1)[4] = bad
        assert words in refusal(replaced(job, **{name: values}).validate).why


def test_meshes_that_cannot_be_painted(job) -> None:
    mesh = job.mesh
    cases = {
        "no faces": mesh_of(np.zeros((3, 3)), np.zeros((0, 3)), np.zeros((0, 3, 2)), []),
        "zero area": dataclasses.replace(mesh, vertices=np.zeros_like(mesh.vertices)),
        "collapsed": dataclasses.replace(mesh, uvs=np.full_like(mesh.uvs, 0.3)),
        "point at vertices": dataclasses.replace(mesh, faces=mesh.faces + 1),
        "point at vertices -1": dataclasses.replace(mesh, faces=mesh.faces - 1),
        "materials 1 to 2 of 2": dataclasses.replace(mesh, materials=mesh.materials + 1),
        "materials -2 to -1 of 2": dataclasses.replace(mesh, materials=mesh.materials - 2),
    }
    for words, case in cases.items():
        error = refusal(dataclasses.replace(job, mesh=case).validate)
        assert words.split(" -1")[0] in str(error), words


def test_uvs_collapsed_to_lines(job) -> None:
    line = job.mesh.uvs.copy()
    line[..., 1] = line[..., 0]
    assert "collapsed" in refusal(replaced(job, uvs=line).validate).why


@pytest.mark.parametrize("name", ["vertices", "faces", "uvs", "materials"])
def test_arrays_of_another_shape_or_kind(job, name) -> None:
    array = getattr(job.mesh, name)
    for wrong in (
        array.astype(np.float64 if array.dtype == np.float32 else np.int32),
        array[None],
        array.reshape(-1)[:1],
        array[..., :-1] if array.ndim > 1 else array[:-1],
        np.array(0, array.dtype),
        array[:0],
    ):
        refusal(replaced(job, **{name: wrong}).validate)


def test_tiny_and_huge_meshes_pass(job) -> None:
    for size in (1e-6, 1e6):
        dataclasses.replace(job, mesh=cube(size=size)).validate()
    dataclasses.replace(job, mesh=plane(40)).validate()


def test_meshes_that_are_too_small_or_too_large_to_measure(job) -> None:
    """Their areas are 0 or infinite in float32, as the engine has them."""
    for size in (2e-20, 1e-12, 1e12, 1e37):
        error = refusal(dataclasses.replace(job, mesh=cube(size=size)).validate)
        assert f"{size:.3g} units large" in error.why


def test_cameras_that_are_none(job) -> None:
    (view,) = job.views
    nan = view.projection.copy()
    nan[0, 0] = np.nan
    for change in (
        {"aspect": 0.0}, {"aspect": -1.0}, {"aspect": math.nan}, {"aspect": math.inf},
        {"aspect": "wide"}, {"aspect": None}, {"projection": nan}, {"world_to_camera": nan},
        {"projection": view.projection[:3]},
        {"world_to_camera": np.diag(np.float32((1, 1, 0, 1)))},
        {"world_to_camera": np.ones((4, 4), np.float32)},
        {"projection": np.diag(np.float32((0, 1, 1, 1)))},
        {"world_to_camera": view.world_to_camera.astype(np.float64)},
    ):  # fmt: skip
        changed = dataclasses.replace(job, views=(dataclasses.replace(view, **change),))
        refusal(changed.validate)


def test_cameras_far_away_and_with_long_ranges(job) -> None:
    (view,) = job.views
    far = np.eye(4, dtype=np.float32) * np.float32((1e-6, 1e-6, 1e-6, 1))
    far[:3, 3] = 1e9
    long = np.float32(perspective())
    long[2] = (0, 0, -1, -2e-6)
    changed = dataclasses.replace(view, world_to_camera=far, projection=long)
    dataclasses.replace(job, views=(changed,)).validate()


def test_pictures_that_are_none(job) -> None:
    good = job.originals[0]
    for bad in (
        good[:0], good[..., :2], good[..., 0], good.astype(np.float64), good * np.nan, good[None],
        np.array(1, np.float32),
    ):  # fmt: skip
        refusal(dataclasses.replace(job, originals=(good, bad)).validate)
    refusal(dataclasses.replace(job, originals=()).validate)


def test_a_style_that_is_not_there(job, tmp_path) -> None:
    missing = dataclasses.replace(job, style=Style(tmp_path / "no\nwhere.png"))
    assert "no such file" in refusal(missing.validate).why
    refusal(dataclasses.replace(job, style=Style(tmp_path)).validate)


# Folders


def edit(folder: Path, change) -> None:
    """Change the text of a saved job."""
    text = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    change(text)
    (folder / "job.json").write_text(json.dumps(text), encoding="utf-8")


def test_folders_that_hold_no_job(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("a file")
    for name in ("empty", "file", "gone"):
        assert name in refusal(lambda name=name: Job.load(tmp_path / name)).what


@pytest.mark.parametrize("name", ["job.json", "arrays.npz", "original_1.npy", "style"])
@pytest.mark.parametrize("share", [None, 0.0, 0.3, 0.95])
def test_half_a_job(job, tmp_path, name, share) -> None:
    folder = tmp_path / "job"
    job.save(folder)
    file = folder / name
    if file.is_dir():
        shutil.rmtree(file)
    elif share is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    refusal(lambda: Job.load(folder))


def test_a_later_format(job, tmp_path) -> None:
    job.save(tmp_path / "job")
    edit(tmp_path / "job", lambda text: text.update(format=9))
    assert f"format 9 instead of {FORMAT}" in refusal(lambda: Job.load(tmp_path / "job")).why


def test_settings_that_this_version_does_not_know(job, tmp_path) -> None:
    job.save(tmp_path / "job")
    edit(tmp_path / "job", lambda text: text["settings"].update(brush="wide"))
    assert "brush" in refusal(lambda: Job.load(tmp_path / "job")).why


def test_an_error_is_one_line_of_three_parts() -> None:
    error = refusal(lambda: raise_(JobError("Camera 'a\nb'", "it is\r\nbad", "Mend it")))
    assert error.what == "Camera 'a b'"
    assert str(error) == "Camera 'a b': it is bad. Mend it"


def raise_(error: Exception) -> None:
    raise error
