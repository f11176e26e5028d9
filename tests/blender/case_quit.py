"""Blender quits, or is killed, while a run is going; the last argument but one says which."""

import os
import signal
import sys
from pathlib import Path

import bpy
import driver
from driver import preview_pixels, until

HOW, FOLDER = sys.argv[-2], Path(sys.argv[-1])


def case(end):
    driver.stand_in(FOLDER, driver.PREVIEWS)
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    bpy.context.scene.style_transfer_3d.style = str(FOLDER / "waves.png")
    assert driver.paint() == {"RUNNING_MODAL"}
    yield from until(lambda: preview_pixels() is not None, 20)
    (engine,) = driver.engines()
    print("ENGINE", engine, flush=True)
    end()
    yield from driver.wait(10)
    raise AssertionError("Blender is still there")


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


driver.drive(case, {"quit": bpy.ops.wm.quit_blender, "kill": kill}[HOW])
