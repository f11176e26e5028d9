"""Engines that go wrong, in a window: each must end in one clear message and change nothing."""

import os
import signal
import sys
from pathlib import Path

import bpy
import driver
from driver import is_running, preview_pixels, until, wait

from tests.operators.scenes import dump

FOLDER = Path(sys.argv[-1])
worker = sys.modules["bl_ext.user_default.style_transfer_3d.operators.worker"]
HANGS = """
    import json, time
    print(json.dumps({"type": "STATUS", "text": "Hanging"}), flush=True)
    time.sleep(1000)
"""
GARBAGE = 'import time; print("Segmentation fault (just kidding)", flush=True); time.sleep(1000)'


def case():
    found = {}
    for name, script in (
        ("killed", driver.PREVIEWS), ("hanging", HANGS), ("garbage", GARBAGE),
        ("dead_at_once", "raise SystemExit(7)"),
    ):  # fmt: skip
        driver.stand_in(FOLDER, script)
        worker.Engine.__init__.__kwdefaults__["silence"] = 3.0  # nobody waits five minutes here
        found[name] = yield from fault(name)
    small_files_only()
    worker.Engine.__init__.__kwdefaults__["silence"] = worker.SILENCE
    found["disk_full"] = yield from fault("disk_full", seconds=120)
    return found


def fault(name, seconds=30):
    before = yield from start()
    if name == "killed":
        yield from until(lambda: preview_pixels() is not None, 20)
        (engine,) = driver.engines()
        os.kill(engine, signal.SIGKILL)
    return (yield from outcome(before, seconds))


def small_files_only():
    """Run the real engine where no file can grow beyond some kilobytes, as on a full disk."""
    python = FOLDER / "python"
    python.write_text(f'#!/bin/sh\nulimit -f 8\nexec "{sys.executable}" "$@"\n')


def start():
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    group = bpy.context.scene.style_transfer_3d
    group.style, group.preset, group.steps = str(FOLDER / "waves.png"), "DRAFT", 3
    group.texture_size = 512
    before = dump()
    assert driver.paint() == {"RUNNING_MODAL"}
    return before


def outcome(before, seconds):
    yield from until(lambda: not is_running(), seconds)
    yield from wait(0.3)
    return {
        "said": [
            line for line in (yield from driver.reports()) if "Engine" in line or "Result" in line
        ],
        "unchanged": dump() == before,
        "engines": driver.engines(),
        "folders": driver.job_folders(),
    }


driver.drive(case)
