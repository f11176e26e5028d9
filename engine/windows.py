"""Where close-ups look: windows of the views that together see the surface as evenly as can be."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .barycentric import interpolate
from .nearest import visible
from .surface import Surface
from .views import Camera, close_ups, tiled

SAMPLES = 16  # along each side of a window, to see what shows in it
CELLS = 48  # along the object's largest side; places that a window may see
WORTH_AGAIN = 0.25  # of a place that a chosen window sees already, and again for each one more


def choose_windows(
    surface: Surface, cameras: Sequence[Camera], *, zoom: int, side: int, count: int
) -> list[Camera]:
    """Greedily choose windows that see much of the surface that those before them do not.

    Args:
        surface: the mesh.
        cameras: whole views.
        zoom: how much nearer than these.
        side: of a window, in its pixels.
        count: windows, at most.

    Returns:
        The windows, the most useful first; none that sees nothing. Where all seem to, for the
        mesh is thinner than what is looked for, the first of them.
    """
    windows, places = [], []
    for camera in cameras:
        tiles = close_ups(camera, zoom, side)
        windows += tiles
        places.append(_places(surface, camera, zoom, side).view(len(tiles), -1, 4))
    seen = torch.cat(places)  # (W, SAMPLES², 4)
    names, place = seen.flatten(0, 1).unique(dim=0, return_inverse=True)
    place = place.view(len(windows), -1)
    worth = (names[:, 0] > 0).float()
    chosen: list[int] = []
    for _ in range(min(count, len(windows))):
        scores = worth[place].sum(1)
        scores[chosen] = 0
        best = int(scores.argmax())
        if scores[best] == 0:
            break
        chosen.append(best)
        worth[place[best].unique()] *= WORTH_AGAIN
    return [windows[i] for i in chosen] or windows[:count]


def _places(surface: Surface, camera: Camera, zoom: int, side: int) -> Tensor:
    """What shows in each window of a camera: (W * SAMPLES², 4) int64, 0 where nothing does.

    The first number is 1 on the mesh, the others tell the place on it.
    """
    wide, (rows, columns) = tiled(camera, zoom, side)
    size = (rows * SAMPLES, columns * SAMPLES)
    pix_to_face, bary = visible(wide.clip(surface.vertices), surface.faces, size)
    face = pix_to_face.flatten()
    corners = surface.faces[face.clamp(min=0)].flatten()
    point = interpolate(surface.vertices[corners].view(-1, 3, 3), bary.flatten(0, 1))
    on = (face >= 0)[:, None].long()
    place = torch.cat((on, (point * (CELLS / surface.extent)).floor().long() * on), 1)
    grid = place.view(rows, SAMPLES, columns, SAMPLES, 4).transpose(1, 2)
    return grid.reshape(-1, 4)
