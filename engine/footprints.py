"""How large what a pixel or a texel shows is on a texture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .columns import rows_at

TINY = 1e-30  # of a face seen edge-on; its footprint is no number then, or endless


def of_texels(bary: Tensor, shape: tuple[int, int]) -> Tensor:
    """Those (M, 2, 2) of texels of a texture of `shape` (height, width); see `of_pixels`.

    Args:
        bary: (M, 3) float, where the texels are on their faces: as many are asked for.
        shape: of the texture.
    """
    height, width = shape
    return torch.diag(bary.new_tensor((1 / width, 1 / height))).expand(len(bary), 2, 2)


def squares(sides: Tensor) -> Tensor:
    """Those (N, 2, 2) of squares with `sides` (N,) in UV units; see `of_pixels`."""
    return torch.eye(2, device=sides.device) * sides[:, None, None]


def of_pixels(
    clip: Tensor, vertex: Tensor, uvs: Tensor, bary: Tensor, size: tuple[int, int]
) -> Tensor:
    """How UV coordinates change from a pixel to those beside it, at points of faces.

    The inverse of the matrix of a face's corners in homogeneous coordinates takes pixels to
    barycentric coordinates (Olano and Greer 1997, "Triangle scan conversion using 2D homogeneous
    coordinates", section 3). With the point itself as the origin, what is left of it are these
    coordinates' derivatives, wherever the corners lie, behind the camera too.

    Args:
        clip: (V, 4) float, the vertices in clip space.
        vertex: (N, 3) int64, the corners of each point's face.
        uvs: (N, 3, 2) float, of these corners.
        bary: (N, 3) float, perspective-correct.
        size: height and width of the frame in pixels.

    Returns:
        (N, 2, 2) float: a row for u and one for v, a column for a step to the right and one for a
        step up. No numbers, or endless ones, where a face is seen edge-on.
    """
    height, width = size
    shares = bary.unbind(1)
    columns = torch.stack((clip[:, 0], clip[:, 1], clip[:, 3]))  # (3, V)
    x, y, w = zip(*(rows_at(columns, corner) for corner in vertex.unbind(1)), strict=True)
    at_x, at_y, depth = (_dot(values, shares) for values in (x, y, w))
    right, up = at_x / depth, at_y / depth
    beside = [(a - right * b) / depth * (width / 2) for a, b in zip(x, w, strict=True)]
    above = [(a - up * b) / depth * (height / 2) for a, b in zip(y, w, strict=True)]
    deep = [a / depth for a in w]
    across, along = _cross(above, deep), _cross(deep, beside)
    area = _dot(beside, across)
    area = area.abs().clamp(min=TINY).copysign(area)
    steps = []
    for corner in uvs.permute(2, 1, 0):  # (3, N) of u, of v
        away = corner - _dot(corner.unbind(0), shares)
        steps += [_dot(away.unbind(0), step) / area for step in (across, along)]
    return torch.stack(steps, 1).view(-1, 2, 2)


def _dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Sequence[Tensor], b: Sequence[Tensor]) -> list[Tensor]:
    return [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]
