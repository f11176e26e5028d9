"""The running job in a real Blender with a window, on a virtual screen."""

import json
import subprocess
import time

import pytest

from tests.blender.conftest import HERE, LIMIT, finish, start_command

SCREEN = "-screen 0 1600x1000x24 -nolisten tcp"
BLENDER = ["blender", "--enable-event-simulate", "--window-geometry", "0", "0", "1600", "1000",
           "--python-exit-code", "1", "--python"]  # fmt: skip


@pytest.fixture(scope="module")
def scene(blender, tmp_path_factory):
    """A folder with cube.blend and waves.png."""
    folder = tmp_path_factory.mktemp("window")
    code, lines = blender("-b", "--factory-startup", "--python-exit-code", 1,
                          "--python", HERE / "make_scene.py", "--", folder)  # fmt: skip
    assert code == 0, lines
    return folder


@pytest.fixture
def play(profile, scene):
    """Start a case in a window; gives its process."""

    def run(case, *arguments):
        script = [HERE / "play.py", "--", case, *arguments, scene]
        return start_command(profile, "xvfb-run", "-a", "-s", SCREEN, *BLENDER, *script)

    return run


def result(process, limit=LIMIT):
    """What the case found, and all that Blender printed."""
    code, lines = finish(process, limit)
    assert code == 0, "\n".join(lines)
    assert not [line for line in lines if "Traceback" in line], "\n".join(lines)
    (found,) = [line for line in lines if line.startswith("RESULT ")]
    return json.loads(found.removeprefix("RESULT ")), lines


def test_a_cancelled_run_and_a_finished_one(play):
    found, _lines = result(play("case_runs"))
    cancelled, finished = found["cancelled"], found["finished"]
    assert cancelled.pop("seconds") < 2
    assert cancelled == {
        "unchanged": True, "preview_seen": True, "preview_gone": True, "engine_gone": True,
        "folders": [],
    }  # fmt: skip
    median, worst = finished.pop("median_gap"), finished.pop("worst_gap")
    assert median <= 0.15
    assert worst <= 1.0
    assert finished == {
        "rising": True, "changed": True, "undone": True, "redone": True,
        "same_as_blocking": True, "engines": [], "folders": [],
    }  # fmt: skip


def test_what_an_artist_may_do_meanwhile(play):
    found, _lines = result(play("case_meanwhile"))
    for what in found.values():
        assert what.pop("engines") == []
        assert what.pop("folders") == []
    refused = found.pop("refuse_another")
    assert "Object 'Cube': it is being painted at the moment." in refused.pop("said")
    assert refused == {"still_running": True}
    running, clean = {"still_running": True}, {"clean": True}
    assert found == {
        "rename": running,
        "delete": running,
        "edit": running,
        "undo": {**running, **clean, "moved_back": True},
        "save": {**running, **clean},
        "open_another_file": {"ended": True, "preview_gone": True},
        "close_its_window": {"ended": True, **clean},
        "disable": {**clean, "engines_at_once": []},
    }


def test_the_end_waits_for_what_is_being_dragged(play):
    found, _lines = result(play("case_drag"))
    ended = {"image": True, "place": [0, 0, 0]}
    assert found == {
        "waits": {"running": True, "said": "Done, waiting for Move", "image": False},
        "cancelled": ended,
        "sphere_undone": {**ended, "sphere": False},
        "undone": {"image": False, "place": [0, 0, 0]},
        "not_for_ever": {"image": True, "dragging": ["TRANSFORM_OT_translate"]},
    }


def test_engines_that_go_wrong(play):
    found, _lines = result(play("case_faults"))
    said = {name: fault.pop("said") for name, fault in found.items()}
    assert all(f == {"unchanged": True, "engines": [], "folders": []} for f in found.values())
    words = {
        "killed": "Engine: it ended half-way (killed by SIGKILL)",
        "hanging": "Engine: it has said nothing for 3 seconds and seems to hang",
        "garbage": "Engine: it said 'Segmentation fault (just kidding)', which is no message",
        "dead_at_once": "Engine: it ended half-way (exit code 7)",
        "disk_full": "it cannot be written to (",
    }
    assert said.keys() == words.keys()
    for name, text in words.items():
        (line,) = said[name]
        assert text in line


def test_the_viewport_is_a_view_as_blender_draws_it(play):
    found, _lines = result(play("case_views"))
    assert found.keys() == {"PERSP", "ORTHO", "CAMERA"}
    assert max(found.values()) < 0.1  # pixels


@pytest.mark.parametrize("how", ["quit", "kill"])
def test_no_engine_outlives_blender(play, how):
    process = play("case_quit", how)
    code, lines = finish(process)
    assert (code == 0) == (how == "quit"), "\n".join(lines)
    (pid,) = [int(line.split()[1]) for line in lines if line.startswith("ENGINE ")]
    deadline = time.monotonic() + 10
    while _alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _alive(pid):
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, timeout=10,
        check=False,
    ).stdout.strip()  # fmt: skip
    return bool(state) and not state.startswith("Z")
