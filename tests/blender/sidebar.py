"""The tab Style and its buttons, found and clicked as an artist does; for cases of `driver`."""

import bpy
import driver
from driver import until, wait

_STEP = 10  # pixels between two places that are looked at; a button is some 20 high


def open_tab(name="Style", kind="VIEW_3D"):
    """Show the sidebar of this kind of editor with this tab in front."""
    area, _region = driver.viewport(kind)
    area.spaces.active.show_region_ui = True
    yield from until(lambda: _choose(name, kind), 20)
    yield from wait(0.5)


def press(operator, kind="VIEW_3D"):
    """Click the button of this operator, such as `object.style_transfer`.

    Blender does not tell where its buttons are. So the mouse goes down the sidebar, and wherever
    Blender can tell the command of the button below it, that is asked for: nothing is clicked
    but what was looked for.
    """
    region = _sidebar(kind)
    x = region.x + region.width // 2 - 40
    for y in range(region.y + region.height - 10, region.y + 10, -_STEP):
        driver.window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield
        yield
        if _command(kind).startswith(f"bpy.ops.{operator}("):
            driver.click(x, y)
            yield from wait(0.2)
            return
    raise AssertionError(f"there is no button for {operator}")


def _sidebar(kind):
    area, _region = driver.viewport(kind)
    return next(region for region in area.regions if region.type == "UI")


def _choose(name, kind):
    region = _sidebar(kind)
    region.tag_redraw()
    try:
        region.active_panel_category = name
    except AttributeError:  # it has not been drawn yet
        return False
    return True


def _command(kind):
    """The command of the button below the mouse; empty if it is none that has one."""
    area, _region = driver.viewport(kind)
    with bpy.context.temp_override(window=driver.window(), area=area, region=_sidebar(kind)):
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        bpy.context.window_manager.clipboard = ""
        bpy.ops.ui.copy_python_command_button()
    return bpy.context.window_manager.clipboard
