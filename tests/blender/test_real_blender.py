"""The built zip in a real Blender: installed, run headless, looked at. `make test-blender`."""

import json
import os
import shlex
import signal
import time
import zipfile

import pytest

from tests.blender.conftest import HERE, finish, start

SHIPPED = {"__init__.py", "blender_manifest.toml", "README.md", "LICENSE", "CREDITS.md"}


@pytest.fixture
def scene(blender, tmp_path):
    """A folder with cube.blend and waves.png."""
    code, lines = blender("-b", "--factory-startup", "--python-exit-code", 1,
                          "--python", HERE / "make_scene.py", "--", tmp_path)  # fmt: skip
    assert code == 0, lines
    return tmp_path


def headless(blender, scene, *arguments):
    """Run the command on the scene; its exit code and its lines."""
    return blender("-b", scene / "cube.blend", "-c", "style_transfer_3d", *arguments)


def test_what_is_in_the_zip(extension):
    names = zipfile.ZipFile(extension).namelist()
    top = {name for name in names if "/" not in name}
    assert top <= SHIPPED
    assert {name.split("/")[0] for name in names} - top == {"engine", "operators", "panels"}
    assert "engine/vgg16_features.pt" in names
    assert not [name for name in names if "__pycache__" in name]


def test_headless_run(blender, scene):
    output, report = scene / "out.png", scene / "report.json"
    code, lines = headless(
        blender, scene, "--object", "Cube", "--style", scene / "waves.png", "--preset", "DRAFT",
        "--steps", 6, "--texture-size", 128, "--device", "CPU",
        "--output", output, "--report", report, "--save",
    )  # fmt: skip
    assert code == 0, "\n".join(lines)
    for path in (output, report, scene / "cube.blend"):
        assert f"Saved: '{path}'" in lines
    assert any(line.startswith("Step 6/6") for line in lines)
    assert output.read_bytes().startswith(b"\x89PNG")
    assert 0 < json.loads(report.read_text())["coverage"] <= 1  # few steps see few sides

    code, lines = blender("-b", scene / "cube.blend", "--python", HERE / "look_at_scene.py")
    (line,) = [line for line in lines if line.startswith("FOUND ")]
    found = json.loads(line.removeprefix("FOUND "))
    assert (found["image"], found["size"], found["packed"]) == ("Cube style", [128, 128], False)
    assert "waves.png" in found["images"]
    assert found["recipe"]["settings"]["steps"] == 6
    assert not found["torch"]


def test_an_unknown_object(blender, scene):
    before = (scene / "cube.blend").read_bytes()
    code, lines = headless(
        blender, scene, "--object", "Cub", "--style", scene / "waves.png", "--save"
    )
    assert code == 1
    errors = [line for line in lines if "Error" in line or "Traceback" in line]
    assert errors == [
        "Error: Object 'Cub': there is no such object in the scene 'Scene'. Choose 'Cube'"
    ]
    assert (scene / "cube.blend").read_bytes() == before


def test_a_mistyped_option(blender, scene):
    code, lines = headless(blender, scene, "--object", "Cube", "--size", "3")
    assert code == 1
    assert [line for line in lines if "rror" in line] == [
        "Error: Command line: unrecognized arguments: --size 3. "
        "blender -c style_transfer_3d --help tells what there is"
    ]


def test_an_engine_that_dies(blender, scene, monkeypatch):
    python = scene / "python"
    python.write_text("#!/bin/sh\necho 'out of luck' >&2\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", str(python))
    code, lines = headless(blender, scene, "--object", "Cube", "--style", scene / "waves.png")
    assert code == 1
    (line,) = [line for line in lines if "rror" in line]
    assert line.startswith("Error: Engine: it ended half-way (exit code 3), its last words: out of")


def test_ctrl_c_in_the_shell(profile, blender, scene, monkeypatch):
    """The whole group gets it; Blender itself swallows the first one."""
    python, pid_file = scene / "python", scene / "pid"
    python.write_text(f"#!/bin/sh\necho $$ > {shlex.quote(str(pid_file))}\nexec sleep 1000\n")
    python.chmod(0o755)
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", str(python))
    process = start(profile, "-b", scene / "cube.blend", "-c", "style_transfer_3d",
                    "--object", "Cube", "--style", scene / "waves.png")  # fmt: skip
    while process.poll() is None and not (pid_file.exists() and pid_file.read_text().strip()):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    code, lines = finish(process, limit=30)
    assert code == 1
    assert any("Style transfer cancelled: nothing was changed" in line for line in lines)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_an_engine_python_that_is_not_there(blender, scene, monkeypatch):
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", "/no/python")
    code, lines = headless(blender, scene, "--object", "Cube", "--style", scene / "waves.png")
    assert code == 1
    (line,) = [line for line in lines if "rror" in line]
    assert line.startswith("Error: Engine Python '/no/python': there is no such file.")
