"""A flat picture: a plane in a texture of its own aspect, seen straight on."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import JobError
from engine.held_out import SIDE, TILT, VIEWS, held_out_views
from engine.job import Job, Style
from engine.report import measure
from engine.settings import Settings
from engine.stylize import optimise, prepare
from engine.views import LEAST, frame, tilted
from tests.engine.jobs import straight_on
from tests.engine.meshes import mesh_of, plane, quads

CPU = torch.device("cpu")


def flat_job(tmp_path, shape: tuple[int, int], **settings: object) -> Job:
    """A plane of the aspect of `shape`, with a picture of no two rows or columns alike."""
    height, width = shape
    size = max(shape)
    mesh = plane()
    stretched = mesh.vertices * np.float32((width / size, height / size, 1))
    v, u = np.mgrid[:height, :width] / np.float32((height, width))[:, None, None]
    look = np.float32(np.stack((u, v, (u - v) ** 2), -1) * 0.7 + 0.15)
    chosen = Settings(**{"preset": "DRAFT", "texture_size": size, **settings})
    mesh = mesh_of(stretched, mesh.faces, mesh.uvs)
    job = Job(mesh, Style(tmp_path / "s.png"), chosen, (look,), (straight_on(),), shapes=(shape,))
    job.style.file.write_bytes(b"picture")
    return job


def same_colors(job: Job) -> Tensor:
    """A style (3, H, W) of the original's own colors."""
    return torch.from_numpy(job.originals[0]).permute(2, 0, 1)


@pytest.mark.parametrize("shape", [(64, 64), (64, 160), (160, 64), (70, 999)])
def test_every_texel_is_a_pixel_of_the_original(tmp_path, shape) -> None:
    job = flat_job(tmp_path, shape, start="ORIGINAL")
    baked = prepare(job, [same_colors(job)], CPU).bake(job.texture_shapes[0])
    assert tuple(baked.shape) == (*shape, 3)
    assert np.abs(baked.numpy() - job.originals[0]).max() < 8e-3  # a pixel beside is 1e-2 away


def test_its_shape_is_saved(tmp_path) -> None:
    job = flat_job(tmp_path, (64, 160))
    job.save(tmp_path / "job")
    assert Job.load(tmp_path / "job").texture_shapes[0] == (64, 160)


@pytest.mark.parametrize("shape", [(64, 161), (64, 64), (0, 160)])
def test_a_shape_that_does_not_fit_the_texture_size(tmp_path, shape) -> None:
    job = flat_job(tmp_path, (64, 160))
    with pytest.raises(JobError, match="do not fit a texture size of 160"):
        Job(job.mesh, job.style, job.settings, job.originals, job.views, shapes=(shape,)).validate()


def test_one_view_sees_all_of_it_and_the_whole_field_is_painted(tmp_path, backbone) -> None:
    """And a thin picture is no smaller than the network's deepest layer can see."""
    job = flat_job(tmp_path, (64, 640), steps=3)
    style = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    painting = prepare(job, [style], CPU)
    assert [progress.step for progress in optimise(job, painting, backbone)] == [1, 2, 3]
    baked = painting.bake(job.texture_shapes[0])
    measures = measure(painting, [baked], backbone, 1.0, job.views)
    assert measures["coverage"] > 0.999
    assert measures["seam_ratio"] == 1.0


def test_a_frame_is_never_too_small_for_the_network() -> None:
    line = torch.tensor([(-1.0, 0, 0), (1.0, 0, 0)])
    view = straight_on()
    camera = frame(
        torch.from_numpy(view.world_to_camera), torch.from_numpy(view.projection), line, 64
    )
    assert camera.size == (LEAST, 64)


# Held-out views


def test_a_tilted_view_looks_at_the_same_middle_from_beside() -> None:
    view, middle = straight_on(), np.array((0.3, -0.2, 0.5))
    beside = tilted(view, middle, TILT, 1.0)
    for matrices in (view, beside):
        moved = matrices.world_to_camera @ (*middle, 1)
        assert moved == pytest.approx((0.3, -0.2, -1.5, 1), abs=1e-6)
    turn = view.world_to_camera[:3, :3] @ beside.world_to_camera[:3, :3].T
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-6)
    assert np.arccos(turn[2, 2]) == pytest.approx(TILT, abs=1e-4)


@pytest.mark.parametrize(("given", "count"), [(1, 4), (3, 12), (20, VIEWS)])
def test_given_views_are_judged_from_near_them(tmp_path, given, count) -> None:
    job = flat_job(tmp_path, (64, 64))
    original = prepare(job, [same_colors(job)], CPU).original
    seen = list(held_out_views(original, 1, [straight_on()] * given))
    assert len(seen) == count
    for view in seen:
        assert max(view.camera.size) == pytest.approx(SIDE, abs=1)
        assert view.shot.mask.mean() > 0.85
    assert not seen[0].shot.point.equal(seen[1].shot.point)


def test_what_no_given_view_sees_is_not_judged(tmp_path) -> None:
    """Two planes, far apart in depth: the one below hides and has other colors."""
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1)), float)
    above, below = (np.insert(corners * side, 2, z, 1) for side, z in ((1, 0), (0.4, -0.3)))
    uvs = (corners + 1) * (0.2, 0.5) + (0.05, 0)
    sides = np.arange(8).reshape(2, 4)
    mesh = quads(np.concatenate((above, below)), sides, np.stack((uvs, uvs + np.array((0.5, 0)))))
    look = np.full((64, 64, 3), 0.5, np.float32)
    look[:, 32:] = 0.9
    job = Job(mesh, Style(tmp_path), Settings(texture_size=64), (look,), (straight_on(),))
    original = prepare(job, [torch.rand(3, 64, 64)], CPU).original
    colors = torch.cat([view.albedo for view in held_out_views(original, 1, job.views)])
    assert float(colors.max()) < 0.6
    everywhere = torch.cat([view.albedo for view in held_out_views(original, 1)])
    assert float(everywhere.max()) > 0.8
