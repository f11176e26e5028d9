"""`blender -b scene.blend -c style_transfer_3d …`: the operator for farms and shells."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import bpy

from ..engine.errors import JobError
from ..engine.settings import Settings
from . import udim
from .compare_settings import COMPARE_NAMES, LEFT_OUT
from .look_settings import StyleTransferStyle
from .output_checks import check_file, check_folder
from .recipe import RECIPE, RELIEF
from .saved_files import save_file
from .selection import paintable
from .settings import NAMES, OF_OBJECTS, SCENE_PROPERTY

NAME = "style_transfer_3d"
_KINDS = {"STRING": str, "ENUM": str, "INT": int, "FLOAT": float}
_registered: list[Any] = []  # Blender's handle on the command: what unregistering it takes


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise JobError("Command line", message, f"blender -c {NAME} --help tells what there is")


def make_parser() -> argparse.ArgumentParser:
    """The command line: what to paint, and every setting, told as the operator does."""
    parser = _Parser(
        prog=f"blender -b SCENE.blend -c {NAME}",
        description="Paint meshes in the style of a picture, as new textures in their own UV maps; "
        "or another picture, as a new image.",
        epilog="What is not given comes from the scene's settings in the .blend file.",
        allow_abbrev=False,
    )
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument(
        "--object", metavar="NAME", action="append", help="a mesh object to paint; may be repeated"
    )
    subject.add_argument(
        "--image", metavar="FILE", help="the picture to paint instead; it needs no SCENE.blend"
    )
    properties = _properties("style_transfer")
    for name in NAMES:
        _add_option(parser, name, properties[name])
    properties = _properties("style_transfer_compare")
    comparison = parser.add_argument_group(
        "instead of a texture, a sheet of drafts to choose from, the mesh as it was"
    )
    for name in COMPARE_NAMES:
        _add_option(comparison, name, properties[name])
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="save the measures here")
    parser.add_argument("--save", action="store_true", help="save the .blend file afterwards")
    return parser


def _properties(operator: str) -> Any:
    """The properties of one of the extension's operators, by name."""
    return getattr(bpy.ops.object, operator).get_rna_type().properties


def _add_option(parser: argparse._ActionsContainer, name: str, setting: Any) -> None:
    """An option for `setting`, a property of the operator's."""
    option = _option(name)
    common: dict[str, Any] = {
        "default": argparse.SUPPRESS,
        "help": (setting.description + _range(setting)).replace("%", "%%"),
    }
    if setting.type == "BOOLEAN":
        parser.add_argument(option, action="store_true", **common)
        return
    if setting.type == "COLLECTION":
        common["metavar"] = ("FILE", "[WEIGHT [REGION]]")
        parser.add_argument(option, action="append", nargs="+", type=str, **common)
        return
    parser.add_argument(
        option,
        type=_KINDS[setting.type],
        nargs=setting.array_length or None if setting.type == "FLOAT" else None,
        choices=setting.enum_items.keys() if setting.type == "ENUM" else None,
        metavar={"FILE_PATH": "FILE", "PIXEL": "N"}.get(setting.subtype),
        **common,
    )


def _range(setting: Any) -> str:
    """Which numbers a setting takes, to be said after what it does."""
    if setting.type not in {"FLOAT", "INT"}:
        return ""
    unit = " radians" if setting.subtype == "ANGLE" else ""
    return f" ({setting.hard_min:.10g} to {setting.hard_max:.10g}{unit})"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def run(arguments: list[str]) -> int:
    """Run the command; returns the exit code: 0 when all that was asked for is saved, else 1."""
    try:
        options = vars(make_parser().parse_args(arguments))
        report, save = options.pop("report"), options.pop("save")
        names, file = options.pop("object"), options.pop("image")
        if "more_styles" in options:
            options["more_styles"] = [_style(words) for words in options["more_styles"]]
        check_comparison(options, report)
        if file is None:
            objects = [find_object(name) for name in dict.fromkeys(names)]
            check(options, report, save=save)
            images = paint(objects, options)
        else:
            check_flat(options)
            check(options, report, save=save)
            images = paint_file(Path(file).absolute(), options)
        if report:
            measures = json.loads(images[0][RECIPE])["report"]
            save_file(report.absolute(), json.dumps(measures, indent=1).encode())
            _saved(str(report.absolute()))
        if save:
            bpy.ops.wm.save_mainfile()
            _saved(bpy.data.filepath)
        for one in reversed(images):  # the texture last: of several files, a farm shows the last
            for path in udim.image_files(one):
                _saved(str(path))
        wanted = _wants_files(options)
        if unsaved := [one.name for one in images if wanted and not one.filepath]:
            why = f"{', '.join(map(repr, unsaved))} could not be written there"
            cure = "Free some space or choose another; with --save it is in the .blend file"
            raise JobError("Output", why, cure)
    except JobError as error:
        print(f"Error: {error}", file=sys.stderr, flush=True)
        return 1
    except RuntimeError:  # an operator's error, which Blender has printed
        return 1
    except KeyboardInterrupt:  # the operator has said so
        return 1
    return 0


def _wants_files(options: dict[str, Any]) -> bool:
    """Whether the texture, or the sheet of a comparison, is to be saved as a file."""
    if "compare" in options:
        return bool(options.get("sheet"))
    assert bpy.context.scene
    own = getattr(bpy.context.scene, SCENE_PROPERTY)
    return bool(options.get("output", own.output))


def _style(words: list[str]) -> dict[str, Any]:
    """What --more-styles says of one style: its file, its weight, its region."""
    cure = "Give FILE, or FILE WEIGHT, or FILE WEIGHT REGION"
    if len(words) > 3:
        why = f"it got {len(words)} words: {' '.join(words)!r}"
        raise JobError("Option --more-styles", why, cure)
    what = f"Option --more-styles {' '.join(words)}"
    file = words[0]
    weight = words[1] if len(words) > 1 else "1"
    region = words[2] if len(words) > 2 else ""
    try:
        number = float(weight)
    except ValueError as error:
        raise JobError(what, f"{weight!r} is not a number", cure) from error
    _check_range(what, StyleTransferStyle.bl_rna.properties["weight"], number)
    # Blender takes an item of a list only with its name, though this list has none.
    return {"name": "", "file": file, "weight": number, "region": region}


def find_object(name: str) -> bpy.types.Object:
    """The mesh object of that name.

    Raises:
        JobError: if there is none in the scene, naming the nearest that are there, or it cannot be
            painted.
    """
    layer, scene = bpy.context.view_layer, bpy.context.scene
    assert layer
    assert scene
    objects = layer.objects
    obj = objects.get(name)
    if obj is None:
        meshes = [o.name for o in objects if o.type == "MESH"]
        near = difflib.get_close_matches(name, meshes, cutoff=0.4) or meshes[:3]
        choice = " or ".join(repr(n) for n in near)
        raise JobError(
            f"Object {name!r}",
            f"there is no such object in the scene {scene.name!r}",
            f"Choose {choice}" if near else "Open a .blend file that has a mesh object",
        )
    return paintable(obj)


def check(options: dict[str, Any], report: Path | None, *, save: bool) -> None:
    """Raise JobError for what can be known to fail before the run.

    Blender would clamp numbers that are out of their range without a word.
    """
    known = {f.name for f in fields(Settings)}
    Settings(**{name: options[name] for name in known & options.keys()}).validate()
    _check_ranges("style_transfer", [name for name in NAMES if name not in known], options)
    if report:
        check_file(report.absolute(), (".json",), "Report")
    if save:
        if not bpy.data.filepath:
            cure = f"Name one before the command: blender -b SCENE.blend -c {NAME}"
            raise JobError("Option --save", "no .blend file is open", cure)
        check_folder(Path(bpy.data.filepath).parent, f"Blend file {bpy.data.filepath!r}")


def check_flat(options: dict[str, Any]) -> None:
    """Raise JobError for the first option that says nothing about a flat picture."""
    for name in (*OF_OBJECTS, *COMPARE_NAMES):
        if name in options:
            raise JobError(
                f"Option {_option(name)}", "it is for meshes", "Leave it out with --image"
            )
    for style in options.get("more_styles", ()):
        if style["region"]:
            raise JobError(
                "Option --more-styles",
                f"a flat picture has no region {style['region']!r}",
                "Give FILE, or FILE WEIGHT, with --image",
            )


def check_comparison(options: dict[str, Any], report: Path | None) -> None:
    """Raise JobError for options that do not belong together, or numbers out of their range."""
    asked = "compare" in options
    for name in LEFT_OUT if asked else COMPARE_NAMES:
        if name in options:
            why = "a comparison has none" if asked else "it is for a comparison"
            cure = "Leave it out" if asked else "Leave it out, or give --compare too"
            raise JobError(f"Option {_option(name)}", why, cure)
    if asked and report:
        raise JobError("Option --report", "a comparison has none", "Leave it out")
    _check_ranges("style_transfer_compare", COMPARE_NAMES, options)


def _check_ranges(operator: str, names: Sequence[str], options: dict[str, Any]) -> None:
    """Raise JobError for the first number that is out of its range, as that operator has it."""
    properties = _properties(operator)
    for name in names:
        if name in options and properties[name].type in {"INT", "FLOAT"}:
            _check_range(f"Option {_option(name)}", properties[name], options[name])


def _check_range(what: str, known: Any, value: float) -> None:
    """Raise JobError about `what` unless a property such as `known` can have that value."""
    low, high = known.hard_min, known.hard_max
    if not low <= value <= high:
        why = f"{value!r} is not within {low:g} to {high:g}"
        raise JobError(what, why, "Give a number in that range")


def paint(objects: list[bpy.types.Object], options: dict[str, Any]) -> list[bpy.types.Image]:
    """Run the operator on `objects` and return the new images: textures and reliefs, or a sheet.

    Raises:
        RuntimeError: the operator's error, which Blender prints.
        KeyboardInterrupt: if the run was cancelled.
    """
    operators: Any = bpy.ops.object
    asked = "compare" in options
    operator = operators.style_transfer_compare if asked else operators.style_transfer
    active = objects[0]
    with bpy.context.temp_override(object=active, active_object=active, selected_objects=objects):
        return _results(operator, options)


def paint_file(file: Path, options: dict[str, Any]) -> list[bpy.types.Image]:
    """Run the operator on the picture in `file` and return the new image.

    Raises:
        JobError: if there is no such file, or it cannot be read.
        RuntimeError: the operator's error, which Blender prints.
        KeyboardInterrupt: if the run was cancelled.
    """
    what = f"Image {str(file)!r}"
    try:
        if not file.is_file():
            raise JobError(what, "there is no such file", "Choose one that exists")
        original = bpy.data.images.load(str(file))
    except (OSError, RuntimeError) as error:
        why = f"it cannot be read ({' '.join(str(error).split())})"
        raise JobError(what, why, "Change its permissions, or choose another") from error
    operators: Any = bpy.ops.image
    try:
        return _results(operators.style_transfer, {**options, "image": original.name})
    finally:
        bpy.data.images.remove(original)


def _results(operator: Callable[..., set[str]], options: dict[str, Any]) -> list[bpy.types.Image]:
    """The images that `operator` makes: the textures, then their reliefs."""
    before = set(bpy.data.images)
    if operator(**options) != {"FINISHED"}:
        raise KeyboardInterrupt
    new = [image for image in bpy.data.images if image not in before]
    return [image for kind in (RECIPE, RELIEF) for image in new if image.get(kind)]


def _saved(path: str) -> None:
    print(f"Saved: '{path}'", flush=True)  # the line that render farms look for


def register() -> None:
    """Make the command known to Blender."""
    handle = bpy.utils.register_cli_command(NAME, run)  # type: ignore[func-returns-value]
    _registered.append(handle)


def unregister() -> None:
    """Take the command back."""
    bpy.utils.unregister_cli_command(_registered.pop())
