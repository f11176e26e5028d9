"""examples/queue/run_jobs.py: a folder of jobs, one of them broken, in two goes."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.jobs import save_job, straight_on

SCRIPT = Path(__file__).parents[2] / "examples" / "queue" / "run_jobs.py"


def run(jobs):
    """The exit code and the lines on both streams, run from some other folder."""
    done = subprocess.run(
        [sys.executable, SCRIPT, jobs.name],
        cwd=jobs.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.timeout(600)
def test_a_broken_job_stops_no_other_and_what_has_a_result_is_left_out(tmp_path):
    jobs = tmp_path / "jobs"
    for name in ("1_broken", "2_whole", "notes"):
        (jobs / name).mkdir(parents=True)
    save_job(jobs / "2_whole", views=(straight_on(),), steps=2)
    (jobs / "1_broken" / "job.json").write_text("{}")

    code, lines = run(jobs)
    assert code == 1
    broken, whole = lines
    assert broken.startswith("1/2 1_broken: failed. Job folder ")
    assert broken.endswith("Export the job again")
    assert whole.startswith("2/2 2_whole: painted in ")
    report = jobs / "2_whole" / "result" / "report.json"
    assert json.loads(report.read_text())["steps"] == 2
    assert '"DONE"' in (jobs / "2_whole" / "engine.log").read_text()
    written = report.stat().st_mtime_ns

    shutil.rmtree(jobs / "1_broken")
    assert run(jobs) == (0, ["1/1 2_whole: has a result already"])
    assert report.stat().st_mtime_ns == written


def test_an_engine_that_died_without_a_word_is_told_by_its_exit_code(tmp_path):
    log = tmp_path / "engine.log"
    log.write_bytes(b'{"type": "STATUS", "text": "Loading torch"}\n\xff\n')
    reason = runpy.run_path(str(SCRIPT))["reason"]
    assert reason(log, -9) == f"the engine ended with exit code -9; see {log}"


def test_no_job_is_an_error(tmp_path):
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    code, lines = run(jobs)
    assert code == 2
    assert "there is no job in that folder" in lines[-1]
