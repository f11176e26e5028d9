"""What goes wrong meanwhile: told in one line, and all data-blocks as they were."""

import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from style_transfer_3d.operators import engine_python, unfinished, worker
from style_transfer_3d.operators.on_objects import OnObjects
from style_transfer_3d.operators.running import Run

from tests.operators.datablocks import difference, dump_all
from tests.operators.scenes import (
    ENGINE_PYTHON,
    add_cube,
    add_material,
    dump,
    new_image,
    quoted,
    save_png,
    shown_image,
    stand_in,
    stand_in_python,
    stripes,
)
from tests.operators.test_settings import given_ones
from tests.operators.test_stylize import alive, job_folders

NIGHTLY = "NIGHTLY" in os.environ
ROOT = Path(__file__).parents[2]
SHORT = {"preset": "DRAFT", "steps": 4, "texture_size": 64, "device": "CPU", "backbone": "VGG16"}
# What an engine says, a line each; between two of them anything may happen to it.
PHASES = """
    import json, os, pathlib, shutil, sys, threading, time
    threading.Thread(target=lambda: sys.stdin.readline() and os._exit(3), daemon=True).start()
    folder, fault = pathlib.Path(sys.argv[-1]), {fault!r}
    result = folder / "result"
    result.mkdir(exist_ok=True)
    shutil.copyfile({preview!r}, result / "preview.npy")
    shutil.copyfile({texture!r}, result / "texture.png")
    (result / "report.json").write_text("{{}}")
    step = dict(type="PROGRESS", steps=2, losses={{}}, seconds=1.0)
    says = [
        dict(type="STATUS", text="Loading torch"),
        dict(type="STATUS", text="Preparing views"),
        dict(step, step=1, share=0.5, previews=[str(result / "preview.npy")]),
        dict(step, step=2, share=1.0),
        dict(type="STATUS", text="Baking the texture"),
        dict(type="STATUS", text="Measuring the result: 50%"),
        dict(type="DONE", textures=[str(result / "texture.png")],
             report=str(result / "report.json")),
    ]
    for number, message in enumerate(says):
        if number == {phase}:
            exec(fault)
        print(json.dumps(message), flush=True)
        time.sleep({pause})
"""
FAULTS = {
    "killed": ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    "stopped": ("time.sleep(1000)", "said nothing for 0.5 seconds"),
    "babbling": ("print('Segmentation fault', flush=True)", "which is no message"),
    "broken off": ("print('{\"type\"', end='', flush=True); sys.exit(3)", "exit code 3"),
    "not text": ("os.write(1, bytes(range(128, 256)) + b'\\n')", "which is no message"),
    "out of memory": ("raise MemoryError('no room')", "MemoryError: no room"),
    "folder gone": ("shutil.rmtree(folder)", "it left no result"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """The extension's own folder, which is the artist's else."""
    folder = tmp_path / "user"

    def user_folder(*, create=False):
        if create:
            folder.mkdir(exist_ok=True)
        return folder

    for module in (engine_python, unfinished):
        monkeypatch.setattr(module, "user_folder", user_folder)
    return folder


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    if Run.current:
        Run.current.close()
    assert not job_folders()
    assert not children()


@pytest.fixture
def cube(scene):
    obj = add_cube()
    add_material(obj, "m", new_image("artist", stripes(8, 8)))
    return obj


@pytest.fixture
def texture(tmp_path):
    return save_png(tmp_path / "painted.png", stripes(16, 16))


def children():
    """Processes that this one has started and that live."""
    files = Path("/proc/self/task").glob("*/children")
    return [int(pid) for file in files for pid in file.read_text().split()]


def engine(tmp_path, monkeypatch, texture, fault="", phase=-1, pause=0.0):
    """Have a stand-in for the engine that goes wrong before it says the message `phase`."""
    preview = tmp_path / "preview.npy"
    np.save(preview, np.full((8, 8, 4), 0.5, np.float32))
    script = PHASES.format(
        fault=fault, phase=phase, texture=str(texture), preview=str(preview), pause=pause
    )
    return stand_in(tmp_path, script, monkeypatch)


def paint(**properties):
    return bpy.ops.object.style_transfer(**properties)


def begin(scene, style):
    """A run as the button starts it, of which nobody takes care."""
    return Run(given_ones(scene.style_transfer_3d, style=str(style)), bpy.context, OnObjects,
               watched=True)  # fmt: skip


def refused(**properties):
    """The one line that it ends with; the file is as it was to the last property."""
    before = dump_all()
    with pytest.raises(RuntimeError) as caught:
        paint(**properties)
    assert difference(before, dump_all()) == []
    text = str(caught.value).strip()
    assert len(text.splitlines()) == 1
    return text


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


# A full disk


class FullDisk:
    """Lets so many writes pass; the next one finds no room."""

    def __init__(self, monkeypatch, passing):
        self.left = passing
        for owner, name in (
            (np, "savez"), (np, "save"), (shutil, "copyfile"), (Path, "write_text"),
            (Path, "write_bytes"), (Path, "mkdir"),
        ):  # fmt: skip
            monkeypatch.setattr(owner, name, self.guarded(getattr(owner, name)))

    def guarded(self, write):
        def guarded(*arguments, **options):
            self.left -= 1
            if self.left < 0:
                raise OSError(28, "No space left on device")
            return write(*arguments, **options)

        return guarded


def test_a_full_disk_at_each_write_of_the_job(cube, style, texture, tmp_path, monkeypatch):
    engine(tmp_path, monkeypatch, texture)
    for passing in range(100):
        with pytest.MonkeyPatch.context() as patch:
            disk = FullDisk(patch, passing)
            if passing == 0:
                assert "No space left" in refused(style=str(style))
                continue
            try:
                text = refused(style=str(style))
            except pytest.fail.Exception:  # it did not fail any more
                break
        assert "No space left" in text
    assert disk.left >= 0
    assert passing >= 5, "the job has more files than that"
    assert shown_image(cube.active_material).name == "Cube style"


@pytest.mark.parametrize("relief", ["NONE", "BUMP"])
def test_an_output_that_cannot_be_saved_at_the_end_is_packed(
    cube, style, texture, tmp_path, monkeypatch, capfd, relief
):
    folder = tmp_path / "output"
    folder.mkdir()
    engine(tmp_path, monkeypatch, texture, f"shutil.rmtree({str(folder)!r})", 4)
    output = folder / "out.png"
    assert paint(style=str(style), output=str(output), relief=relief) == {"FINISHED"}
    image = shown_image(cube.active_material)
    assert image.packed_file.data == texture.read_bytes()
    said = capfd.readouterr().out
    assert f"Warning: File '{output}': it cannot be written" in said
    assert "It is packed into the .blend file instead" in said


def test_a_full_disk_keeps_the_earlier_file(cube, style, texture, tmp_path, monkeypatch):
    output = tmp_path / "out.png"
    output.write_text("the earlier one")
    engine(tmp_path, monkeypatch, texture)
    write = Path.write_bytes

    def full(path, data):
        write(path, data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert paint(style=str(style), output=str(output)) == {"FINISHED"}
    assert output.read_text() == "the earlier one"
    assert not list(tmp_path.glob(".out*"))
    assert shown_image(cube.active_material).packed_file


def test_a_full_disk_at_the_end_is_no_success_for_a_farm(
    cube, style, texture, tmp_path, monkeypatch, capfd
):
    from style_transfer_3d.operators import command  # noqa: PLC0415

    folder = tmp_path / "output"
    folder.mkdir()
    engine(tmp_path, monkeypatch, texture, f"shutil.rmtree({str(folder)!r})", 4)
    options = ["--object", "Cube", "--style", str(style), "--output", str(folder / "o.png")]
    assert command.run(options) == 1
    assert "Saved" not in capfd.readouterr().out


# What the artist does with the files meanwhile


@pytest.mark.parametrize("gone", ["the style", "the image"])
def test_a_file_that_is_removed_meanwhile_is_not_missed(
    cube, style, texture, tmp_path, monkeypatch, gone
):
    look = save_png(tmp_path / "look.png", stripes(8, 8))
    cube.active_material.node_tree.nodes["Image Texture"].image = bpy.data.images.load(str(look))
    file = {"the style": style, "the image": look}[gone]
    engine(tmp_path, monkeypatch, texture, f"os.remove({str(file)!r})", 1)
    assert paint(style=str(style)) == {"FINISHED"}
    assert not file.exists()


def test_undo_and_redo_across_runs(cube, style, texture, tmp_path, monkeypatch):
    engine(tmp_path, monkeypatch, texture)
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    found = [dump()]
    for number in range(3):
        assert paint(style=str(style), seed=number, replace=number == 2) == {"FINISHED"}
        bpy.ops.ed.undo_push(message=f"painted {number}")
        found.append(dump())
    for before in reversed(found[:-1]):
        bpy.ops.ed.undo()
        assert dump() == before
    for after in found[1:]:
        bpy.ops.ed.redo()
        assert dump() == after
    bpy.ops.ed.undo()
    assert paint(style=str(style)) == {"FINISHED"}


def test_saved_and_opened_between_runs(cube, style, texture, tmp_path, monkeypatch):
    engine(tmp_path, monkeypatch, texture)
    file, held = tmp_path / "scene.blend", []
    for number in range(3):
        assert paint(style=str(style), replace=True, seed=number) == {"FINISHED"}
        bpy.ops.wm.save_as_mainfile(filepath=str(file))
        before = dump()
        bpy.ops.wm.open_mainfile(filepath=str(file))
        assert dump() == before
        held.append(before)
    assert held[0] == held[1] == held[2]


def test_cancelled_at_any_moment(cube, scene, style, texture, tmp_path, monkeypatch):
    """Ten times, and a hundred in the nightly size."""
    engine(tmp_path, monkeypatch, texture, pause=0.04)
    chance, seen = random.Random(1), set()
    group = scene.style_transfer_3d
    group.style = str(style)
    before = dump_all()
    for _ in range(100 if NIGHTLY else 10):
        run = begin(scene, style)
        process, end = run.engine._process, time.monotonic() + chance.uniform(0, 0.8)
        while time.monotonic() < end and worker.Done not in seen:
            for message in run.engine.poll():
                seen.add(type(message))
                for file in getattr(message, "previews", ()):
                    run.subject.preview([file])
            time.sleep(chance.uniform(0, 0.02))
        seen.discard(worker.Done)
        while not run.stop():
            time.sleep(0.005)
        assert process.returncode is not None
        assert difference(before, dump_all()) == []
        assert not job_folders()
    assert {worker.Status, worker.Progress} <= seen


# A run that was ended goes on


CHECKPOINTS = f"""
    import sys
    sys.path.insert(0, {str(ROOT)!r})
    from engine import __main__, checkpoint
    checkpoint.GAP, checkpoint.SHARE = 0, 1e9
    sys.exit(__main__.main(sys.argv[4:]))
"""  # the engine, with a checkpoint after each step


def kept_by(own_folder):
    return sorted(path.name for path in own_folder.rglob("*.pt"))


def leaver(texture, tmp_path, monkeypatch, *, fault):
    """A stand-in that tells its checkpoint, leaves one, and then comes to an end or not."""
    leave = """
import hashlib
file = result / "checkpoint.pt"
print(json.dumps(dict(type="WARN", text=file.read_text() if file.exists() else "none")), flush=True)
file.write_text("state")
"""
    engine(tmp_path, monkeypatch, texture, leave + fault, 4)


def test_the_same_run_again_goes_on_and_no_other(
    cube, style, texture, own_folder, tmp_path, monkeypatch, capfd
):
    def warned():
        (line,) = [line for line in capfd.readouterr().out.splitlines() if "Warning" in line]
        return line.removeprefix("Warning: ")

    leaver(texture, tmp_path, monkeypatch, fault="os.kill(os.getpid(), 9)")
    assert "SIGKILL" in refused(style=str(style))
    assert warned() == "none"
    (first,) = kept_by(own_folder)
    assert "SIGKILL" in refused(style=str(style), seed=1)
    assert warned() == "none"
    (second,) = kept_by(own_folder)
    assert second != first, "no more than one is kept"
    assert "SIGKILL" in refused(style=str(style), seed=1)
    assert warned() == "state"
    assert kept_by(own_folder) == [second]
    leaver(texture, tmp_path, monkeypatch, fault="file.unlink()")
    assert paint(style=str(style), seed=1) == {"FINISHED"}
    assert warned() == "state"
    assert kept_by(own_folder) == []


def test_a_cancelled_run_is_kept_too(
    cube, scene, style, texture, own_folder, tmp_path, monkeypatch
):
    leaver(texture, tmp_path, monkeypatch, fault="time.sleep(1000)")
    run = begin(scene, style)
    until = time.monotonic() + 20
    while not any(isinstance(message, worker.Warn) for message in run.engine.poll()):
        assert time.monotonic() < until
    time.sleep(0.2)
    while not run.stop():
        time.sleep(0.01)
    assert len(kept_by(own_folder)) == 1


def test_a_checkpoint_that_cannot_be_kept_is_no_fault(
    cube, style, texture, own_folder, tmp_path, monkeypatch
):
    own_folder.write_text("in the way")
    leaver(texture, tmp_path, monkeypatch, fault="os.kill(os.getpid(), 9)")
    assert "SIGKILL" in refused(style=str(style))


@pytest.mark.timeout(200)
@pytest.mark.skipif(not NIGHTLY, reason="takes a minute")
def test_the_real_engine_killed_goes_on(cube, style, tmp_path, own_folder, monkeypatch, capfd):
    from style_transfer_3d.operators import stylize  # noqa: PLC0415

    stand_in_of_engine(tmp_path, monkeypatch)
    line = stylize.progress_line

    def kill_at_step_3(message):
        if line(message).startswith("Step 3/"):
            os.kill(children()[0], 9)
        return line(message)

    monkeypatch.setattr(stylize, "progress_line", kill_at_step_3)
    assert "SIGKILL" in refused(style=str(style), **SHORT)
    monkeypatch.setattr(stylize, "progress_line", line)
    capfd.readouterr()
    assert paint(style=str(style), **SHORT) == {"FINISHED"}
    said = capfd.readouterr().out
    assert "Going on after step" in said
    assert "Step 1/" not in said
    assert kept_by(own_folder) == []


def stand_in_of_engine(tmp_path, monkeypatch):
    python = stand_in(tmp_path, CHECKPOINTS, monkeypatch)
    python.write_text(python.read_text().replace(sys.executable, ENGINE_PYTHON))
    return python


# Several Blenders


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
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


@pytest.mark.timeout(120)
def test_two_blenders_with_one_file(cube, style, texture, tmp_path, monkeypatch):
    file, output = tmp_path / "scene.blend", tmp_path / "out.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    before = file.read_bytes()
    engine(tmp_path, monkeypatch, texture, pause=0.1)
    both = [blender(file, style, output, {}) for _ in range(2)]
    for one in both:
        said, _ = one.communicate(timeout=60)
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
    other = blender(file, style, "", {**SHORT, "steps": 60})
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


def size_of_torch():
    """KiB of address space that a process takes for loading torch alone."""
    script = (
        "import torch; print(*[l.split()[1] for l in open('/proc/self/status') if 'VmSize' in l])"
    )
    return int(subprocess.check_output([ENGINE_PYTHON, "-c", script], text=True, timeout=100))


def with_limit(limit, tmp_path, monkeypatch):
    """Let the real engine run with a limit of the shell's `ulimit`."""
    stand_in_python(tmp_path, f'ulimit {limit}\nexec {quoted(ENGINE_PYTHON)} "$@"', monkeypatch)


@pytest.mark.timeout(200)
@pytest.mark.skipif(not NIGHTLY, reason="takes a minute")
def test_the_real_engine_with_too_little_memory(cube, style, tmp_path, monkeypatch):
    with_limit(f"-v {size_of_torch() + 1_000_000}", tmp_path, monkeypatch)
    assert "memory is full" in refused(style=str(style), **{**SHORT, "texture_size": 8192})


@pytest.mark.timeout(200)
@pytest.mark.skipif(not NIGHTLY, reason="takes a minute")
@pytest.mark.parametrize("blocks", [0, 1, 2, 4, 8])
def test_the_real_engine_with_too_little_room(cube, style, tmp_path, monkeypatch, blocks):
    with_limit(f"-f {blocks}", tmp_path, monkeypatch)
    assert "cannot be written" in refused(style=str(style), **SHORT)


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
