"""Ask Blender to draw again what shows something that it does not watch itself."""

from __future__ import annotations

import bpy

SIDEBARS = (("VIEW_3D", "UI"), ("IMAGE_EDITOR", "UI"))  # where the tab Style is


def redraw(*kinds: tuple[str, str]) -> None:
    """Draw the regions of these kinds again in every window: area type and region type each."""
    assert bpy.context.window_manager
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if (area.type, region.type) in kinds:
                    region.tag_redraw()
