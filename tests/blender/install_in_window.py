"""Run by a Blender with a window: press Install in every way that it can go, and tell of it.

Arguments after `--`: the name of one of the functions at the end. Each line `FOUND {…}` is what
one try came to.
"""

import itertools
import json
import os
import subprocess
import sys
import time

import bpy
from bl_ext.user_default.style_transfer_3d.operators import engine_python, environment
from bl_ext.user_default.style_transfer_3d.operators.task import Task

MODULE = "bl_ext.user_default.style_transfer_3d"
FOLDER = engine_python.private_folder()
PATIENCE = 120  # seconds for anything that is waited for


def found(name, **values):
    print("FOUND " + json.dumps({"name": name, **values}), flush=True)


def stand_in(*requirements, check="import six; print('six', six.__version__)"):
    """What is installed instead of torch."""
    environment.REQUIREMENTS, environment.CHECK = requirements, check


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain, {Task.current and Task.current.status}")
        yield


def press(window=None):
    """What Blender answers to the button, or its error."""
    windows = bpy.context.window_manager.windows
    with bpy.context.temp_override(window=window or windows[0]):
        try:
            return sorted(bpy.ops.wm.style_transfer_3d_install("INVOKE_DEFAULT"))
        except RuntimeError as error:
            return str(error).strip()


def processes():
    """The command lines of what runs from the private environment or for it."""
    command = ["ps", "-eww", "-o", "args="]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return [line for line in done.stdout.splitlines() if str(FOLDER) in line]


def at(text):
    """Wait until the task is at something and has a process; returns how many it has then."""
    running = []

    def there():
        task = Task.current
        running[:] = processes() if task and task.text.startswith(text) else []
        return running

    yield from until(there)
    return len(running)


def state():
    """What is there, once all that is being deleted is gone."""
    yield from until(lambda: not list(FOLDER.parent.glob("trash_*")))
    return {
        "left": sorted(path.name for path in FOLDER.parent.glob("*")),
        "processes": processes(),
        "failure": Task.failures.get("Install PyTorch", ""),
        "whole": environment.problem(FOLDER) is None,
    }


def offline():
    bpy.context.preferences.system.use_online_access = False
    answer = press()
    found("offline", answer=answer, **(yield from state()))


def failing():
    stand_in("six==99.9")
    answer = press()
    seen = set()

    def over():
        if Task.current:
            seen.add(Task.current.text)
        return not Task.current

    yield from until(over)
    found("failing", answer=answer, seen=sorted(seen), **(yield from state()))


def wrong():
    """It is installed, but does not work."""
    stand_in("six", check="import six\nraise OSError('no such kernel')")
    press()
    yield from until(lambda: not Task.current)
    found("wrong", **(yield from state()))


def cancelled(text):
    """Cancelled by its button when it is at something."""
    stand_in("six", check="import time; time.sleep(1000)")
    press()
    running = yield from at(text)
    again = press()
    begun = time.monotonic()
    bpy.ops.wm.style_transfer_3d_cancel()
    seconds = time.monotonic() - begun
    there, now = FOLDER.exists(), processes()
    found("cancelled", at=text, running=running, again=again, seconds=seconds,
          there=there, processes_now=now, **(yield from state()))  # fmt: skip


def good():
    stand_in("six")
    path = list(sys.path)
    bpy.ops.screen.userpref_show(section="ADDONS")
    yield
    # From the window of the preferences, which is closed meanwhile.
    preferences = bpy.context.window_manager.windows[-1]
    assert len(bpy.context.window_manager.windows) == 2
    answer = press(preferences)
    yield from at("Making")
    with bpy.context.temp_override(window=preferences):
        bpy.ops.wm.window_close()
    ticks = [time.monotonic()]

    def over():
        ticks.append(time.monotonic())
        return not Task.current

    yield from until(over)
    gaps = sorted(b - a for a, b in itertools.pairwise(ticks))
    python = engine_python.find()
    said = subprocess.run(
        [python.path, "-c", "import sys, six; print(sys.prefix, six.__name__)"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    found("good", answer=answer, origin=python.origin, said=said.stdout.split(), folder=str(FOLDER),
          says=environment.description(FOLDER), path_kept=sys.path == path,
          imported="six" in sys.modules and str(FOLDER) in str(sys.modules["six"].__file__),
          gap=gaps[len(gaps) // 2], worst_gap=gaps[-1],
          **(yield from state()))  # fmt: skip


def failing_again():
    """What was whole before is there again."""
    stand_in("six==99.9")
    press()
    yield from until(lambda: not Task.current)
    found("failing again", origin=engine_python.find().origin, **(yield from state()))


def damaged():
    """Broken ones are seen and replaced."""
    tries = []
    for damage in (
        (FOLDER / environment.MARKER).unlink,
        lambda: (FOLDER / environment.MARKER).write_text("{"),
        environment.python_in(FOLDER).unlink,
    ):
        damage()
        problem = environment.problem(FOLDER)
        stand_in("six")
        press()
        yield from until(lambda: not Task.current)
        tries.append([problem, environment.problem(FOLDER)])
    found("damaged", tries=tries, **(yield from state()))


def another_file():
    stand_in("six", check="import time; time.sleep(1000)")
    press()
    yield from at("Trying")
    bpy.ops.wm.read_homefile(use_empty=True)
    yield from until(lambda: not Task.current)
    found("another file", **(yield from state()))


def removed():
    bpy.ops.wm.style_transfer_3d_remove()
    found("removed", **(yield from state()))


def disabled():
    stand_in("six", check="import time; time.sleep(1000)")
    press()
    yield from at("Making")
    bpy.ops.preferences.addon_disable(module=MODULE)
    found("disabled", **(yield from state()))
    bpy.ops.preferences.addon_enable(module=MODULE)


def every_way():
    yield from offline()
    bpy.context.preferences.system.use_online_access = True
    yield from failing()
    yield from wrong()
    yield from cancelled("Making")
    yield from cancelled("Trying")
    yield from good()
    yield from failing_again()
    yield from another_file()
    yield from damaged()
    yield from removed()
    yield from disabled()


def quit_half_way():
    bpy.context.preferences.system.use_online_access = True
    stand_in("six", check="import time; time.sleep(1000)")
    press()
    running = yield from at("Trying")
    found("quit", folder=str(FOLDER), running=running)


def tick(steps):
    """One step of the script for each call of the timer's; then, or after an error, the end."""
    try:
        next(steps)
    except StopIteration:
        bpy.ops.wm.quit_blender()
        return None
    except BaseException as error:  # noqa: BLE001 - told, and the end
        found("error", error=repr(error), line=error.__traceback__.tb_next.tb_lineno)
        os._exit(1)
    return 0.1


steps = {f.__name__: f for f in (every_way, quit_half_way)}[sys.argv[-1]]()
bpy.app.timers.register(lambda: tick(steps), first_interval=1.0, persistent=True)
