"""Making several classes known to Blender, for the modules that have more than one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bpy


def registration(classes: Sequence[type]) -> tuple[Callable[[], None], Callable[[], None]]:
    """What makes `classes` known to Blender in this order, and what takes them back."""
    made: Any = bpy.utils.register_classes_factory(classes)  # type: ignore[func-returns-value]
    register, unregister = made
    return register, unregister
