"""Every setting once: its default, range and tooltip, for the operator and for the scene."""

from collections.abc import Collection
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..engine.settings import BACKBONES, DEVICES, PRESETS, RANGES, RELIEFS, STYLE_LAYERS, Settings
from . import look_settings
from .look_settings import FILE_OPTIONS, items

SCENE_PROPERTY = "style_transfer_3d"
_DEFAULTS = Settings()
_PRESET_TEXTS = {
    "DRAFT": "See quickly where it goes: broad strokes, few views",
    "STANDARD": "Fine strokes at a fair price: for most pictures",
    "HIGH": "The finest strokes and more views: for close-ups; takes two to three times as long",
}
_DEVICE_TEXTS = {
    "AUTO": "The fastest that the engine's Python can use",
    "CPU": "The processor: slow, and there on every machine",
    "CUDA": "An NVIDIA card, or an AMD card by ROCm",
}
_BACKBONE_TEXTS = {
    "AUTO": "VGG-19 where its weights are found, else the bundled VGG-16",
    "VGG19": "The best strokes; its weights are fetched in the add-on's preferences",
    "VGG16": "Comes with the extension and needs no download",
}
_RELIEF_TEXTS = {
    "NONE": "The strokes are color alone: the surface stays as smooth as it is",
    "BUMP": "Bright strokes stand out in the light, dark ones lie deep: a height map",
    "NORMAL": "The same as a tangent-space normal map, which game engines want",
}
_ASSIGN_TEXTS = {
    "MATERIAL": "The texture is plugged into the material's color, and the mesh shows it",
    "IMAGE_ONLY": "The texture is a new image and no more: the material and the mesh's look stay",
}
_VIEW_TEXTS = {
    "SPHERE": "Cameras spread evenly around the object: it is painted on every side",
    "CAMERAS": "The scene's cameras that are enabled in renders: what they see is painted",
    "VIEWPORT": "The 3D viewport as it stands: only the side that you see is painted",
}
_UPPER = {name: name for name in ("CPU", "CUDA", "VGG19", "VGG16")}


class SettingProperties(look_settings.LookProperties):
    """What the artist sets, inherited by the operator and by the scene's group."""

    style: StringProperty(
        name="Style",
        description="The picture whose strokes and colors the mesh takes on",
        subtype="FILE_PATH",
        options=FILE_OPTIONS,
    )
    preset: EnumProperty(
        name="Preset",
        description="How fine the strokes get and how long it takes",
        items=items(tuple(PRESETS), _PRESET_TEXTS),
        default=_DEFAULTS.preset,
    )
    style_weight: FloatProperty(
        name="Style Weight",
        description="Raise it for more of the picture's strokes and colors; 0 leaves the style out",
        default=_DEFAULTS.style_weight,
        min=RANGES["style_weight"][0],
        max=RANGES["style_weight"][1],
        soft_max=10.0,
        precision=3,
    )
    content_weight: FloatProperty(
        name="Content Weight",
        description="Raise it to keep more of the mesh's present look; 0 paints freely over it",
        default=_DEFAULTS.content_weight,
        min=RANGES["content_weight"][0],
        max=RANGES["content_weight"][1],
        soft_max=10.0,
        precision=3,
    )
    texture_size: IntProperty(
        name="Texture Size",
        description="Width and height of the new texture; stroke size does not depend on it. "
        "Large ones (1536 and more) are painted from nearer too, which takes longer, "
        "but for preset Draft",
        default=_DEFAULTS.texture_size,
        min=int(RANGES["texture_size"][0]),
        max=int(RANGES["texture_size"][1]),
        subtype="PIXEL",
    )
    steps: IntProperty(
        name="Steps",
        description="How often the paint is improved; 0 takes the preset's own number, "
        "fewer end sooner and stay nearer to the original",
        default=_DEFAULTS.steps,
        min=int(RANGES["steps"][0]),
        max=int(RANGES["steps"][1]),
        soft_max=2000,
    )
    seed: IntProperty(
        name="Seed",
        description="Another number lays the strokes differently; the same one repeats them",
        default=_DEFAULTS.seed,
        min=int(RANGES["seed"][0]),
        max=int(RANGES["seed"][1]),
    )
    device: EnumProperty(
        name="Device",
        description="What computes; it changes how long it takes, not how it looks",
        items=items(DEVICES, _DEVICE_TEXTS, _UPPER),
        default=_DEFAULTS.device,
    )
    backbone: EnumProperty(
        name="Backbone",
        description="The network that sees strokes and shapes; another paints a little differently",
        items=items(BACKBONES, _BACKBONE_TEXTS, _UPPER),
        default=_DEFAULTS.backbone,
    )
    weights_file: StringProperty(
        name="Weights File",
        description="VGG-19 weights on this machine (torchvision's file); "
        "empty takes those that the preferences name or have fetched, or torchvision's cache has",
        subtype="FILE_PATH",
        options=FILE_OPTIONS,
    )
    layer_weights: FloatVectorProperty(
        name="Layer Weights",
        description="How much each of the network's layers counts in the style: the first see "
        "grain and color, the middle ones brush marks, the last ones large shapes",
        size=len(STYLE_LAYERS),
        default=_DEFAULTS.layer_weights,
        min=0.0,
        max=RANGES["style_weight"][1],
        soft_max=10.0,
        precision=2,
    )
    views: EnumProperty(
        name="Views",
        description="From where the mesh is looked at while it is painted",
        items=items(tuple(_VIEW_TEXTS), _VIEW_TEXTS),
        default="SPHERE",
    )
    view_count: IntProperty(
        name="Count",
        description="Cameras on the sphere; more reach into folds and take longer to prepare, "
        "0 takes the preset's own number",
        default=_DEFAULTS.view_count,
        min=int(RANGES["view_count"][0]),
        max=int(RANGES["view_count"][1]),
        soft_max=64,
    )
    output: StringProperty(
        name="Output",
        description="The PNG file, or EXR file in linear colors, to save the texture to; "
        "empty packs it into the .blend file",
        subtype="FILE_PATH",
        options=FILE_OPTIONS,
    )
    replace: BoolProperty(
        name="Replace Earlier Result",
        description="Put the new texture in the place of the one that was painted on this object "
        "before; otherwise both are kept",
        default=False,
    )
    uv_map: StringProperty(
        name="UV Map",
        description="The UV map that places the paint, by its name on each mesh; "
        "empty takes the one that is active for rendering",
    )
    assign: EnumProperty(
        name="Assign",
        description="Whether the new texture is shown on the mesh",
        items=items(tuple(_ASSIGN_TEXTS), _ASSIGN_TEXTS),
        default="MATERIAL",
    )
    relief: EnumProperty(
        name="Relief",
        description="Whether the strokes catch the light as thick paint does",
        items=items(RELIEFS, _RELIEF_TEXTS),
        default=_DEFAULTS.relief,
    )
    relief_strength: FloatProperty(
        name="Relief Strength",
        description="How much the strokes stand out in the light: 0 is flat, 1 is thick paint",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )


# Of no use to a flat picture.
OF_OBJECTS = (
    "texture_size", "views", "view_count", "replace", "uv_map", "assign", "relief",
    "relief_strength",
    "style_region", "protect", "stroke_length", "content_source",
)  # fmt: skip


def annotations_without(left_out: Collection[str]) -> dict[str, Any]:
    """Every setting but those `left_out`, as the annotations of a class.

    Blender makes properties of the annotations of a class and of all that it inherits, so that
    an operator that takes some settings only cannot inherit `SettingProperties`.
    """
    return {
        name: kind
        for holder in (SettingProperties, look_settings.LookProperties)
        for name, kind in holder.__annotations__.items()
        if name not in left_out
    }


class FlatProperties:
    """What there is to set for a flat picture, inherited by its operator."""

    __annotations__ = annotations_without(OF_OBJECTS)


NAMES = (*SettingProperties.__annotations__, *look_settings.LookProperties.__annotations__)


class StyleTransferSettings(SettingProperties, bpy.types.PropertyGroup):
    """The scene's settings, which every run takes that is not told otherwise."""


def register() -> None:
    """Give every scene its settings."""
    look_settings.register()
    bpy.utils.register_class(StyleTransferSettings)
    group: Any = PointerProperty(type=StyleTransferSettings)  # type: ignore[func-returns-value]
    setattr(bpy.types.Scene, SCENE_PROPERTY, group)


def unregister() -> None:
    """Take the settings from the scenes."""
    delattr(bpy.types.Scene, SCENE_PROPERTY)
    bpy.utils.unregister_class(StyleTransferSettings)
    look_settings.unregister()
