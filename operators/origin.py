"""Where a job counts its coordinates from: float32 is coarse far from the world's origin."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

# Times their own size that objects may be away from the world's origin and count from there:
# float32 leaves them 16 bits for a place on them then.
FAR = 256.0


def find_origin(objects: Sequence[bpy.types.Object], depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """The point of the world that `objects` are counted from, (3,) float64.

    The world's own origin, but for objects that are far away from it: the middle of their
    bounding boxes.
    """
    corners = np.concatenate([_box(obj.evaluated_get(depsgraph)) for obj in objects])  # (8 N, 3)
    low, high = corners.min(0), corners.max(0)
    middle = (low + high) / 2
    is_far = np.isfinite(middle).all() and np.abs(middle).max() > FAR * (high - low).max()
    return middle if is_far else np.zeros(3)


def _box(obj: bpy.types.Object) -> np.ndarray:
    """The corners (8, 3) float64 of the bounding box of `obj`, world space."""
    matrix = np.array(obj.matrix_world)
    return np.array(obj.bound_box) @ matrix[:3, :3].T + matrix[:3, 3]
