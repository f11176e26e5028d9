"""How much the colors jump where UV islands meet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .footprints import squares
from .mip_levels import sample_each
from .surface import Surface

EDGE_SAMPLES = (0.25, 0.5, 0.75)  # where along an edge colors are compared


def seam_ratio(surface: Surface, pyramids: Sequence[Sequence[Tensor]]) -> float:
    """Mean color jump across UV seams over the mean jump across the other edges.

    Colors are compared at a texel's distance from the edge on either side. 1 where the mesh
    has no seams.

    Args:
        surface: the mesh.
        pyramids: of each of its textures, the mip levels (H, W, 3).
    """
    seam, inner = _edge_pairs(surface)
    jumps = [_jump(surface, pyramids, pair) for pair in (seam, inner)]
    return jumps[0] / max(jumps[1], 1e-9) if len(seam) and len(inner) else 1.0


def _edge_pairs(surface: Surface) -> tuple[Tensor, Tensor]:
    """Edges with two faces, as (E, 2, 2): for both faces, the face and its corner opposite.

    Returns:
        Those where the faces' UVs or textures differ, and those where they agree.
    """
    faces = surface.faces
    count = len(faces)
    face = torch.arange(count, device=faces.device).repeat(3)
    opposite = torch.arange(3, device=faces.device).repeat_interleave(count)
    ends = torch.stack((faces[face, (opposite + 1) % 3], faces[face, (opposite + 2) % 3]), -1)
    key = ends.amin(-1) * len(surface.vertices) + ends.amax(-1)
    key, order = key.sort(stable=True)
    twin = key[1:] == key[:-1]
    crowded = torch.zeros_like(twin)
    crowded[1:] |= twin[:-1]
    crowded[:-1] |= twin[1:]
    first = (twin & ~crowded).nonzero()[:, 0]
    pair = torch.stack((order[first], order[first + 1]), -1)  # (E, 2)
    pairs = torch.stack((face[pair], opposite[pair]), -1)  # (E, 2, 2)
    ends_uv = [_edge_uvs(surface, pairs[:, side]) for side in (0, 1)]
    differ = (ends_uv[0] - ends_uv[1]).abs().amax((1, 2)) > 1e-5
    differ |= surface.textures[pairs[:, 0, 0]] != surface.textures[pairs[:, 1, 0]]
    return pairs[differ], pairs[~differ]


def _edge_uvs(surface: Surface, side: Tensor) -> Tensor:
    """UVs (E, 2, 2) of an edge's ends, in the order of the vertices' indices."""
    face, opposite = side.unbind(-1)
    corners = torch.stack(((opposite + 1) % 3, (opposite + 2) % 3), -1)  # (E, 2)
    swap = surface.faces[face[:, None], corners].diff(dim=1) < 0
    corners = corners.flip(1).where(swap, corners)
    return surface.uvs[face[:, None], corners]


def _jump(surface: Surface, pyramids: Sequence[Sequence[Tensor]], pairs: Tensor) -> float:
    """Mean color difference between both sides of edges, at a texel's distance from them."""
    if not len(pairs):
        return 0.0
    sides = [1 / min(levels[0].shape[:2]) for levels in pyramids]
    texels = torch.tensor(sides, device=pairs.device)  # (T,) UV units
    jumps = []
    for share in EDGE_SAMPLES:
        colors = []
        for side in (0, 1):
            face, opposite = pairs[:, side].unbind(-1)
            apex = surface.uvs[face, opposite]
            start, end = _edge_uvs(surface, pairs[:, side]).unbind(1)
            on_edge = start + share * (end - start)
            inwards = apex - on_edge
            texture = surface.textures[face]
            step = texels[texture, None] / inwards.norm(dim=-1, keepdim=True).clamp(min=1e-9)
            place = on_edge + step.clamp(max=0.5) * inwards
            colors.append(sample_each(pyramids, texture, place, squares(texels[texture])))
        jumps.append((colors[0] - colors[1]).norm(dim=-1).mean())
    return float(torch.stack(jumps).mean())
