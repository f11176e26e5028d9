"""What the tabs Style of all editors share: the picture, the button, the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy

from ..operators import running, settings
from . import thumbnail
from .layouts import distance, draw_fact
from .problem import Problem
from .text import draw_text

_THUMBNAIL = 6.0  # times the height of a button
_BIG = 1.6


def draw_picture(layout: bpy.types.UILayout, group: settings.StyleTransferSettings) -> None:
    """The style picture, and the field to choose it."""
    if icon := group.style and thumbnail.icon(Path(bpy.path.abspath(group.style))):
        layout.template_icon(icon, scale=_THUMBNAIL)
    layout.prop(group, "style", text="", placeholder="Style Picture")


def draw_run_or_start(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    problem: Callable[[bpy.types.Context], Problem | None],
    operator: str,
    name: str,
) -> None:
    """The run that is going or, where there is none, the button that starts one.

    Args:
        layout: where it goes.
        context: of the panel.
        problem: finds what is in the way of a start.
        operator: that the button calls.
        name: of what it would paint, perhaps empty.
    """
    layout.separator()
    if running.state(context).active:
        _draw_run(layout, running.state(context))
    else:
        _draw_start(layout, problem(context), operator, name)


def _draw_start(
    layout: bpy.types.UILayout, found: Problem | None, operator: str, name: str
) -> None:
    """The big button; above it what is in its way."""
    if found:
        box = layout.box()
        box.use_property_split = False
        draw_text(box, str(found.error), icon="ERROR")
        if found.draw_cure:
            found.draw_cure(box)
    row = layout.row()
    row.scale_y = _BIG
    row.enabled = not found
    row.operator(operator, text=f"Paint {name}".strip(), icon="BRUSH_DATA", translate=False)


def _draw_run(layout: bpy.types.UILayout, run: running.StyleTransferRun) -> None:
    """How far it is, and what ends it."""
    column = layout.column()
    column.label(text=f"Painting {run.subject_name}", icon="BRUSH_DATA", translate=False)
    column.progress(factor=run.share, text=run.status())
    if run.step and not run.stopping:
        draw_fact(column, "From Picture", distance(run.style_loss))
        draw_fact(column, "From Original", distance(run.content_loss))
    row = layout.row(align=True)
    row.scale_y = _BIG
    row.operator("object.style_transfer_cancel", icon="X")
    row.operator("object.style_transfer_keep")
