"""The settings that shape the look beyond preset and weights: strokes, colors, styles, regions."""

import math

import bpy
from bpy.props import (
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    StringProperty,
)

from ..engine.settings import COLORS, CONTENT_SOURCES, RANGES, STARTS, STYLE_LOSSES, Settings
from .regions import region_names

_DEFAULTS = Settings()
_LOSS_TEXTS = {
    "GRAM": "Which features go together: the classic look, faithful in strokes and colors",
    "MEAN_COVARIANCE": "The same apart from brightness: a little softer",
    "SLICED_WASSERSTEIN": "Every feature as often as in the picture: crisp, richer in detail",
    "NEAREST_FEATURES": "Each place takes after the likeliest piece of the picture: whole motifs, "
    "but not all of its colors",
}
_COLOR_TEXTS = {
    "STYLE": "The picture's colors",
    "MATCHED": "The picture's strokes in the mesh's present colors, as a whole",
    "ORIGINAL": "Every place keeps its hue: only light and dark are painted",
}
_START_TEXTS = {
    "MATCHED": "From the present look in the picture's colors: keeps most, in the fewest steps",
    "ORIGINAL": "From the present look as it is: its colors show through for longer",
    "NOISE": "From random color: the most strokes, the least of the present look",
}
_CONTENT_TEXTS = {
    "AUTO": "The texture, or the shading where the mesh has one color only",
    "TEXTURE": "The texture without light and shadow",
    "CLAY": "The shape alone, as shading shows it",
    "BOTH": "The texture in light and shadow",
}
# Paths that start with // are the .blend file's own; from 4.5 on Blender wants to be told.
FILE_OPTIONS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
_REGION_TEXT = "vertex group or color attribute of the mesh"


def items(
    names: tuple[str, ...], texts: dict[str, str], titles: dict[str, str] | None = None
) -> list[tuple[str, str, str]]:
    """Items of an EnumProperty: each name with its title and what it does to the picture."""
    titles = titles or {}
    return [(name, titles.get(name, name.replace("_", " ").title()), texts[name]) for name in names]


def find_regions(_holder: object, context: bpy.types.Context, typed: str) -> list[str]:
    """Names to choose from: those of the objects that would be painted, with what was typed."""
    objects = context.selected_objects or ([context.object] if context.object else [])
    return [name for name in region_names(objects) if typed.casefold() in name.casefold()]


class StyleTransferStyle(bpy.types.PropertyGroup):
    """One more style of a run."""

    file: StringProperty(
        name="Style",
        description="Another picture whose strokes and colors the mesh takes on",
        subtype="FILE_PATH",
        options=FILE_OPTIONS,
    )
    weight: FloatProperty(
        name="Weight",
        description="How much this picture counts beside the others; the first one counts 1",
        default=1.0,
        min=0.0,
        max=RANGES["style_weight"][1],
        soft_max=10.0,
        precision=2,
    )
    region: StringProperty(
        name="Region",
        description=f"A {_REGION_TEXT} that says where this picture goes and how strongly; "
        "empty paints it everywhere",
        search=find_regions,
    )


class LookProperties:
    """What the artist may set about strokes, colors, styles and regions."""

    style_region: StringProperty(
        name="Region",
        description=f"A {_REGION_TEXT} that says where the style goes and how strongly; "
        "empty paints it everywhere",
        search=find_regions,
    )
    more_styles: CollectionProperty(
        type=StyleTransferStyle,
        name="More Styles",
        description="Further pictures: where regions overlap, their strokes mingle",
    )
    protect: StringProperty(
        name="Protect",
        description=f"A {_REGION_TEXT}: where it is full, the texture stays exactly as it is",
        search=find_regions,
    )
    style_loss: EnumProperty(
        name="Style Loss",
        description="What makes two textures alike",
        items=items(
            STYLE_LOSSES, _LOSS_TEXTS, {"GRAM": "Gram", "MEAN_COVARIANCE": "Mean and Covariance"}
        ),
        default=_DEFAULTS.style_loss,
    )
    color: EnumProperty(
        name="Color",
        description="Whose colors the strokes have",
        items=items(COLORS, _COLOR_TEXTS),
        default=_DEFAULTS.color,
    )
    stroke_size: FloatProperty(
        name="Stroke Size",
        description="How large the picture's strokes are: at 1 the picture is as large as the "
        "object, at 0.5 half as large",
        default=_DEFAULTS.stroke_size,
        min=RANGES["stroke_size"][0],
        max=RANGES["stroke_size"][1],
        soft_min=0.25,
        soft_max=4.0,
        precision=2,
    )
    stroke_length: FloatProperty(
        name="Picture Length",
        description="How long the picture's short side is on the object, so that strokes are "
        "as large on objects of any size; 0 takes Stroke Size",
        default=_DEFAULTS.stroke_length,
        min=RANGES["stroke_length"][0],
        max=RANGES["stroke_length"][1],
        subtype="DISTANCE",
    )
    stroke_rotation: FloatProperty(
        name="Stroke Rotation",
        description="Turns the picture, and with it the way its strokes run",
        default=_DEFAULTS.stroke_rotation,
        min=RANGES["stroke_rotation"][0],
        max=RANGES["stroke_rotation"][1],
        soft_min=-math.pi,
        soft_max=math.pi,
        subtype="ANGLE",
    )
    start: EnumProperty(
        name="Start",
        description="What the first step finds on the mesh",
        items=items(STARTS, _START_TEXTS),
        default=_DEFAULTS.start,
    )
    tv_weight: FloatProperty(
        name="Smoothness",
        description="Raise it to calm grain and small strokes down (weight of the total variation)",
        default=_DEFAULTS.tv_weight,
        min=RANGES["tv_weight"][0],
        max=RANGES["tv_weight"][1],
        soft_max=10.0,
        precision=2,
    )
    content_source: EnumProperty(
        name="Content",
        description="What of the present look the content weight holds on to",
        items=items(CONTENT_SOURCES, _CONTENT_TEXTS),
        default=_DEFAULTS.content_source,
    )


def register() -> None:
    """Make the list's items known to Blender."""
    bpy.utils.register_class(StyleTransferStyle)


def unregister() -> None:
    """Take them back."""
    bpy.utils.unregister_class(StyleTransferStyle)
