"""Texts in panels, which Blender would cut off at the panel's edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import blf
import bpy

_AROUND = 95  # what box, icon, tabs and scroll bar take of a region's width, at scale 1
_NARROW = 80  # in a region with less room than this nothing is read anyway
_WIDTH = 280  # of a sidebar, where nothing has a width


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """`text` in lines that are at most `width` wide; a word that is wider is broken.

    Args:
        text: its white space does not matter.
        width: in the unit of `measure`.
        measure: how wide a text is.
    """
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if measure(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while len(line) > 1 and measure(line) > width:
            end = next((n for n in range(len(line) - 1, 1, -1) if measure(line[:n]) <= width), 1)
            lines.append(line[:end])
            line = line[end:]
    return [*lines, line] if line else lines


def draw_text(layout: bpy.types.UILayout, text: str, *, icon: Any = "NONE") -> None:
    """A text of any length, broken into lines that fit into the region that is drawn.

    Args:
        layout: where it goes.
        text: what is said.
        icon: before the first line; BLANK1 only indents.
    """
    assert bpy.context.preferences
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale or 1.0
    width = max((region.width if region else _WIDTH * scale) - _AROUND * scale, _NARROW * scale)
    blf.size(0, bpy.context.preferences.ui_styles[0].widget.points * scale)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for line in wrap(text, width, lambda part: blf.dimensions(0, part)[0]):
        column.label(text=line, icon=icon, translate=False)
        icon = "NONE" if icon == "NONE" else "BLANK1"
