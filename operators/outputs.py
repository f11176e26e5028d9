"""Where each image of a run is saved: the files' names, from the one that the artist gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bpy

from ..engine.errors import JobError
from . import udim
from .request import Request
from .targets import Target, distinct


def target_requests(request: Request, targets: Sequence[Target]) -> list[Request]:
    """`request` as each of `targets` has it: one output for each, none of them the same.

    Of several, each adds its own name: NAME_Cube.png, NAME_Spot.png. One with UDIM tiles has
    <UDIM> for their numbers, as the artist gave it or before the ending: NAME.<UDIM>.png.

    Raises:
        JobError: if the artist gave <UDIM> and something has no tiles.
    """
    if not request.output:
        return [request] * len(targets)
    for target in targets:
        if udim.TOKEN in request.output.name and not target.tiles:
            raise JobError(
                f"Output {request.output_as_given!r}",
                f"{target.name!r} has no UDIM tiles",
                f"Give a name without {udim.TOKEN}",
            )
    names = distinct([bpy.path.clean_name(target.name) for target in targets], "_")
    return [
        _renamed(request, f"_{name}" if len(targets) > 1 else "", tiled=bool(target.tiles))
        for name, target in zip(names, targets, strict=True)
    ]


def beside(request: Request) -> Request:
    """The same with an output for the relief: NAME_relief.png beside NAME.png or NAME.exr.

    A relief is 16-bit numbers, which an EXR file's 16-bit floats would round.
    """
    return _renamed(request, "_relief", tiled=False, ending=".png")


def files(request: Request, target: Target) -> list[Path]:
    """All files that `target` is saved to, by `request` as it has it; none if it is packed."""
    if not request.output:
        return []
    return [udim.tile_file(request.output, tile) for tile in target.tiles] or [request.output]


def _renamed(request: Request, addition: str, *, tiled: bool, ending: str = "") -> Request:
    """The same with `addition` in its output's name, and <UDIM> after that if it is `tiled`.

    An `ending` that is not empty takes the place of one that differs in more than its case.
    """

    def rename(path: Path) -> str:
        stem, token = udim.split_token(path.stem)
        own = path.suffix if path.suffix.lower() == ending else ending or path.suffix
        return f"{stem}{addition}{token or (f'.{udim.TOKEN}' if tiled else '')}{own}"

    if not request.output:
        return request
    given = Path(request.output_as_given)
    return replace(
        request,
        output=request.output.with_name(rename(request.output)),
        output_as_given=request.output_as_given.removesuffix(given.name) + rename(given),
    )
