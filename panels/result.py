"""The sub-panel Result: how the texture that the object shows was made, and how it came out."""

from __future__ import annotations

import json
from contextlib import suppress
from math import isfinite
from typing import Any

import bpy

from ..engine.errors import JobError
from ..operators.recipe import RECIPE
from ..operators.running import clock
from ..operators.surface_color import color_sockets, has_nodes, source
from .layouts import PARENT, SidebarPanel, distance, draw_fact

# Color jumps across seams, over those elsewhere on the surface: 1 is as if there were none.
_UNSEEN_SEAMS, _FAINT_SEAMS = 1.25, 1.75


class VIEW3D_PT_style_transfer_result(SidebarPanel):
    """What the image remembers of the run that made it."""

    bl_label = "Result"
    bl_parent_id = PARENT

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object shows a result."""
        return result_image(context.object) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """The image, its making, its measures."""
        image = result_image(context.object)
        assert self.layout
        assert image
        draw_result(self.layout, image)


def draw_result(layout: bpy.types.UILayout, image: bpy.types.Image) -> None:
    """The name of a result, its making, its measures."""
    layout.label(text=image.name, icon="IMAGE_DATA", translate=False)
    column = layout.column(align=True)
    for name, text in facts(image[RECIPE]):
        draw_fact(column, name, text)


def result_image(obj: bpy.types.Object | None) -> bpy.types.Image | None:
    """The first image of ours that a material of `obj` shows."""
    for slot in obj.material_slots if obj else ():
        if not slot.material or not has_nodes(slot.material):
            continue
        with suppress(JobError):
            output = source(color_sockets(slot.material)[0])
            node = output.node if output else None
            image = node.image if isinstance(node, bpy.types.ShaderNodeTexImage) else None
            if image and image.get(RECIPE) is not None:
                return image
    return None


def _style_files(recipe: Any) -> list[str]:
    """The names of the pictures, as far as the recipe tells them."""
    styles = recipe.get("styles") if isinstance(recipe, dict) else None
    listed = styles if isinstance(styles, list) else []
    files = [one.get("file") for one in listed if isinstance(one, dict)]
    return [file for file in files if isinstance(file, str)]


def facts(recipe: Any) -> list[tuple[str, str]]:
    """What a recipe tells an artist: names and texts. What is not in it is left out."""
    try:
        read = json.loads(recipe)
    except (ValueError, TypeError):  # an artist can write anything into a custom property
        return []
    settings, report = (_part(read, name) for name in ("settings", "report"))
    lines = [("Picture", file) for file in _style_files(read)]
    if isinstance(settings.get("preset"), str):
        lines.append(("Preset", settings["preset"].capitalize()))
    numbers = {k: v for k, v in report.items() if type(v) in (int, float) and isfinite(v)}
    for name, key, text in (
        ("Steps", "steps", str),
        ("Painted in", "seconds", clock),
        ("From Picture", "style_distance", distance),
        ("From Original", "content_distance", distance),
        ("Seams", "seam_ratio", _seams),
        ("Cameras Saw", "coverage", "{:.0%} of the surface".format),
    ):
        if key in numbers:
            lines.append((name, text(numbers[key])))
    return lines


def _part(recipe: Any, name: str) -> dict[str, Any]:
    part = recipe.get(name) if isinstance(recipe, dict) else None
    return part if isinstance(part, dict) else {}


def _seams(ratio: float) -> str:
    if ratio <= _UNSEEN_SEAMS:
        return "Nothing to see"
    return "Faint" if ratio <= _FAINT_SEAMS else "Can be seen"


def register() -> None:
    """Make the sub-panel known to Blender."""
    bpy.utils.register_class(VIEW3D_PT_style_transfer_result)


def unregister() -> None:
    """Take the sub-panel back."""
    bpy.utils.unregister_class(VIEW3D_PT_style_transfer_result)
