"""Runs inside a Blender with a window: drives it as an artist does, by a timer of Blender's.

A case is a generator: it yields whenever Blender shall go on for a moment, and returns what is
to be printed as one JSON line for the test that started it.
"""

import json
import os
import stat
import subprocess
import sys
import textwrap
import time
import traceback
from pathlib import Path

import bpy
import numpy

TICK = 0.03
LIMIT = 550  # seconds for a case, on a machine that is busy
PREVIEWS = """
    import json, numpy, pathlib, sys, time
    folder = pathlib.Path(sys.argv[-1])
    def say(**message):
        print(json.dumps(message), flush=True)
    say(type="STATUS", text="Preparing")
    for step in range(1, 100000):
        pixels = numpy.full((32, 32, 4), (step % 20) / 20, numpy.float32)
        preview = folder / f"preview_{step % 2}.npy"
        numpy.save(folder / "part.npy", pixels)
        (folder / "part.npy").replace(preview)
        say(type="PROGRESS", step=step, steps=100000, losses={"style": 1.0, "content": 0.5},
            seconds=step / 10, share=step / 100000, previews=[str(preview)])
        time.sleep(0.05)
"""  # what an engine says that never comes to its end

ticks = []  # when the timer was called


def drive(case, *arguments):
    """Run `case(*arguments)` once Blender's window is up; print its result and quit."""
    begun = time.monotonic()
    steps = case(*arguments)

    def tick():
        ticks.append(time.monotonic())
        try:
            if ticks[-1] - begun > LIMIT:
                raise TimeoutError(f"the case took more than {LIMIT} seconds")
            next(steps)
        except StopIteration as end:
            print("RESULT " + json.dumps(end.value), flush=True)
            bpy.ops.wm.quit_blender()
            return None
        except Exception:  # noqa: BLE001 - whatever it is, Blender must not stay open
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        return TICK

    bpy.app.timers.register(tick, first_interval=3.0, persistent=True)


def wait(seconds):
    """Let Blender go on for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def until(condition, seconds=60.0):
    """Let Blender go on until `condition()`; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        yield


def window():
    return bpy.context.window_manager.windows[0]


def viewport(kind="VIEW_3D"):
    """The 3D viewport, or another kind of editor, and its main region."""
    area = next(area for area in window().screen.areas if area.type == kind)
    return area, next(region for region in area.regions if region.type == "WINDOW")


def paint(mode="INVOKE_DEFAULT", **settings):
    """Call the operator as the button does."""
    area, region = viewport()
    with bpy.context.temp_override(window=window(), area=area, region=region):
        return bpy.ops.object.style_transfer(mode, **settings)


def press(key, kind="VIEW_3D"):
    """Press and release a key with the mouse over the viewport, or another kind of editor."""
    area, _region = viewport(kind)
    x, y = area.x + area.width // 3, area.y + area.height // 3
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type=key, value=value, x=x, y=y)


def click(x, y):
    """Click with the left mouse button at a window's pixel, y from the bottom."""
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type="LEFTMOUSE", value=value, x=x, y=y)


def run_state():
    return bpy.context.window_manager.style_transfer_3d


def is_running():
    return run_state().active


def preview_pixels():
    """The preview's colors, None if there is none."""
    image = bpy.data.images.get("Style transfer preview")
    return list(image.pixels[:4096]) if image else None


def engines():
    """Process numbers of the engines that this Blender has started and that live."""
    found = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "pid=,stat=,args="],
        capture_output=True, text=True, timeout=10, check=False,
    ).stdout.splitlines()  # fmt: skip
    return [
        int(line.split()[0]) for line in found if "-m engine" in line and line.split()[1][0] != "Z"
    ]


def job_folders():
    """Names of the job folders that are left."""
    return sorted(path.name for path in Path(bpy.app.tempdir).glob("style_transfer_3d_*"))


def stand_in(folder, script):
    """Let this Blender's Python run `script` instead of the engine."""
    source, python = folder / "stand_in.py", folder / "python"
    source.write_text(textwrap.dedent(script))
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{source}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    os.environ["STYLE_TRANSFER_3D_PYTHON"] = str(python)


def reports():
    """What Blender has told the artist since the file was opened, as its Info editor shows it."""
    area, _region = viewport()
    kind, area.type = area.type, "INFO"
    yield
    with bpy.context.temp_override(window=window(), area=area, region=area.regions[-1]):
        bpy.ops.info.select_all(action="SELECT")
        bpy.ops.info.report_copy()
    area.type = kind
    yield
    return bpy.context.window_manager.clipboard.splitlines()


def model(folder):
    """The pixels in the middle of the viewport as they are on the screen."""
    _area, region = viewport()
    file = folder / "screen.png"
    screenshot(file)
    screen = bpy.data.images.load(str(file))
    width, height = screen.size
    pixels = numpy.empty(width * height * 4, numpy.float32)
    screen.pixels.foreach_get(pixels)
    bpy.data.images.remove(screen)
    x, y = region.x + region.width // 2, region.y + region.height // 2
    rows = pixels.reshape(height, width, 4)  # row 0 at the bottom, as the window's y
    return rows[y - 40 : y + 40, x - 40 : x + 40].round(2).tolist()


def screenshot(path):
    """Save the whole screen; the window must have been drawn."""
    subprocess.run(["import", "-window", "root", str(path)], timeout=30, check=True)
