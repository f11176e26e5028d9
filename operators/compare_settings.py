"""What a comparison is told beside the settings of a run, for its operator and for the scene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..engine.errors import JobError
from ..engine.job import Style
from ..engine.variants import Comparison, compare_seeds, compare_styles, compare_weights, draft
from .look_settings import FILE_OPTIONS, items
from .request import Request, absolute, given, read_request
from .settings import annotations_without

COMPARE_PROPERTY = "style_transfer_3d_compare"  # of the scene
LEFT_OUT = (
    "preset",
    "texture_size",
    "output",
    "replace",
    "assign",
    "relief",
    "relief_strength",
)  # settings that no draft has
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
_SEPARATOR = ";"
_KINDS = {
    "WEIGHTS": "More of the picture from left to right, more of the mesh's own look downwards",
    "SEEDS": "The same settings with one seed after another: strokes that lie differently",
    "STYLES": "One picture after another",
}


class DraftProperties:
    """The settings of a run, but for those that a draft decides itself."""

    __annotations__ = annotations_without(LEFT_OUT)


class CompareProperties:
    """What is compared, inherited by the operator and by the scene's group."""

    compare: EnumProperty(
        name="Compare",
        description="What differs from one draft on the sheet to the next",
        items=items(tuple(_KINDS), _KINDS),
        default="WEIGHTS",
    )
    columns: IntProperty(
        name="Columns",
        description="How many drafts stand side by side on the sheet; each takes as long",
        default=3,
        min=1,
        max=5,
    )
    rows: IntProperty(
        name="Rows",
        description="How many rows of drafts the sheet has",
        default=3,
        min=1,
        max=5,
    )
    spread: FloatProperty(
        name="Spread",
        description="How far apart the weights are: from one draft to the next, the picture "
        "counts so many times as much against the mesh's own look",
        default=2.0,
        min=1.1,
        max=100.0,
        soft_max=10.0,
        precision=2,
    )
    pictures: StringProperty(
        name="Pictures",
        description="A folder of pictures, or several pictures with ; between them; "
        "empty takes the folder of the style picture",
        subtype="DIR_PATH",
        options=FILE_OPTIONS,
    )
    sheet: StringProperty(
        name="Sheet",
        description="The PNG file to save the sheet to; empty packs it into the .blend file",
        subtype="FILE_PATH",
        options=FILE_OPTIONS,
    )


COMPARE_NAMES = tuple(CompareProperties.__annotations__)


class StyleTransferCompareSettings(CompareProperties, bpy.types.PropertyGroup):
    """The scene's own, which every comparison takes that is not told otherwise."""


@dataclass(frozen=True, kw_only=True)
class CompareRequest:
    """One comparison as it was asked for.

    Attributes:
        base: what all drafts share; its output is where the sheet goes.
        comparison: how they differ.
        warnings: what was left out, for the artist.
    """

    base: Request
    comparison: Comparison
    warnings: tuple[str, ...]


def read_comparison(operator: bpy.types.Operator | None, scene: bpy.types.Scene) -> CompareRequest:
    """The operator's properties where they were given, else the scene's.

    Raises:
        JobError: if a path or a setting makes no sense, or there is nothing to compare.
    """
    values = given(operator, getattr(scene, COMPARE_PROPERTY), COMPARE_NAMES)
    request = read_request(operator, scene)
    sheet = values["sheet"]
    base = replace(
        request,
        settings=replace(draft(request.settings), relief="NONE"),
        output=absolute(sheet, "Sheet") if sheet else None,
        output_as_given=sheet,
        replace=False,
        assign="IMAGE_ONLY",
    )
    columns, rows = values["columns"], values["rows"]
    warnings: tuple[str, ...] = ()
    match values["compare"]:
        case "WEIGHTS":
            comparison = compare_weights(
                base.settings, columns=columns, rows=rows, spread=values["spread"]
            )
        case "SEEDS":
            comparison = compare_seeds(base.settings, columns=columns, rows=rows)
        case _:
            pictures = find_pictures(values["pictures"], base.styles[0].file)
            warnings = _left_out(pictures, columns * rows)
            comparison = compare_styles(pictures[: columns * rows], columns=columns)
    return CompareRequest(base=base, comparison=comparison, warnings=warnings)


def find_pictures(text: str, style: Path) -> list[Path]:
    """The pictures that `text` names, as the property Pictures does; `style` first, if it is one.

    Raises:
        JobError: if there are none, or one of them is not there.
    """
    if _SEPARATOR in text:
        files = [
            absolute(part.strip(), "Pictures") for part in text.split(_SEPARATOR) if part.strip()
        ]
        for file in files:
            Style(file).validate()
        return files
    folder = absolute(text, "Pictures") if text else style.parent
    if folder.is_file():
        return [folder]
    what = f"Pictures {str(folder)!r}"
    try:
        files = [
            file
            for file in folder.iterdir()
            if file.suffix.lower() in PICTURES and file.is_file() and not file.name.startswith(".")
        ]
    except OSError as error:
        raise JobError(
            what, f"the folder cannot be read ({error.strerror})", "Choose a folder of pictures"
        ) from error
    if not files:
        raise JobError(
            what,
            f"the folder holds no picture ({', '.join(PICTURES)})",
            "Choose a folder of pictures",
        )
    return sorted(files, key=lambda file: (file != style, file.name.casefold()))


def _left_out(pictures: list[Path], cells: int) -> tuple[str, ...]:
    if len(pictures) <= cells:
        return ()
    return (f"{len(pictures)} pictures: only the first {cells} are compared. Add rows or columns",)


def register() -> None:
    """Give every scene its own."""
    bpy.utils.register_class(StyleTransferCompareSettings)
    group: Any = PointerProperty(type=StyleTransferCompareSettings)  # type: ignore[func-returns-value]
    setattr(bpy.types.Scene, COMPARE_PROPERTY, group)


def unregister() -> None:
    """Take them from the scenes."""
    delattr(bpy.types.Scene, COMPARE_PROPERTY)
    bpy.utils.unregister_class(StyleTransferCompareSettings)
