"""A million faces at 1024² within a bounded memory."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(180)
def test_a_million_faces_need_less_than_one_and_a_half_gigabytes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.million_faces"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, covered, extra = done.stdout.split()
    assert int(count) == pytest.approx(1e6, rel=0.01)
    # The sphere's outline is a circle: the tangent cone of half angle asin(1/3).
    radius = math.tan(math.asin(1 / 3)) / 0.36
    assert float(covered) == pytest.approx(math.pi * radius**2 / 4, rel=1e-3)
    assert int(extra) < 1.5e9
