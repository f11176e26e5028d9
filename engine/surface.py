"""The mesh as tensors, and what a camera sees of it: a list of surface points per view.

Geometry and cameras stand still while the paint changes. So a view is rasterized once and kept
as points on the surface; from then on a render is a gather, and its gradient a scatter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .job import Mesh
from .rasterizer import Fragments, blend_weights, coverage, rasterize
from .texture import interpolate
from .views import Camera

FACES_PER_PIXEL = 6
BLUR_PIXELS = 0.7  # how far outside of a face a pixel's centre still sees it
SIGMA_PIXELS = 0.1  # softness of outlines, square pixels
GAMMA = 1e-3  # softness of depth: a face behind by 1 % of the depth range weighs e^-10
LEAST_WEIGHT = 0.02  # of a surface point within its pixel


@dataclass(frozen=True)
class Surface:
    """A mesh on the device.

    Attributes:
        vertices: (V, 3) float32, world space.
        faces: (F, 3) int64.
        uvs: (F, 3, 2) float32.
        materials: (F,) int64.
        normals: (V, 3) float32, unit, smooth.
    """

    vertices: Tensor
    faces: Tensor
    uvs: Tensor
    materials: Tensor
    normals: Tensor

    @classmethod
    def of(cls, mesh: Mesh, device: torch.device) -> Surface:
        """Put `mesh` on `device`."""
        vertices, faces, uvs, materials = (
            torch.from_numpy(a).to(device)
            for a in (mesh.vertices, mesh.faces, mesh.uvs, mesh.materials)
        )
        a, b, c = vertices[faces].unbind(1)
        across = torch.linalg.cross(b - a, c - a)[:, None].expand(-1, 3, -1)  # (F, 3, 3)
        normals = torch.zeros_like(vertices).index_add(0, faces.flatten(), across.reshape(-1, 3))
        return cls(vertices, faces, uvs, materials, torch.nn.functional.normalize(normals, dim=-1))

    @property
    def used_vertices(self) -> Tensor:
        """(U, 3): the vertices that faces use."""
        return self.vertices[self.faces.unique()]

    @property
    def extent(self) -> float:
        """Largest side of the bounding box, world units."""
        used = self.used_vertices
        return float((used.amax(0) - used.amin(0)).max())

    @property
    def area(self) -> float:
        """Square world units, both sides of a face counted once."""
        a, b, c = self.vertices[self.faces].unbind(1)
        return float(torch.linalg.cross(b - a, c - a).norm(dim=-1).sum() / 2)

    def points(self, face: Tensor, bary: Tensor) -> Tensor:
        """World positions (N, 3)."""
        corners = self.faces.index_select(0, face).flatten()
        return interpolate(self.vertices.index_select(0, corners).view(-1, 3, 3), bary)


class Shot(NamedTuple):
    """What a camera sees, as surface points.

    Attributes:
        size: height and width in pixels.
        pixel: (P,) int64, the covered pixels, row * width + column, row 0 on top.
        alpha: (P,) float, the share of each that the mesh covers, 0-1.
        owner: (N,) int64, which covered pixel each point shows in.
        weight: (N,) float, how much of it; sums to 1 within a pixel.
        face: (N,) int64.
        bary: (N, 3) float.
        point: (N, 3) float, world space.
        footprint: (N,) float, side of a pixel on the texture, in UV units.
        reach: float, median side of a pixel on the surface, world units.
    """

    size: tuple[int, int]
    pixel: Tensor
    alpha: Tensor
    owner: Tensor
    weight: Tensor
    face: Tensor
    bary: Tensor
    point: Tensor
    footprint: Tensor
    reach: float

    def image(self, colors: Tensor, background: Tensor) -> Tensor:
        """Render: colours (N, 3) of the points over `background` (3,), as (1, 3, H, W)."""
        mixed = colors.new_zeros(len(self.pixel), 3).index_add(
            0, self.owner, colors * self.weight[:, None]
        )
        mixed = background + (mixed - background) * self.alpha[:, None]  # (P, 3)
        height, width = self.size
        canvas = background.expand(height * width, 3).index_put((self.pixel,), mixed)
        return canvas.view(1, height, width, 3).permute(0, 3, 1, 2)

    @property
    def mask(self) -> Tensor:
        """(H, W) float in 0-1: how much of each pixel the mesh covers."""
        height, width = self.size
        empty = self.alpha.new_zeros(height * width)
        return empty.index_put((self.pixel,), self.alpha).view(height, width)


def shoot(surface: Surface, camera: Camera) -> Shot:
    """Rasterize a view softly and list its surface points.

    A pixel has one point of the nearest stretch of surface, and where that covers only part of
    it, at an outline, one of the stretch behind: so outlines are antialiased, and no face paints
    through the middle of another.
    """
    clip = camera.clip(surface.vertices)
    unit = 2 / min(camera.size)  # NDC of the shorter side, per pixel
    fragments = rasterize(
        clip,
        surface.faces,
        camera.size,
        faces_per_pixel=FACES_PER_PIXEL,
        blur_radius=(BLUR_PIXELS * unit) ** 2,
    )
    pixel = (fragments.pix_to_face[..., 0] >= 0).flatten().nonzero()[:, 0]  # (P,)
    fragments = Fragments(*(values.flatten(0, 1)[pixel] for values in fragments))  # (P, K)
    face = fragments.pix_to_face.clamp(min=0)
    area = _pixel_areas(surface, clip, camera.size)  # (F,)
    bary = fragments.bary_coords.flatten(0, 1)  # (P K, 3)
    corners = surface.faces.index_select(0, face.flatten()).flatten()
    depth = (clip[:, 3].index_select(0, corners).view(-1, 3) * bary).sum(-1).view(face.shape)
    reach = depth * pixel_size(camera)
    point = surface.points(face.flatten(), bary)
    scene = _Stretches(point.view(*face.shape, 3), reach, area.sign()[face], SIGMA_PIXELS * unit**2)

    first, cover, taken = scene.nearest(fragments, fragments)
    behind = _without(fragments, taken)
    second, cover_behind, _ = scene.nearest(_without(behind, fragments.dists > 0), behind)
    cover_behind = (1 - cover) * cover_behind
    alpha = (cover + cover_behind).clamp(min=1e-6)
    weight = torch.stack((cover, cover_behind), -1) / alpha[:, None]  # (P, 2)
    weight = weight.where(weight >= LEAST_WEIGHT, 0.0)
    weight = weight / weight.sum(-1, keepdim=True).clamp(min=1e-6)
    owner, layer = weight.nonzero(as_tuple=True)  # (N,)
    slot = torch.stack((first, second), -1)[owner, layer]
    face = face[owner, slot]
    return Shot(
        size=camera.size,
        pixel=pixel,
        alpha=alpha,
        owner=owner,
        weight=weight[owner, layer],
        face=face,
        bary=fragments.bary_coords[owner, slot],
        point=scene.point[owner, slot],
        footprint=(_areas(surface.uvs).abs() / area.abs().clamp(min=1e-6)).sqrt()[face],
        reach=float(reach[owner, slot].median()) if len(owner) else 0.0,
    )


class _Stretches(NamedTuple):
    """Fragments (P, K) of a view's pixels, to be joined into stretches of surface."""

    point: Tensor  # (P, K, 3) world space
    reach: Tensor  # (P, K) side of a pixel there, world units
    facing: Tensor  # (P, K) 1 or -1: which side of the face shows
    sigma: float

    def nearest(self, mains: Fragments, fragments: Fragments) -> tuple[Tensor, Tensor, Tensor]:
        """The stretch that shows first.

        Args:
            mains: the fragments of which one gives the stretch its point.
            fragments: all that may belong to it.

        Returns:
            (P,) slot of its main fragment, (P,) share of the pixel it covers, and (P, K) bool,
            its fragments: those side by side with the main one on the surface.
        """
        main = blend_weights(mains, sigma=self.sigma, gamma=GAMMA)[0].argmax(-1, keepdim=True)
        away = self.point - self.point.gather(1, main[..., None].expand(-1, -1, 3))
        beside = away.norm(dim=-1) < 2 * self.reach.gather(1, main)
        # Faces along an edge share its pixels out: halves that show the same side make a whole.
        same = beside & (self.facing == self.facing.gather(1, main))
        cover = (coverage(fragments, sigma=self.sigma) * same).sum(-1).clamp(max=1)
        there = mains.pix_to_face.gather(1, main).squeeze(-1) >= 0
        return main.squeeze(-1), cover * there, beside


def _without(fragments: Fragments, which: Tensor) -> Fragments:
    """The fragments but for `which` (P, K) bool."""
    return fragments._replace(pix_to_face=fragments.pix_to_face.masked_fill(which, -1))


def pixel_size(camera: Camera) -> float:
    """Side of a pixel on the surface over clip space's w there."""
    return float(2 / (camera.projection[1, 1].abs() * camera.size[0]))


def _pixel_areas(surface: Surface, clip: Tensor, size: tuple[int, int]) -> Tensor:
    """Signed areas of the faces in the frame (F,), in square pixels."""
    scale = torch.tensor((size[1] / 2, size[0] / 2), device=clip.device)
    flat = clip[:, :2] / clip[:, 3:].clamp(min=1e-6) * scale
    return _areas(flat[surface.faces])


def _areas(corners: Tensor) -> Tensor:
    """Signed areas (F,) of flat triangles (F, 3, 2)."""
    (ax, ay), (bx, by) = ((corners[:, i] - corners[:, 0]).unbind(-1) for i in (1, 2))
    return (ax * by - ay * bx) / 2
