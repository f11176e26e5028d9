"""What an add-on can leave behind in Blender, as texts that can be compared."""

import gc
from contextlib import contextmanager
from unittest.mock import patch

import bpy
import bpy.utils.previews


@contextmanager
def watch():
    """Yield a function that gives the traces of now, by kind: a list of texts each.

    Blender does not tell which timers and commands it has: those that come and go are noted
    from here on.
    """
    timers, commands = [], []
    add_timer = bpy.app.timers.register
    add_command, take_command = bpy.utils.register_cli_command, bpy.utils.unregister_cli_command

    def register_timer(function, **options):
        timers.append(function)
        return add_timer(function, **options)

    def register_command(name, function):
        handle = add_command(name, function)
        commands.append((handle, name))
        return handle

    def unregister_command(handle):
        take_command(handle)
        commands[:] = [known for known in commands if known[0] is not handle]

    def traces():
        return {
            "classes": sorted(_registered(bpy.types.bpy_struct)),
            "attributes": sorted(_attributes()),
            "draw functions": sorted(_draw_functions()),
            "handlers": sorted(_handlers()),
            "timers": [
                repr(function) for function in timers if bpy.app.timers.is_registered(function)
            ],
            "commands": [name for _handle, name in commands],
            "keymap items": sorted(_keymap_items()),
            "previews": sorted(_previews()),
            "preset paths": sorted(bpy.utils.preset_paths(".")),
        }

    with (
        patch.object(bpy.app.timers, "register", register_timer),
        patch.object(bpy.utils, "register_cli_command", register_command),
        patch.object(bpy.utils, "unregister_cli_command", unregister_command),
    ):
        yield traces


def added(before, after):
    """What is in `after` and not in `before`, or the other way round, by kind."""
    return {
        kind: sorted(set(before[kind]) ^ set(after[kind]))
        for kind in before
        if before[kind] != after[kind]
    }


def _registered(base):
    """The Python classes below `base` that Blender knows; property groups are listed nowhere."""
    for cls in base.__subclasses__():
        if not cls.__module__.startswith(("bpy.types", "bpy_types")) and "bl_rna" in vars(cls):
            yield f"{cls.__module__}.{cls.__qualname__}"
        yield from _registered(cls)


def _attributes():
    """Blender's types, with what was set on them: properties and plain Python."""
    for name in dir(bpy.types):
        yield name
        attributes = getattr(getattr(bpy.types, name), "__dict__", ())
        yield from (f"{name}.{attribute}" for attribute in attributes)


def _draw_functions():
    for name in dir(bpy.types):
        draw = getattr(getattr(bpy.types, name), "draw", None)
        for function in getattr(draw, "_draw_funcs", ()):
            if function.__module__ != getattr(bpy.types, name).__module__:
                yield f"{name}: {function.__module__}.{function.__qualname__}"


def _handlers():
    for name in dir(bpy.app.handlers):
        functions = getattr(bpy.app.handlers, name)
        if isinstance(functions, list):
            yield from (f"{name}: {function!r}" for function in functions)


def _keymap_items():
    for keymap in bpy.context.window_manager.keyconfigs.addon.keymaps:
        for item in keymap.keymap_items:
            yield f"{keymap.name}: {item.idname} {item.to_string()}"


def _previews():
    """What is in collections that nobody has closed."""
    for thing in gc.get_objects():
        if type(thing) is bpy.utils.previews.ImagePreviewCollection:
            yield from thing
