"""The preview against the baked texture, and how seldom it is made."""

import math

import numpy as np
import pytest
import torch

from engine import preview
from engine.job import Job, Style
from engine.preview import Preview
from engine.settings import Settings
from engine.stylize import prepare
from tests.engine.meshes import cube


@pytest.fixture
def painting(tmp_path):
    look = np.random.default_rng(0).random((8, 8, 3), np.float32)
    job = Job(cube(), Style(tmp_path / "none.png"), Settings(texture_size=256), (look,))
    made = prepare(job, [torch.rand(3, 32, 32)], torch.device("cpu"))
    for values in made.field.values:
        values.data[:-1].normal_(generator=torch.Generator().manual_seed(1))
    return made


def test_it_shows_what_would_be_baked(painting, tmp_path) -> None:
    pixels = np.load(Preview(painting, [(128, 128)], tmp_path).due(0.0)[0])[::-1]
    baked = painting.bake((128, 128)).numpy()
    island = pixels[..., 3] == 1
    assert island.mean() > 0.2
    assert np.abs(pixels[..., :3] - baked)[island].mean() < 1e-3
    assert set(np.unique(pixels[..., 3])) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("shape", "done", "size"),
    [
        ((64, 64), 0.9, (64, 64)),
        ((2048, 2048), 0.1, (256, 256)),
        ((2048, 2048), 0.5, (512, 512)),
        ((300, 1200), 0.1, (64, 256)),
        ((8192, 1), 0.1, (256, 1)),
    ],
)
def test_its_size(painting, tmp_path, shape, done, size) -> None:
    assert np.load(Preview(painting, [shape], tmp_path).due(done)[0]).shape == (*size, 4)


def test_it_takes_a_small_share_of_the_time(painting, tmp_path, monkeypatch) -> None:
    now, cost = 100.0, 0.0
    monkeypatch.setattr(preview.time, "perf_counter", lambda: now)
    bake = preview._Sheet.bake

    def slow(sheet, paint):
        nonlocal now
        now += cost
        return bake(sheet, paint)

    monkeypatch.setattr(preview._Sheet, "bake", slow)
    watched = Preview(painting, [(64, 64)], tmp_path)
    for seconds, gap in ((0.001, 0.5), (0.2, 5.0)):
        cost = seconds
        now += 100
        began = now
        (first,) = watched.due(0.0)
        now = began + gap * 0.99
        assert watched.due(0.0) == ()
        now = began + gap * 1.01
        (second,) = watched.due(0.0)
        assert second != first
        assert first.is_file()


def test_paint_is_looked_up_where_it_is_now(painting, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(preview, "SHORTEST_GAP", 0.0)
    monkeypatch.setattr(preview, "SHARE", math.inf)
    watched = Preview(painting, [(64, 64)], tmp_path)
    watched.due(0.1)
    painting.field.restore(painting.field.kept())
    for values in painting.field.values:
        values.data[:-1].normal_(generator=torch.Generator().manual_seed(2))
    again, fresh = watched.due(0.2), Preview(painting, [(64, 64)], tmp_path / "fresh")
    (tmp_path / "fresh").mkdir()
    assert np.array_equal(np.load(again[0]), np.load(fresh.due(0.2)[0]))


def test_one_that_cannot_be_written_is_left_out(painting, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(preview, "SHORTEST_GAP", 0.0)
    monkeypatch.setattr(preview, "SHARE", math.inf)
    watched = Preview(painting, [(64, 64)], tmp_path)
    (first,) = watched.due(0.1)
    (tmp_path / "preview_0_0.npy").mkdir()
    assert watched.due(0.2) == ()
    assert watched.due(0.3) == (first,)
