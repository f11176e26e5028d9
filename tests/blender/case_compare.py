"""A comparison in a window: its sheet grows in the Image Editor, is cancelled, and comes to be."""

import sys
from pathlib import Path

import bpy
import driver
from driver import is_running, press, until, wait

from tests.operators.scenes import dump

FOLDER = Path(sys.argv[-1])
SETTINGS = {"steps": 3, "view_count": 4, "device": "CPU"}


def case():
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    area = next(a for a in driver.window().screen.areas if a.type == "OUTLINER")
    area.ui_type = "IMAGE_EDITOR"
    yield
    area.spaces.active.image = bpy.data.images["waves.png"]
    group = bpy.context.scene.style_transfer_3d
    group.style = str(FOLDER / "waves.png")
    for name, value in SETTINGS.items():
        setattr(group, name, value)
    bpy.ops.ed.undo_push(message="settings")
    before = dump()
    return {
        "cancelled": (yield from cancelled(before, area)),
        "finished": (yield from finished(before, area)),
    }


def compare(**properties):
    area, region = driver.viewport()
    with bpy.context.temp_override(window=driver.window(), area=area, region=region):
        return bpy.ops.object.style_transfer_compare(
            "INVOKE_DEFAULT", compare="SEEDS", **properties
        )


def shown(area):
    image = area.spaces.active.image
    return image.name if image else None


def cancelled(before, area):
    assert compare(columns=5, rows=5) == {"RUNNING_MODAL"}
    yield from until(lambda: shown(area) == "Style transfer preview", 300)
    size = list(area.spaces.active.image.size)
    (engine,) = driver.engines()
    press("ESC")
    yield from until(lambda: not is_running(), 10)
    yield from wait(0.3)
    return {
        "size": size,
        "shown": shown(area),
        "unchanged": dump() == before,
        "engine_gone": engine not in driver.engines(),
        "folders": driver.job_folders(),
    }


def finished(before, area):
    assert compare(columns=2, rows=1) == {"RUNNING_MODAL"}
    yield from until(lambda: not is_running(), 300)
    yield from wait(1.0)
    driver.screenshot(FOLDER / "compared.png")
    *_, images, _active = dump()
    return {
        "shown": shown(area),
        "new": sorted(set(images) - set(before[3])),
        "engines": driver.engines(),
        "folders": driver.job_folders(),
    }


driver.drive(case)
