"""The buttons of the tab Style, clicked in a window: unwrap, paint, cancel."""

import sys
from pathlib import Path

import bpy
import driver
import sidebar
from driver import is_running, preview_pixels, until, wait

from tests.operators.scenes import dump

FOLDER = Path(sys.argv[-1])


def case():
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    yield from sidebar.open_tab()
    driver.stand_in(FOLDER, driver.PREVIEWS)
    return {
        "unwrapped": (yield from unwrapped()),
        "in_edit_mode": (yield from in_edit_mode()),
        "in_local_view": (yield from in_local_view()),
        "painted": (yield from painted()),
    }


def maps():
    return [layer.name for layer in bpy.data.objects["Cube"].data.uv_layers]


def without_uvs():
    mesh = bpy.data.objects["Cube"].data
    while mesh.uv_layers:
        mesh.uv_layers.remove(mesh.uv_layers[0])
    mesh.update()
    bpy.ops.ed.undo_push(message="without UVs")


def unwrap():
    """Press the button; the UV maps then, after undo and after redo."""
    before = maps()
    yield from sidebar.press("object.style_transfer_unwrap")
    found = [before, maps()]
    for step in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        with bpy.context.temp_override(window=driver.window()):
            step()
        yield from wait(0.2)
        found.append(maps())
    return found


def unwrapped():
    without_uvs()
    yield from wait(0.5)
    return (yield from unwrap())


def in_viewport(operator, **options):
    area, region = driver.viewport()
    with bpy.context.temp_override(window=driver.window(), area=area, region=region):
        operator(**options)


def in_edit_mode():
    without_uvs()
    in_viewport(bpy.ops.object.mode_set, mode="EDIT")
    bpy.ops.ed.undo_push(message="Edit Mode")
    yield from wait(0.5)
    found = yield from unwrap()
    still = bpy.context.object.mode == "EDIT"
    in_viewport(bpy.ops.object.mode_set, mode="OBJECT")
    return [*found, maps(), still]


def in_local_view():
    without_uvs()
    in_viewport(bpy.ops.view3d.localview)
    yield from wait(0.7)
    found = yield from unwrap()
    in_viewport(bpy.ops.view3d.localview)
    yield from wait(0.7)
    return found


def painted():
    bpy.context.scene.style_transfer_3d.style = str(FOLDER / "waves.png")
    bpy.ops.ed.undo_push(message="settings")
    yield from wait(0.5)
    before = dump()
    yield from sidebar.press("object.style_transfer")
    started = is_running()
    yield from until(lambda: preview_pixels() is not None, 20)
    yield from sidebar.press("object.style_transfer_cancel")
    yield from until(lambda: not is_running(), 10)
    yield from wait(0.3)
    return {
        "started": started,
        "unchanged": dump() == before,
        "engines": driver.engines(),
        "folders": driver.job_folders(),
    }


driver.drive(case)
