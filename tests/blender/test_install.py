"""The button Install in the window of a real Blender, from the package index, in every way.

A small package stands in for torch.
"""

import json
import os
import subprocess
import time

import pytest

from tests.blender.conftest import HERE, PREFIX, finish

SCREEN = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24 -nolisten tcp"]
LOOK = "import importlib.util, sys; sys.exit(importlib.util.find_spec('ensurepip') is None)"
LIMIT = 400


@pytest.fixture(scope="module")
def pip(blender):
    """Blender's Python with pip, which Debian keeps in a package of its own."""
    look = ("-b", "--factory-startup", "--python-exit-code", 1, "--python-expr", LOOK)
    if blender(*look)[0]:
        for command in (["update", "-q"], ["install", "-qy", "python3-venv"]):
            subprocess.run([*PREFIX, "apt-get", *command], check=True, timeout=LIMIT)
        code, lines = blender(*look)
        assert code == 0, lines


@pytest.fixture(scope="module")
def in_window(profile, pip):
    """Run one of the functions in install_in_window.py; what it found, in order."""

    def run(function):
        process = subprocess.Popen(
            [
                *PREFIX, *SCREEN, "blender", "--window-geometry", "0", "0", "1600", "1000",
                "--python-exit-code", "1", "--python", HERE / "install_in_window.py",
                "--", function,
            ],
            env={**os.environ, "BLENDER_USER_RESOURCES": str(profile)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        )  # fmt: skip
        code, lines = finish(process, LIMIT)
        assert code == 0, "\n".join(lines)
        found = [json.loads(line[6:]) for line in lines if line.startswith("FOUND ")]
        assert found, "\n".join(lines)
        assert found[-1]["name"] != "error", "\n".join(lines)
        return found

    return run


@pytest.fixture(scope="module")
def found(in_window):
    """What each try came to, by its name."""
    by_name = {}
    for one in in_window("every_way"):
        by_name.setdefault(one["name"], []).append(one)
    return by_name


def test_nothing_runs_after_any_end(found):
    assert len(found) == 10
    for one in (one for tries in found.values() for one in tries):
        assert one["processes"] == [], one
        assert set(one["left"]) <= {"engine", "install.log"}, one


def test_offline(found):
    (one,) = found["offline"]
    assert one["answer"] == (
        "Error: Install PyTorch: Blender is kept offline. "
        "Turn on Preferences > System > Network > Allow Online Access"
    )
    assert one["left"] == []


def test_a_failing_pip(found):
    (one,) = found["failing"]
    assert one["answer"] == ["RUNNING_MODAL"]
    assert {"Making a Python for the engine", "Looking for packages"} <= set(one["seen"])
    assert one["left"] == ["install.log"]
    assert one["failure"].startswith("PyTorch: the package index has no 'six==99.9'")
    assert "install.log" in one["failure"]


def test_what_is_installed_but_does_not_work_counts_for_nothing(found):
    (one,) = found["wrong"]
    assert "does not run on this machine (OSError: no such kernel)" in one["failure"]
    assert one["left"] == ["install.log"]


def test_cancelled_half_way(found):
    first, second = found["cancelled"]
    assert (first["at"], second["at"]) == ("Making", "Trying")
    for one in (first, second):
        assert one["running"] > 0
        assert "it is going on already" in one["again"]
        assert one["seconds"] < 2
        assert one["processes_now"] == []
        assert not one["there"]
        assert one["left"] == ["install.log"]


def test_installed_while_blender_stays_usable(found):
    (one,) = found["good"]
    assert one["answer"] == ["RUNNING_MODAL"]
    assert one["origin"] == "the Python installed by this add-on"
    assert one["said"] == [one["folder"], "six"]
    assert one["says"].startswith("six ")
    assert one["path_kept"]
    assert not one["imported"]
    assert one["gap"] <= 0.15
    assert one["whole"]


def test_a_failure_leaves_what_was_whole(found):
    (one,) = found["failing again"]
    assert one["whole"]
    assert one["origin"] == "the Python installed by this add-on"


def test_another_file_ends_it(found):
    (one,) = found["another file"]
    assert one["whole"]  # the one from before
    assert "another file was opened" in one["failure"]


def test_a_damaged_one_is_replaced(found):
    (one,) = found["damaged"]
    assert [after for _before, after in one["tries"]] == [None, None, None]
    for (before, _after), words in zip(
        one["tries"], ("not finished", "damaged", "missing"), strict=True
    ):
        assert words in before


def test_removed(found):
    (one,) = found["removed"]
    assert one["left"] == ["install.log"]


def test_switched_off_half_way(found):
    (one,) = found["disabled"]
    assert one["left"] == ["install.log"]


def test_blender_quits_half_way(in_window):
    (one,) = in_window("quit_half_way")
    assert one["running"] > 0
    end = time.monotonic() + 10
    while one["folder"] in (said := _processes()) and time.monotonic() < end:
        time.sleep(0.2)
    assert one["folder"] not in said


def _processes():
    command = [*PREFIX, "ps", "-eww", "-o", "args="]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout
