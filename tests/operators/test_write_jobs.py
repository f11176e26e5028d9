"""examples/queue/write_jobs.py: job folders out of Blender, without a run."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.engine.job import Job

from tests.operators.scenes import add_cube, add_material

SCRIPT = Path(__file__).parents[2] / "examples" / "queue" / "write_jobs.py"


@pytest.fixture
def write_jobs(scene, style):
    scene.style_transfer_3d.style = str(style)
    scene.style_transfer_3d.seed = 11
    return runpy.run_path(str(SCRIPT))["write_jobs"]


def test_each_object_is_a_job_with_the_scenes_settings(write_jobs, style, tmp_path):
    for name, place in (("Left", -3.0), ("a/b", 3.0)):
        add_material(add_cube(name, location=(place, 0, 0)), "m")
    folders = write_jobs(tmp_path / "new" / "jobs", ["Left", "a/b"])
    assert [folder.name for folder in folders] == ["001_Left", "002_a_b"]
    left, right = (Job.load(folder) for folder in folders)
    assert left.settings.seed == right.settings.seed == 11
    assert left.style.file.read_bytes() == style.read_bytes()
    for job, place in ((left, -3), (right, 3)):
        assert len(job.mesh.faces) == 12
        np.testing.assert_allclose(job.mesh.vertices.mean(0), (place, 0, 0), atol=1e-6)
    assert not list(tmp_path.rglob("result"))


def test_nothing_is_written_where_one_cannot_be_painted(write_jobs, tmp_path):
    add_cube("Left")
    with pytest.raises(JobError, match="Object 'Right'"):
        write_jobs(tmp_path / "jobs", ["Left", "Right"])
    assert not (tmp_path / "jobs").exists()


def test_no_folder_of_older_jobs_is_written_into(write_jobs, tmp_path):
    add_cube("Left")
    with pytest.raises(FileExistsError):
        write_jobs(tmp_path, ["Left"])
