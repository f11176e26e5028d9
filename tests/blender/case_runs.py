"""A run that is cancelled with Esc and one that is finished, undone and redone, in a window."""

import sys
import time
from pathlib import Path

import bpy
import driver
import sidebar
from driver import is_running, press, preview_pixels, until, wait

from tests.operators.scenes import dump, shown_image

FOLDER = Path(sys.argv[-1])
SETTINGS = {"preset": "DRAFT", "texture_size": 256, "device": "CPU", "seed": 3}


def case():
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    area, _region = driver.viewport()
    area.spaces.active.shading.color_type = "TEXTURE"
    yield from sidebar.open_tab()
    group = bpy.context.scene.style_transfer_3d
    group.style = str(FOLDER / "waves.png")
    for name, value in SETTINGS.items():
        setattr(group, name, value)
    bpy.ops.ed.undo_push(message="settings")
    before = dump()
    return {
        "cancelled": (yield from cancelled(before)),
        "finished": (yield from finished(before)),
    }


def cancelled(before):
    bpy.context.scene.style_transfer_3d.steps = 2000
    yield from sidebar.press("object.style_transfer")
    yield from until(is_running, 10)
    yield from until(lambda: driver.run_state().step > 3, 120)
    first, first_step, first_seen = preview_pixels(), driver.run_state().step, driver.model(FOLDER)
    yield from until(lambda: preview_pixels() != first, 60)
    assert driver.run_state().step > first_step
    yield from wait(0.5)
    seen = driver.model(FOLDER)
    (engine,) = driver.engines()
    begun = time.monotonic()
    press("ESC")
    yield from until(lambda: not is_running(), 10)
    took = time.monotonic() - begun
    yield from wait(0.3)
    return {
        "seconds": took,
        "unchanged": dump() == before,
        "preview_seen": seen != first_seen,
        "preview_gone": preview_pixels() is None,
        "engine_gone": engine not in driver.engines(),
        "folders": driver.job_folders(),
    }


def finished(before):
    bpy.context.scene.style_transfer_3d.steps = 12
    assert driver.paint() == {"RUNNING_MODAL"}
    yield from until(lambda: driver.run_state().step > 0, 120)
    driver.ticks.clear()
    shares = [driver.run_state().share]
    while is_running():
        if driver.run_state().share != shares[-1]:
            shares.append(driver.run_state().share)
        yield
    gaps = sorted(b - a for a, b in zip(driver.ticks, driver.ticks[1:], strict=False))
    cube = bpy.data.objects["Cube"]
    image = shown_image(cube.active_material)
    modal = bytes(image.packed_file.data)
    painted = dump()
    yield from wait(0.3)
    bpy.ops.ed.undo()
    yield
    undone = dump()
    bpy.ops.ed.redo()
    yield
    redone = dump()
    bpy.ops.ed.undo()
    yield
    driver.paint("EXEC_DEFAULT", steps=12)
    blocking = bytes(shown_image(bpy.data.objects["Cube"].active_material).packed_file.data)
    return {
        "rising": shares == sorted(shares) and len(shares) > 3 and shares[-1] == 1.0,
        "median_gap": gaps[len(gaps) // 2],
        "worst_gap": gaps[-1],
        "changed": painted != before,
        "undone": undone == before,
        "redone": redone == painted,
        "same_as_blocking": modal == blocking,
        "engines": driver.engines(),
        "folders": driver.job_folders(),
    }


driver.drive(case)
