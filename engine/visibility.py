"""Which points of the surface can be seen from outside, and how open they lie."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .rasterizer import rasterize
from .side_by_side import side_by_side
from .surface import Surface
from .views import sphere_directions

DIRECTIONS = 96
SIDE = 256  # pixels of each depth map
FRAME = 1.02  # half a frame's side, in radii of the object: its rim is in the frame
BIAS = 2.5  # pixels that a point may lie behind the depth map and still be seen
EVEN_SEED = 20231  # any: the directions are the same in every run


@dataclass(frozen=True)
class Outside:
    """Depth maps of the object from all around, orthographic.

    Attributes:
        directions: (D, 3) unit vectors from the object outwards.
        frames: (D, 4, 4) world to NDC.
        depths: (D, SIDE, SIDE) NDC depth, 1 where empty.
        shown: (F,) bool, which faces a pixel of these shows.
    """

    directions: Tensor
    frames: Tensor
    depths: Tensor
    shown: Tensor

    @classmethod
    def of(cls, surface: Surface) -> Outside:
        """Look at `surface` from DIRECTIONS even directions."""
        used = surface.used_vertices
        low, high = used.amin(0), used.amax(0)
        middle = (low + high) / 2
        radius = (used - middle).norm(dim=-1).max().clamp(min=1e-9) * FRAME
        directions = sphere_directions(DIRECTIONS, seed=EVEN_SEED).to(used)

        @torch.no_grad()
        def look(direction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            frame = torch.eye(4, device=used.device)
            x, y, z = direction
            # Which way is up does not matter; this is 14 degrees off each direction, or more.
            other = torch.stack((z + y.abs(), x + z.abs(), y + x.abs())) + 0.1
            right = torch.nn.functional.normalize(torch.linalg.cross(direction, other), dim=0)
            axes = torch.stack((right, torch.linalg.cross(direction, right), -direction))
            frame[:3, :3] = axes / radius
            frame[:3, 3] = -(axes / radius) @ middle
            clip = torch.nn.functional.pad(surface.vertices, (0, 1), value=1.0) @ frame.T
            fragments = rasterize(clip, surface.faces, (SIDE, SIDE))
            face = fragments.pix_to_face[..., 0]
            empty = face < 0
            return frame, fragments.zbuf[..., 0].masked_fill(empty, 1.0), face[~empty]

        looks = side_by_side(look, directions, used.device)
        frames, depths, faces = zip(*looks, strict=True)
        shown = torch.zeros(len(surface.faces), dtype=torch.bool, device=used.device)
        shown[torch.cat(faces)] = True
        return cls(directions, torch.stack(frames), torch.stack(depths), shown)

    def sees(self, points: Tensor) -> Tensor:
        """From which directions each of `points` (N, 3) can be seen, (N, D) bool."""
        maps = zip(self.frames, self.depths, strict=True)
        return torch.stack([_seen(points, frame, depth) for frame, depth in maps], -1)

    def sees_at_all(self, points: Tensor) -> Tensor:
        """Which of `points` (N, 3) can be seen from any direction, (N,) bool."""
        seen = torch.zeros(len(points), dtype=torch.bool, device=points.device)
        for frame, depth in zip(self.frames, self.depths, strict=True):
            hidden = (~seen).nonzero().squeeze(-1)
            seen[hidden] = _seen(points.index_select(0, hidden), frame, depth)
        return seen

    def openness(self, points: Tensor, normals: Tensor) -> Tensor:
        """Ambient occlusion: the cosine-weighted share of the sky each point sees.

        Args:
            points, normals: (N, 3).

        Returns:
            (N,) float from 0 (closed in) to 1 (open); the more open side of thin sheets counts.
        """
        cosine = normals @ self.directions.T  # (N, D)
        seen = self.sees(points)
        sides = [
            (c.clamp(min=0) * seen).sum(-1) / c.clamp(min=0).sum(-1).clamp(min=1e-6)
            for c in (cosine, -cosine)
        ]
        return torch.maximum(*sides)


def _seen(points: Tensor, frame: Tensor, depth: Tensor) -> Tensor:
    """Which of `points` (N, 3) lie in front of a depth map, (N,) bool.

    Args:
        points: as above.
        frame: (4, 4), world to NDC.
        depth: (SIDE, SIDE) NDC depth.
    """
    ndc = points @ frame[:3, :3].T + frame[:3, 3]
    column = ((ndc[:, 0] + 1) * (SIDE / 2)).long().clamp(0, SIDE - 1)
    row = ((1 - ndc[:, 1]) * (SIDE / 2)).long().clamp(0, SIDE - 1)
    return ndc[:, 2] <= depth[row, column] + BIAS * 2 / SIDE
