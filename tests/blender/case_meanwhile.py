"""What an artist may do while a run is going, in a window, with an engine that never ends."""

import sys
from pathlib import Path

import bpy
import driver
from driver import is_running, preview_pixels, until, wait

from tests.operators.scenes import dump

FOLDER = Path(sys.argv[-1])
ADD_ON = "bl_ext.user_default.style_transfer_3d"


def case():
    driver.stand_in(FOLDER, driver.PREVIEWS)
    found = {}
    for what in (
        rename, delete, edit, undo, save, refuse_another, open_another_file, close_its_window,
        disable,
    ):  # fmt: skip
        before = yield from start()
        found[what.__name__] = yield from what(before)
        if is_running():
            driver.press("ESC")
            yield from until(lambda: not is_running(), 10)
        yield from wait(0.2)
        found[what.__name__] |= {"engines": driver.engines(), "folders": driver.job_folders()}
    return found


def start():
    """Open the scene and start a run; what the file held before."""
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    bpy.context.scene.style_transfer_3d.style = str(FOLDER / "waves.png")
    bpy.ops.ed.undo_push(message="settings")
    before = dump()
    assert driver.paint() == {"RUNNING_MODAL"}
    yield from shown()
    return before


def shown():
    """Until a preview is there that was not before."""
    seen = preview_pixels()
    yield from until(lambda: preview_pixels() not in (None, seen), 20)


def rename(_before):
    bpy.data.objects["Cube"].name = "Sphere"
    yield from shown()
    return {"still_running": is_running()}


def delete(_before):
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    step = driver.run_state().step
    yield from until(lambda: driver.run_state().step > step + 20, 20)
    return {"still_running": is_running()}


def edit(_before):
    area, region = driver.viewport()
    with bpy.context.temp_override(window=driver.window(), area=area, region=region):
        bpy.ops.object.mode_set(mode="EDIT")
        bpy.ops.mesh.subdivide()
        yield from shown()
        bpy.ops.object.mode_set(mode="OBJECT")
    yield from shown()
    return {"still_running": is_running()}


def undo(before):
    bpy.data.objects["Cube"].location.x = 1
    bpy.ops.ed.undo_push(message="move")
    yield from shown()
    bpy.ops.ed.undo()
    moved_back = bpy.data.objects["Cube"].location.x == 0
    clean = dump() == before
    yield from shown()
    bpy.ops.ed.redo()
    yield from shown()
    return {"still_running": is_running(), "moved_back": moved_back, "clean": clean}


def save(before):
    path = FOLDER / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    yield from shown()
    running = is_running()
    driver.press("ESC")
    yield from until(lambda: not is_running(), 10)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    yield
    return {"still_running": running, "clean": dump() == before}


def refuse_another(_before):
    try:
        driver.paint()
    except RuntimeError as error:
        text = str(error)
    yield
    return {"still_running": is_running(), "said": text}


def open_another_file(_before):
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield from wait(0.5)
    return {"ended": not is_running(), "preview_gone": preview_pixels() is None}


def close_its_window(_before):
    driver.press("ESC")
    yield from until(lambda: not is_running(), 10)
    bpy.ops.wm.window_new()
    yield from wait(0.5)
    second = bpy.context.window_manager.windows[-1]
    area = second.screen.areas[0]
    area.type = "VIEW_3D"
    yield from wait(0.5)
    region = next(region for region in area.regions if region.type == "WINDOW")
    before = dump()[1:4]
    with bpy.context.temp_override(window=second, area=area, region=region):
        bpy.ops.object.style_transfer("INVOKE_DEFAULT")
    yield from shown()
    with bpy.context.temp_override(window=second):
        bpy.ops.wm.window_close()
    yield from wait(1.0)
    return {"ended": not is_running(), "clean": dump()[1:4] == before}  # it has no screen now


def disable(before):
    bpy.ops.preferences.addon_disable(module=ADD_ON)
    yield from wait(0.5)
    clean, engines = dump() == before, driver.engines()
    bpy.ops.preferences.addon_enable(module=ADD_ON)
    yield
    return {"clean": clean, "engines_at_once": engines}


driver.drive(case)
