"""Which way a texture's u and v run on the surface, as Blender's normal maps take it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from .barycentric import interpolate
from .surface import TINY, Surface


@dataclass(frozen=True)
class Tangents:
    """The directions of u, smooth within UV islands, as MikkTSpace has them (Mikkelsen 2008).

    Attributes:
        corners: (F, 3, 3) float32, unit or 0, at the faces' corners.
        normals: (F, 3) float32, unit, of the flat faces.
        hand: (F,) float32, -1 where the UVs are mirrored, else 1.
    """

    corners: Tensor
    normals: Tensor
    hand: Tensor

    @classmethod
    def of(cls, surface: Surface) -> Tangents:
        """The tangents of all faces: at a corner, the mean over the faces of its island."""
        points = surface.vertices[surface.faces]  # (F, 3, 3)
        along, across = (points[:, i] - points[:, 0] for i in (1, 2))
        uv_along, uv_across = (surface.uvs[:, i] - surface.uvs[:, 0] for i in (1, 2))
        det = uv_along[:, 0] * uv_across[:, 1] - uv_along[:, 1] * uv_across[:, 0]
        hand = torch.where(det < 0, -1.0, 1.0)
        toward_u = along * uv_across[:, 1:] - across * uv_along[:, 1:]  # dP/du times det
        toward_u = toward_u * det.sign()[:, None]
        vertex_normals = surface.normals[surface.faces]  # (F, 3, 3)
        flat = _across(toward_u[:, None].expand_as(points), vertex_normals)
        flat = normalize(flat, dim=-1) * _angles(points)[..., None]
        group = _groups(surface, hand)
        sums = flat.new_zeros(int(group.max()) + 1, 3).index_add(0, group, flat.flatten(0, 1))
        corners = normalize(sums, dim=-1)[group].view_as(points)
        return cls(corners, normalize(torch.linalg.cross(along, across), dim=-1, eps=TINY), hand)

    def at(self, face: Tensor, bary: Tensor) -> tuple[Tensor, Tensor]:
        """Unit directions of u and v in the plane of `face` (N,), at `bary` (N, 3): (N, 3) each.

        They stand square on each other, as a normal map's do, however skewed the UVs are.
        """
        normal = self.normals[face]
        tangent = normalize(_across(interpolate(self.corners[face], bary), normal), dim=-1)
        return tangent, self.hand[face][:, None] * torch.linalg.cross(normal, tangent)


def _across(vector: Tensor, normal: Tensor) -> Tensor:
    """What of vectors (..., 3) is square on unit normals (..., 3)."""
    return vector - (vector * normal).sum(-1, keepdim=True) * normal


def _angles(points: Tensor) -> Tensor:
    """Angles (F, 3) of triangles (F, 3, 3), in radians."""
    ahead = normalize(points.roll(-1, 1) - points, dim=-1)
    behind = normalize(points.roll(1, 1) - points, dim=-1)
    return (ahead * behind).sum(-1).clamp(-1, 1).acos()


def _groups(surface: Surface, hand: Tensor) -> Tensor:
    """(3 F,) int64: the same number for corners with one vertex, one UV and one hand."""
    bits = surface.uvs.contiguous().view(torch.int32).flatten(0, 1).long()  # (3 F, 2)
    _, spot = ((bits[:, 0] << 32) + bits[:, 1]).unique(return_inverse=True)
    vertex = surface.faces.flatten() * (int(spot.max()) + 1) + spot
    mirrored = (hand < 0).repeat_interleave(3).long()
    return (vertex * 2 + mirrored).unique(return_inverse=True)[1]
