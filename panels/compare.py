"""The sub-panel Compare: drafts side by side, before a long run."""

from __future__ import annotations

import bpy

from ..operators import running
from ..operators.compare_settings import COMPARE_PROPERTY
from .layouts import PARENT, SidebarPanel, draw_fact, settings_column
from .problem import problem


class VIEW3D_PT_style_transfer_compare(SidebarPanel):
    """What differs, how many drafts there are, and the button."""

    bl_label = "Compare"
    bl_parent_id = PARENT
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - as Blender wants it

    def draw(self, context: bpy.types.Context) -> None:
        """The kind, its choices, the button; while a run is going, the panel above shows it."""
        column, _settings = settings_column(self, context)
        group = getattr(context.scene, COMPARE_PROPERTY)
        row = column.row()
        row.use_property_split = False
        row.prop(group, "compare", expand=True)
        if group.compare == "STYLES":
            column.prop(group, "pictures", placeholder="Beside the Style Picture")
        sizes = column.column(align=True)
        sizes.prop(group, "columns")
        sizes.prop(group, "rows")
        if group.compare == "WEIGHTS":
            column.prop(group, "spread")
        column.prop(group, "sheet", placeholder="Packed")
        count = group.columns * group.rows
        upto = "Up to " if group.compare == "STYLES" else ""
        draw_fact(column, "", f"{upto}{count} drafts" if count > 1 else "1 draft")
        layout = self.layout
        assert layout
        row = layout.row()
        row.enabled = not running.state(context).active and problem(context) is None
        row.operator(
            "object.style_transfer_compare", text="Paint the Sheet", icon="IMAGE_REFERENCE"
        )


def register() -> None:
    """Make the sub-panel known to Blender."""
    bpy.utils.register_class(VIEW3D_PT_style_transfer_compare)


def unregister() -> None:
    """Take the sub-panel back."""
    bpy.utils.unregister_class(VIEW3D_PT_style_transfer_compare)
