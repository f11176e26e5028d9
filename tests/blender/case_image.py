"""The tab Style of the Image Editor, in a window: paint, watch, cancel, undo."""

import sys
from pathlib import Path

import bpy
import driver
import sidebar
from driver import is_running, until, wait

from tests.operators.scenes import dump, painter

FOLDER = Path(sys.argv[-1])
EDITOR = "IMAGE_EDITOR"


def case():
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    area, _region = driver.viewport()
    area.type = EDITOR
    area.spaces.active.image = bpy.data.images["waves.png"]
    bpy.context.scene.style_transfer_3d.style = str(FOLDER / "waves.png")
    bpy.ops.ed.undo_push(message="settings")
    yield from sidebar.open_tab(kind=EDITOR)
    return {"cancelled": (yield from cancelled()), "painted": (yield from painted())}


def shown():
    """The name of what the editor shows."""
    area, _region = driver.viewport(EDITOR)
    image = area.spaces.active.image
    return image.name if image else None


def cancelled():
    driver.stand_in(FOLDER, driver.PREVIEWS)
    before = dump()
    yield from sidebar.press("image.style_transfer", EDITOR)
    yield from until(lambda: shown() == "Style transfer preview", 20)
    yield from wait(0.5)
    driver.screenshot(FOLDER / "image_editor.png")
    driver.press("ESC", EDITOR)
    yield from until(lambda: not is_running(), 10)
    yield from wait(0.3)
    return {
        "shown": shown(),
        "unchanged": dump() == before,
        "engines": driver.engines(),
        "folders": driver.job_folders(),
    }


def painted():
    """What is shown when it is done and after undo, when Blender itself empties the editor."""
    before = dump()
    driver.stand_in(FOLDER, painter(FOLDER / "waves.png", {}))
    yield from sidebar.press("image.style_transfer", EDITOR)
    yield from until(lambda: "waves.png style" in bpy.data.images, 20)
    yield from wait(0.5)
    done = shown()
    with bpy.context.temp_override(window=driver.window()):
        bpy.ops.ed.undo()
    yield from wait(0.3)
    undone, gone = shown(), dump() == before
    with bpy.context.temp_override(window=driver.window()):
        bpy.ops.ed.redo()
    yield from wait(0.3)
    return {"done": done, "undone": undone, "gone": gone, "again": "waves.png style" in dump()[3]}


driver.drive(case)
