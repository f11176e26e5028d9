"""Switched on and off, the add-on leaves Blender as it was."""

import json
import re
import subprocess
import sys
from pathlib import Path

import bpy
import bpy.utils.previews
import pytest

from tests.operators.traces import added, watch

ROOT = Path(__file__).parents[2]

# In a process of its own: only there has the add-on never been registered before.
SCRIPT = """
import json
import bpy
from tests.operators.traces import added, watch

def new_file():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)

found = []
with watch() as traces:
    new_file()
    before = traces()
    from tests.operators import conftest
    import style_transfer_3d as addon
    found.append(added(before, traces()))
    for between in (lambda: None, lambda: None, new_file):
        addon.register()
        found.append(added(before, traces()))
        between()
        addon.unregister()
        found.append(added(before, traces()))
print(json.dumps(found))
conftest.leave_old_bpy(0)
"""


def test_nothing_is_left_behind():
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    *said, last = done.stdout.splitlines()
    assert not re.search("warning|error", "\n".join([*said, done.stderr]), re.IGNORECASE)
    imported, *rounds = json.loads(last)
    assert imported == {}
    on, off = rounds[::2], rounds[1::2]
    assert off == [{}, {}, {}]
    for traces in on:
        assert {"classes", "attributes", "commands"} <= set(traces)
        assert traces.keys() == on[0].keys()
        assert traces["classes"] == on[0]["classes"]


class _Group(bpy.types.PropertyGroup):
    pass


def _draw(self, context):
    pass


def _tick():
    return 1000.0


def _leave(kind):
    """Leave a trace of this kind and return what takes it away again."""
    match kind:
        case "classes":
            bpy.utils.register_class(_Group)
            return lambda: bpy.utils.unregister_class(_Group)
        case "attributes":
            bpy.types.WindowManager.left = bpy.props.IntProperty()
            return lambda: delattr(bpy.types.WindowManager, "left")
        case "draw functions":
            bpy.types.VIEW3D_MT_object.append(_draw)
            return lambda: bpy.types.VIEW3D_MT_object.remove(_draw)
        case "handlers":
            bpy.app.handlers.undo_post.append(_tick)
            return lambda: bpy.app.handlers.undo_post.remove(_tick)
        case "timers":
            bpy.app.timers.register(_tick)
            return lambda: bpy.app.timers.unregister(_tick)
        case "commands":
            handle = bpy.utils.register_cli_command("left", _tick)
            return lambda: bpy.utils.unregister_cli_command(handle)
        case "keymap items":
            keymap = bpy.context.window_manager.keyconfigs.addon.keymaps.new("3D View")
            item = keymap.keymap_items.new("wm.save_mainfile", "F5", "PRESS")
            return lambda: keymap.keymap_items.remove(item)
        case "previews":
            collection = bpy.utils.previews.new()
            collection.new("left")
            return lambda: bpy.utils.previews.remove(collection)


@pytest.mark.parametrize(
    "kind",
    [
        "classes",
        "attributes",
        "draw functions",
        "handlers",
        "timers",
        "commands",
        "keymap items",
        "previews",
    ],
)
def test_each_kind_of_trace_is_seen(kind):
    with watch() as traces:
        before = traces()
        take_away = _leave(kind)
        try:
            assert list(added(before, traces())) == [kind]
        finally:
            take_away()
        assert traces() == before
