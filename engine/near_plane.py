"""Faces cut at the near plane into triangles that lie in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .columns import each_at, picked


class Triangles(NamedTuple):
    """Faces cut at the near plane: the whole ones first, then the P parts of the others.

    Attributes:
        vertices: (4 + C, V') in clip space, with what else they have; then those the cut made.
        corners: (3, T) int32, indices of vertices.
        parent: (T,) int64, the face each is a part of.
        inner: (3, P) bool: the edge opposite the corner lies inside the parent.
        twin: (P,) int64, the other part of the parent; itself where there is none.
        shares: (P, 3, 3) float, of the parent's corners in each of the part's.
        uncut: whether all lie in front: each face is the triangle of its own number.
    """

    vertices: Tensor
    corners: Tensor
    parent: Tensor
    inner: Tensor
    twin: Tensor
    shares: Tensor
    uncut: bool

    @property
    def whole(self) -> int:
        """How many are whole faces."""
        return len(self.parent) - len(self.shares)

    def parts_among(self, triangle: Tensor) -> Tensor:
        """Indices (M,) int64 of those of triangles (N,) that are parts of faces."""
        if not len(self.shares):
            return triangle.new_empty(0, dtype=torch.int64)
        return (triangle >= self.whole).nonzero().squeeze(-1)

    def in_parent(self, triangle: Tensor, bary: Sequence[Tensor]) -> Sequence[Tensor]:
        """Of shares (N,) of each corner of triangles (N,), those of their faces, (N,) each."""
        some = self.parts_among(triangle)
        if not len(some):
            return bary
        shares = self.shares.index_select(0, triangle[some] - self.whole)
        of_parts = torch.stack([values[some] for values in bary], -1)
        whole = (of_parts[:, :, None] * shares).sum(1)  # (M, 3)
        return [
            values.index_copy(0, some, of_faces)
            for values, of_faces in zip(bary, whole.unbind(-1), strict=True)
        ]


def cut(clip: Tensor, faces: Tensor) -> Triangles:
    """Keep the part of every face with z >= -w (Blinn and Newell 1978).

    Args:
        clip: (V, 4 + C) float, vertices in OpenGL clip space, and what else is linear on faces.
        faces: (F, 3) int64, indices of vertices.
    """
    depth = clip[:, 2] + clip[:, 3]  # (V,) >= 0 in front of the near plane
    corners_of = faces.T.to(torch.int32, memory_format=torch.contiguous_format)
    in_front = depth >= 0
    uncut = bool(in_front.all())
    if uncut:  # mostly: then there is nothing to find out for each face
        front, count = in_front[:0], depth[:0]
        whole, corners = torch.arange(len(faces), device=faces.device), [corners_of]
    else:
        front = each_at(in_front, corners_of)
        count = front.sum(0)
        whole = (count == 3).nonzero().squeeze(-1)
        corners = [picked(corners_of, whole)]
    vertices, parent = [clip], [whole]
    inner = [torch.zeros(3, 0, dtype=torch.bool, device=faces.device)]
    twin = [whole[:0]]
    shares = [clip.new_empty(0, 3, 3)]
    start = len(clip)
    for ahead in (1, 2):
        crossing = (count == ahead).nonzero().squeeze(-1)  # (C,)
        if not len(crossing):
            continue
        # Turn the corners so that the one alone on its side of the plane comes first.
        alone = (front[:, crossing] == (ahead == 1)).to(torch.int64).argmax(0)
        turn = (alone[:, None] + torch.arange(3, device=faces.device)) % 3
        a, b, c = faces[crossing].gather(1, turn).unbind(-1)  # (C,) each
        own = torch.nn.functional.one_hot(turn, 3).to(clip.dtype).unbind(1)  # (C, 3) each
        ends, weights = [a, b, c], list(own)
        for other in (1, 2):
            far = ends[other]
            share = (depth[a] / (depth[a] - depth[far]))[:, None]
            vertices.append(clip[a] + share * (clip[far] - clip[a]))
            ends.append(torch.arange(start, start + len(a), device=faces.device))
            weights.append(own[0] + share * (own[other] - own[0]))
            start += len(a)
        if ahead == 1:
            parts, flags = [(0, 3, 4)], [(False, False, False)]
        else:
            parts, flags = [(3, 1, 2), (3, 2, 4)], [(False, True, False), (False, False, True)]
        before = sum(map(len, parent))
        slots = torch.arange(before, before + len(parts) * len(a), device=faces.device)
        twin.append(slots.view(len(parts), -1).flip(0).flatten())
        for part, flag in zip(parts, flags, strict=True):
            corners.append(torch.stack([ends[i] for i in part]).to(torch.int32))
            shares.append(torch.stack([weights[i] for i in part], 1))
            parent.append(crossing)
            inner.append(torch.tensor(flag, device=faces.device)[:, None].expand(3, len(a)))
    return Triangles(
        vertices=torch.cat(vertices).T.contiguous(),
        corners=torch.cat(corners, 1),
        parent=torch.cat(parent),
        inner=torch.cat(inner, 1),
        twin=torch.cat(twin),
        shares=torch.cat(shares),
        uncut=uncut,
    )
