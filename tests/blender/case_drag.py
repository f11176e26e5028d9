"""Runs that end while the artist drags the object, in a window."""

import sys
from pathlib import Path

import bpy
import driver
from bl_ext.user_default.style_transfer_3d.operators import stylize
from driver import is_running, preview_pixels, until, wait

from tests.operators.scenes import save_png, stripes

FOLDER = Path(sys.argv[-1])
END = FOLDER / "end"
ENGINE = f"""
    import json, numpy, pathlib, shutil, sys, time
    folder = pathlib.Path(sys.argv[-1])
    def say(**message):
        print(json.dumps(message), flush=True)
    step = 0
    while not pathlib.Path({str(END)!r}).exists():
        step += 1
        preview = folder / f"preview_{{step % 2}}.npy"
        numpy.save(preview, numpy.full((32, 32, 4), (step % 20) / 20, numpy.float32))
        say(type="PROGRESS", step=step, steps=1000, losses={{}}, seconds=1.0, share=0.5,
            previews=[str(preview)])
        time.sleep(0.2)
    result = folder / "result"
    result.mkdir()
    shutil.copyfile({str(FOLDER / "painted.png")!r}, result / "texture.png")
    (result / "report.json").write_text("{{}}")
    say(type="DONE", textures=[str(result / "texture.png")], report=str(result / "report.json"))
"""  # previews until the file END is there, then a result


def case():
    save_png(FOLDER / "painted.png", stripes(16, 16))
    driver.stand_in(FOLDER, ENGINE)
    found = {}
    yield from ended_while_dragging()
    found["waits"] = {
        "running": is_running(), "said": driver.run_state().text, "image": painted()["image"],
    }  # fmt: skip
    driver.press("RIGHTMOUSE")
    yield from until(lambda: not is_running(), 10)
    yield from wait(0.3)
    found["cancelled"] = painted()
    area, region = driver.viewport()
    with bpy.context.temp_override(window=driver.window(), area=area, region=region):
        bpy.ops.mesh.primitive_uv_sphere_add("INVOKE_DEFAULT", True)
    yield from wait(0.3)
    bpy.ops.ed.undo()
    yield from wait(0.3)
    found["sphere_undone"] = {**painted(), "sphere": "Sphere" in bpy.data.objects}
    bpy.ops.ed.undo()
    yield from wait(0.3)
    found["undone"] = painted()
    stylize.LONGEST_WAIT = 1.0
    yield from ended_while_dragging()
    yield from until(lambda: not is_running(), 20)
    found["not_for_ever"] = {"image": painted()["image"], "dragging": modal_operators()}
    driver.press("ESC")
    yield from wait(0.3)
    return found


def ended_while_dragging():
    """Open the scene, start a run, drag the cube, and let the engine end a while ago."""
    END.unlink(missing_ok=True)
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "cube.blend"))
    yield
    bpy.context.scene.style_transfer_3d.style = str(FOLDER / "waves.png")
    bpy.ops.ed.undo_push(message="settings")
    assert driver.paint() == {"RUNNING_MODAL"}
    yield from until(preview_pixels, 20)
    area, _region = driver.viewport()
    driver.press("G")
    yield from until(lambda: len(modal_operators()) == 2, 10)
    for step in range(5):
        x, y = area.x + area.width // 3 + 20 * step, area.y + area.height // 3
        driver.window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield from wait(0.2)
    assert painted()["place"] != [0, 0, 0]
    END.touch()
    yield from wait(3.0)


def modal_operators():
    return [
        operator.bl_idname
        for operator in driver.window().modal_operators
        if "style_transfer" not in operator.bl_idname or is_running()
    ]


def painted():
    """Whether the result is in the file, and where the cube is."""
    place = [round(value, 3) for value in bpy.data.objects["Cube"].location]
    return {"image": "Cube style" in bpy.data.images, "place": place}


driver.drive(case)
