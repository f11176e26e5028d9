"""A run as it was asked for: what the operator was given, and else what the scene has."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import bpy

from ..engine.errors import JobError
from ..engine.settings import Settings
from . import engine_python
from .settings import NAMES, SCENE_PROPERTY


@dataclass(frozen=True, kw_only=True)
class StyleRequest:
    """One picture as it was asked for.

    Attributes:
        file: an absolute path.
        weight: how much it counts beside the others.
        region: where it goes, by a name on the mesh; empty for everywhere.
    """

    file: Path
    weight: float
    region: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """One run as it was asked for.

    Attributes:
        styles: the pictures, at least one.
        protect: what stays as it is, by a name on the mesh; empty for nothing.
        settings: what the engine is told.
        views: SPHERE, CAMERAS or VIEWPORT.
        output: the PNG or EXR file, an absolute path; None packs the texture.
        output_as_given: the same path as the artist wrote it, perhaps with //.
        replace: whether our own earlier result on the object gives way to the new one.
        uv_map: name of the UV map that places the paint; empty for the active render one.
        assign: MATERIAL, or IMAGE_ONLY, which leaves the materials as they are.
        relief_strength: of the strokes' relief in the material, 0-1.
    """

    styles: tuple[StyleRequest, ...]
    protect: str
    settings: Settings
    views: str
    output: Path | None
    output_as_given: str
    replace: bool
    uv_map: str
    assign: str
    relief_strength: float

    @property
    def region_names(self) -> list[str]:
        """All that is named on the mesh."""
        return sorted({*(style.region for style in self.styles), self.protect} - {""})


def read_request(operator: bpy.types.Operator | None, scene: bpy.types.Scene) -> Request:
    """The operator's properties where they were given, else the scene's.

    Args:
        operator: None takes all from the scene.
        scene: whose settings they are.

    Raises:
        JobError: if a path or a setting makes no sense.
    """
    values = given(operator, getattr(scene, SCENE_PROPERTY), NAMES)
    if not values["style"]:
        raise JobError(
            "Style picture", "none is chosen", "Choose a picture in the setting Style (style=...)"
        )
    weights = values["weights_file"]
    if weights:
        values["weights_file"] = str(absolute(weights, "Weights file"))
    elif values["backbone"] != "VGG16":
        values["weights_file"] = str(engine_python.vgg19_weights() or "")
    values["layer_weights"] = tuple(values["layer_weights"])
    settings = Settings(**{f.name: values[f.name] for f in fields(Settings) if f.name in values})
    settings.validate()
    output = values["output"]
    first = StyleRequest(
        file=absolute(values["style"], "Style picture"), weight=1.0, region=values["style_region"]
    )
    return Request(
        styles=(first, *_more_styles(values["more_styles"])),
        protect=values["protect"],
        settings=settings,
        views=values["views"],
        output=absolute(output, "Output") if output else None,
        output_as_given=output,
        replace=values["replace"],
        uv_map=values["uv_map"],
        assign=values["assign"],
        relief_strength=values["relief_strength"],
    )


def _more_styles(listed: Any) -> list[StyleRequest]:
    """The styles after the first, without those that count 0."""
    for number, one in enumerate(listed, 2):
        if not one.file:
            raise JobError(f"Style {number}", "no picture is chosen", "Choose one, or remove it")
    return [
        StyleRequest(file=absolute(one.file, "Style picture"), weight=one.weight, region=one.region)
        for one in listed
        if one.weight
    ]


def given(
    operator: bpy.types.Operator | None, group: bpy.types.PropertyGroup, names: tuple[str, ...]
) -> dict[str, Any]:
    """Values by name: the operator's, where it has that property and was given it, or `group`'s."""

    def holder(name: str) -> Any:
        own = operator and hasattr(operator, name) and operator.properties.is_property_set(name)
        return operator if own else group

    return {name: getattr(holder(name), name) for name in names}


def absolute(path: str, what: str) -> Path:
    """`path` without its //, which stands for the .blend file's folder.

    Raises:
        JobError: about `what`, if there is no .blend file yet for a // to start from.
    """
    if path.startswith("//") and not bpy.data.filepath:
        raise JobError(
            f"{what} {path!r}",
            "// stands for the folder of the .blend file, which is not saved yet",
            "Save the .blend file or give the whole path",
        )
    return Path(bpy.path.abspath(path)).absolute()
