"""Many runs in one Blender: at the end there is no more of anything than at the start.

A hundred with the real engine in the nightly size; else a few with a stand-in.
"""

import gc
import os
import random
import sys
from pathlib import Path

import bpy
import pytest
from style_transfer_3d.operators.on_objects import OnObjects
from style_transfer_3d.operators.running import Run

from tests.operators.run_requests import given_ones
from tests.operators.scenes import (
    ENGINE_PYTHON,
    add_cube,
    add_material,
    dump,
    job_folders,
    new_image,
    painter,
    save_png,
    stand_in,
    stripes,
)

NIGHTLY = "NIGHTLY" in os.environ
RUNS = 100 if NIGHTLY else 5
WARM_UP = 10 if NIGHTLY else 2  # runs in which caches fill
SHORT = {"preset": "DRAFT", "steps": 2, "texture_size": 64, "device": "CPU", "backbone": "VGG16"}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it counts in /proc")


def resident():
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def counts():
    """What there is of things that a run could leave behind."""
    gc.collect()
    children = Path("/proc/self/task").glob("*/children")
    return {
        "handles": len(list(Path("/proc/self/fd").iterdir())),
        "processes": sum(len(file.read_text().split()) for file in children),
        "folders": len(job_folders()),
        "in the temporary folder": len(list(Path(bpy.app.tempdir).iterdir())),
        "data-blocks": dump()[0],
        "threads": len(list(Path("/proc/self/task").iterdir())),
    }


def one_run(number, chance, style, scene):
    """A run that is finished, or one that is cancelled at any moment, or one that is refused."""
    match number % 4:
        case 0 | 1:
            assert bpy.ops.object.style_transfer(
                style=str(style), replace=True, relief="BUMP" if number % 2 else "NONE", **SHORT
            ) == {"FINISHED"}
        case 2:
            asked = given_ones(scene.style_transfer_3d, style=str(style))
            run = Run(asked, bpy.context, OnObjects, watched=True)
            for _ in range(chance.randrange(40)):
                list(run.engine.poll())
            while not run.stop():
                pass
        case _:
            with pytest.raises(RuntimeError, match="no such file"):
                bpy.ops.object.style_transfer(style="/gone.png")


@pytest.mark.timeout(3000)
def test_after_many_runs_there_is_no_more_of_anything(scene, style, tmp_path, monkeypatch, request):
    add_material(add_cube(), "m", new_image("artist", stripes(8, 8)))
    if NIGHTLY:
        monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", ENGINE_PYTHON)
    else:
        texture = save_png(tmp_path / "painted.png", stripes(16, 16))
        stand_in(tmp_path, painter(texture, {}), monkeypatch)
    chance, memory = random.Random(0), []
    for number in range(RUNS):
        one_run(number, chance, style, scene)
        if number == WARM_UP - 1:
            before = counts()
        memory.append(resident())
        if NIGHTLY:
            print(number, memory[-1] // 2**20, "MB", flush=True)
    assert counts() == before
    grown = memory[-1] - memory[WARM_UP]
    assert grown < (16 if NIGHTLY else 8) * 2**20, f"{grown / 2**20:.1f} MB in {RUNS} runs"
