"""Several Blenders, one of which may be killed."""

import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import bpy
import pytest

from tests.engine.processes import started
from tests.operators.faults.faulty import NIGHTLY, ROOT, SHORT, engine, stand_in_of_engine
from tests.operators.scenes import ENGINE_PYTHON
from tests.operators.steps import alive

BLENDER = """
import sys
sys.path.insert(0, {root!r})
import bpy
from tests.operators.conftest import _ADDON
_ADDON.register()
bpy.ops.wm.open_mainfile(filepath={file!r})
print("TEMP", bpy.app.tempdir, flush=True)
bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
print(bpy.ops.object.style_transfer(style={style!r}, output={output!r}, **{settings!r}), flush=True)
"""


def blender(file, style, output, settings):
    """Another Blender that paints the cube in `file`."""
    script = BLENDER.format(
        root=str(ROOT), file=str(file), style=str(style), output=str(output), settings=settings
    )
    command = sys.executable, "-c", textwrap.dedent(script)
    return started(*command, errors=subprocess.STDOUT, PYTHONUNBUFFERED="1")


@pytest.mark.timeout(120)
def test_two_blenders_with_one_file(cube, style, texture, tmp_path, monkeypatch):
    file, output = tmp_path / "scene.blend", tmp_path / "out.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    before = file.read_bytes()
    engine(tmp_path, monkeypatch, texture, pause=0.1)
    with (
        blender(file, style, output, {}) as one,
        blender(file, style, output, {}) as other,
    ):
        for process in (one, other):
            said, _ = process.communicate(timeout=60)
            assert "{'FINISHED'}" in said, said
    assert output.read_bytes() == texture.read_bytes()
    assert file.read_bytes() == before
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.timeout(200)
@pytest.mark.skipif(not NIGHTLY, reason="takes a minute")
def test_blender_killed_leaves_no_engine_and_a_job_that_goes_on(cube, style, tmp_path, monkeypatch):
    file = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    stand_in_of_engine(tmp_path, monkeypatch)
    with blender(file, style, "", {**SHORT, "steps": 60}) as other:
        for line in other.stdout:
            if line.startswith("TEMP"):
                temporary = Path(line.split()[1])
            if line.startswith("Step 3/"):
                break
        (pid,) = [
            int(pid)
            for task in Path(f"/proc/{other.pid}/task").glob("*/children")
            for pid in task.read_text().split()
        ]
        other.kill()
        other.wait(10)
    until = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < until
        time.sleep(0.1)
    (folder,) = temporary.glob("style_transfer_3d_*")
    assert (folder / "result" / "checkpoint.pt").is_file()
    done = subprocess.run(
        [ENGINE_PYTHON, "-m", "engine", str(folder)], cwd=ROOT, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Going on after step" in done.stdout
    assert (folder / "result" / "texture.png").is_file()
    shutil.rmtree(temporary)
