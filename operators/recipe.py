"""What an image remembers of the run that made it, in a custom property."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..engine.errors import JobError
from .request import Request

RECIPE = "style_transfer_3d"  # the image's custom property
RELIEF = "style_transfer_3d_relief"  # the same of a relief's image
_MANIFEST = Path(__file__).parent.parent / "blender_manifest.toml"


def make_recipe(
    request: Request, sha256s: Sequence[str], made_on: Mapping[str, str], report: Path
) -> str:
    """All that made a texture, as JSON: to be read by people, to be run again.

    `made_on` tells what was painted: an object's UV map and views, or an image.
    Files are named without their folders, which say more about a machine than about a picture.
    """
    weights = request.settings.weights_file
    settings = {**asdict(request.settings), "weights_file": Path(weights).name if weights else ""}
    recipe: dict[str, Any] = {
        "version": tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"],
        **made_on,
        "styles": [
            {"file": s.file.name, "sha256": sha256, "weight": s.weight, "region": s.region}
            for s, sha256 in zip(request.styles, sha256s, strict=True)
        ],
        "protect": request.protect,
        "settings": settings,
        "report": _read_report(report),
    }
    return json.dumps(recipe)


def _read_report(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JobError(
            "Engine", f"its report {str(file)!r} cannot be read ({error})", "Run it again"
        ) from error
