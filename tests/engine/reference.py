"""The rasterizer's answers by brute force: every pixel against every face, in numpy float64.

Nothing here is shared with the engine: barycentric coordinates come from a linear solve, the
near plane from clipping polygons, distances from every edge.
"""

from typing import NamedTuple

import numpy as np


class Seen(NamedTuple):
    """Every face at every pixel."""

    inside: np.ndarray  # (H, W, F) bool: the pixel's centre hits the face before the near plane
    bary: np.ndarray  # (H, W, F, 3), below 0 outside
    depth: np.ndarray  # (H, W, F) NDC, of the point that clamping `bary` to the face gives
    distance: np.ndarray  # (H, W, F) to the outline of the visible part, NDC of the shorter side


def centers(size) -> np.ndarray:
    """NDC of the pixels' centres, (H, W, 2)."""
    height, width = size
    y, x = np.mgrid[:height, :width] + 0.5
    return np.stack((2 * x / width - 1, 1 - 2 * y / height), -1)


def look(clip, faces, size) -> Seen:
    """All of `faces` (F, 3) with vertices `clip` (V, 4) at the pixels of a frame."""
    points = centers(size)
    aspect = np.array(size[::-1]) / min(size)
    found = [_face(np.asarray(clip, float)[face], points, aspect) for face in np.asarray(faces)]
    return Seen(*(np.stack(values, 2) for values in zip(*found, strict=True)))


def _face(corners, points, aspect):
    """One face with corners (3, 4) at pixels `points` (H, W, 2)."""
    shape = points.shape[:2]
    outline = clip_to_front(corners)
    x, y, z, w = corners.T
    matrix = np.ones((*shape, 3, 3))
    matrix[..., 0, :] = x - points[..., :1] * w
    matrix[..., 1, :] = y - points[..., 1:] * w
    flat = np.abs(np.linalg.det(matrix)) < 1e-12
    matrix[flat] = np.eye(3)
    bary = np.linalg.solve(matrix, np.array((0.0, 0.0, 1.0))[:, None])[..., 0]
    bary[flat] = -1
    inside = (bary >= 0).all(-1) & (bary @ w > 0) & (bary @ (z + w) >= 0)
    clamped = bary.clip(0)
    clamped /= clamped.sum(-1, keepdims=True).clip(1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = (clamped @ z) / (clamped @ w)
    return inside, bary, depth, distance_to_outline(outline, points, aspect)


def clip_to_front(corners) -> np.ndarray:
    """The part of a polygon (N, 4) with z >= -w (Sutherland and Hodgman 1974)."""
    out = []
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        depth_a, depth_b = a[2] + a[3], b[2] + b[3]
        if depth_a >= 0:
            out.append(a)
        if (depth_a >= 0) != (depth_b >= 0):
            out.append(a + (b - a) * depth_a / (depth_a - depth_b))
    return np.array(out).reshape(-1, 4)


def distance_to_outline(outline, points, aspect) -> np.ndarray:
    """Distances (H, W) of NDC points (H, W, 2) to the edges of a polygon (N, 4) in clip space."""
    nearest = np.full(points.shape[:2], np.inf)
    flat = outline[:, :2] / outline[:, 3:] * aspect
    for a, b in zip(flat, np.roll(flat, -1, 0), strict=True):
        away, along = points * aspect - a, b - a
        share = (away @ along / max(along @ along, 1e-300)).clip(0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(away - share[..., None] * along, axis=-1))
    return nearest


def perspective(*, near=0.5, far=20.0, width=1.0, height=1.0) -> np.ndarray:
    """A projection (4, 4) whose frame has these half sides at distance 1."""
    depth = far - near
    return np.array(
        [
            [1 / width, 0, 0, 0],
            [0, 1 / height, 0, 0],
            [0, 0, -(far + near) / depth, -2 * far * near / depth],
            [0, 0, -1, 0],
        ]
    )


def to_clip(points, projection) -> np.ndarray:
    """Camera space (V, 3) to clip space (V, 4)."""
    return np.concatenate((points, np.ones((len(points), 1))), -1) @ projection.T
