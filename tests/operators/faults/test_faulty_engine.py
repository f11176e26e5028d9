"""An engine that goes wrong: told in one line, and all data-blocks as they were."""

import os
import shutil
import subprocess

import bpy
import pytest
from style_transfer_3d.operators import worker

from tests.operators.calling import paint
from tests.operators.datablocks import difference, dump_all
from tests.operators.faults.faulty import NIGHTLY, SHORT, children, engine, refused, with_limit
from tests.operators.scenes import ENGINE_PYTHON, job_folders

FAULTS = {
    "killed": ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    "stopped": ("time.sleep(1000)", "said nothing for 0.5 seconds"),
    "babbling": ("print('Segmentation fault', flush=True)", "which is no message"),
    "broken off": ("print('{\"type\"', end='', flush=True); sys.exit(3)", "exit code 3"),
    "not text": ("os.write(1, bytes(range(128, 256)) + b'\\n')", "which is no message"),
    "out of memory": ("raise MemoryError('no room')", "MemoryError: no room"),
    "folder gone": ("shutil.rmtree(folder)", "it left no result"),
}  # fmt: skip


def test_the_comparison_sees_what_is_changed(cube, texture):
    before = dump_all()
    assert difference(before, dump_all()) == []
    cube["mine"] = 1
    (line,) = difference(before, dump_all())
    assert line == "objects Cube ['mine']: None -> 1"
    bpy.data.images["artist"].pixels[5] = 0.9
    cube.active_material.node_tree.nodes[0].location.x += 1
    bpy.data.images.load(str(texture))
    assert len(difference(before, dump_all())) > 10


@pytest.mark.parametrize("phase", range(7) if NIGHTLY else (0, 2, 6))
@pytest.mark.parametrize("name", FAULTS)
def test_an_engine_that_goes_wrong_at_any_phase(
    cube, style, texture, tmp_path, monkeypatch, name, phase
):
    fault, words = FAULTS[name]
    monkeypatch.setitem(worker.Engine.__init__.__kwdefaults__, "silence", 0.5)
    engine(tmp_path, monkeypatch, texture, fault, phase)
    assert words in refused(style=str(style))


def test_the_engine_itself_is_sound(cube, style, texture, tmp_path, monkeypatch):
    engine(tmp_path, monkeypatch, texture)
    assert paint(style=str(style)) == {"FINISHED"}


@pytest.mark.parametrize("broken", ["texture.png", "report.json"])
def test_a_result_that_cannot_be_read(cube, style, texture, tmp_path, monkeypatch, broken):
    engine(tmp_path, monkeypatch, texture, f"(result / {broken!r}).write_bytes(b'no')", 6)
    assert "cannot be read" in refused(style=str(style))


@pytest.mark.timeout(300)
@pytest.mark.skipif(not NIGHTLY, reason="takes minutes")
@pytest.mark.parametrize("words", ["Preparing", "Step 1/", "Step 4/", "Baking", "Measuring"])
@pytest.mark.parametrize("fault", ["killed", "folder gone"])
def test_the_real_engine_at_each_phase(cube, style, monkeypatch, words, fault):
    from style_transfer_3d.operators import stylize  # noqa: PLC0415

    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", ENGINE_PYTHON)
    line = stylize.progress_line

    def harm(message):
        if line(message).startswith(words) and children():
            if fault == "killed":
                os.kill(children()[0], 9)
            else:
                for folder in job_folders():
                    shutil.rmtree(folder, ignore_errors=True)
        return line(message)

    monkeypatch.setattr(stylize, "progress_line", harm)
    expected = "SIGKILL" if fault == "killed" else "cannot be"
    assert expected in refused(style=str(style), **SHORT)


def size_of_torch():
    """KiB of address space that a process takes for loading torch alone."""
    script = (
        "import torch; print(*[l.split()[1] for l in open('/proc/self/status') if 'VmSize' in l])"
    )
    return int(subprocess.check_output([ENGINE_PYTHON, "-c", script], text=True, timeout=100))


@pytest.mark.timeout(200)
@pytest.mark.skipif(not NIGHTLY, reason="takes a minute")
def test_the_real_engine_with_too_little_memory(cube, style, tmp_path, monkeypatch):
    with_limit(f"-v {size_of_torch() + 1_000_000}", tmp_path, monkeypatch)
    assert "memory is full" in refused(style=str(style), **{**SHORT, "texture_size": 8192})
