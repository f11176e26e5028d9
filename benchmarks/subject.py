"""What the benchmarks paint: a mesh, its texture and a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from draw_style import draw
from engine.backbone import Backbone, Weights, find_weights
from engine.critic import LAYERS
from engine.job import Job, Style
from engine.mesh import Mesh
from engine.painting import Painting
from engine.picture import read_picture
from engine.settings import Settings
from engine.stylize import prepare
from engine.views import Camera, orbit_cameras, sphere_directions

CPU = torch.device("cpu")
TORUS = (61, 48)  # quads around and across: as many triangles as Spot has
STRIPES = 512  # texels of the torus' texture
CAMERA_SEED = 1


@dataclass(frozen=True)
class Options:
    """How much is measured.

    Attributes:
        shrink: by which sizes are divided; 1 measures what the targets are for.
        repeats: measurements of which each median is taken.
        whole_runs: of each preset; 0 leaves them out.
    """

    shrink: int
    repeats: int
    whole_runs: int

    def side(self, length: int) -> int:
        """A length in pixels or texels, shrunk; views need some."""
        return max(32, length // self.shrink)


@dataclass(frozen=True)
class Subject:
    """A mesh, its look (H, W, 3) float32 in 0-1, and the file of a picture."""

    name: str
    mesh: Mesh
    original: np.ndarray
    picture: Path

    def job(self, **settings: Any) -> Job:
        """A job with `settings`, on the processor, with the network that everybody has."""
        fixed = Settings(device="CPU", backbone="VGG16")
        return Job(self.mesh, Style(self.picture), replace(fixed, **settings), (self.original,))

    def painting(self, **settings: Any) -> Painting:
        """One ready for its first step."""
        return prepare(self.job(**settings), [read_picture(self.picture)], CPU)

    def clip(self, side: int) -> tuple[Tensor, Tensor]:
        """Vertices (V, 4) in the clip space of a square frame that the mesh fills, and faces."""
        vertices = torch.from_numpy(self.mesh.vertices)
        return self.camera(side).clip(vertices), torch.from_numpy(self.mesh.faces)

    def camera(self, side: int) -> Camera:
        """Looking from one side, its frame of `side` x `side` pixels filled by the mesh."""
        vertices = torch.from_numpy(self.mesh.vertices)
        directions = sphere_directions(5, seed=CAMERA_SEED)[2:3]
        (camera,) = orbit_cameras(vertices, directions, side)
        return replace(camera, size=(side, side))


def network() -> Backbone:
    """The bundled one."""
    return Backbone(weights(), LAYERS)


def weights() -> Weights:
    """Of `network`."""
    return find_weights("VGG16", "")


def subject_of(mesh: Path | None, texture: Path | None, style: Path | None, scrap: Path) -> Subject:
    """What is named, and where nothing is, what the repository can make itself.

    Args:
        mesh: a triangulated OBJ file with UVs.
        texture: its texture.
        style: a picture.
        scrap: folder for files that are made.
    """
    if style is None:
        style = scrap / "style.png"
        draw().save(style)
    if mesh is None:
        return Subject("torus in stripes", torus(*TORUS), _stripes(STRIPES), style)
    if texture is None:
        original = np.full((1, 1, 3), 0.8, np.float32)
    else:
        original = read_picture(texture).permute(1, 2, 0).contiguous().numpy()
    return Subject(mesh.stem.title(), read_obj(mesh), original, style)


def read_obj(file: Path) -> Mesh:
    """The triangles of a Wavefront OBJ file, Y up, turned so that Z is."""
    lists: dict[str, list[list[str]]] = {"v": [], "vt": [], "f": []}
    for line in file.read_text(encoding="utf-8").splitlines():
        kind, *values = line.split() or [""]
        if kind in lists:
            lists[kind].append(values)
    x, y, z = np.array(lists["v"], np.float32)[:, :3].T
    corners = np.array([[c.split("/")[:2] for c in face] for face in lists["f"]], np.int64) - 1
    return Mesh(
        vertices=np.stack((x, -z, y), -1),
        faces=np.ascontiguousarray(corners[..., 0]),
        uvs=np.array(lists["vt"], np.float32)[:, :2][corners[..., 1]],
        materials=np.zeros(len(corners), np.int64),
        textures=np.zeros(len(corners), np.int64),
    )


def torus(around: int, across: int, *, thickness: float = 0.4) -> Mesh:
    """A torus about the Z axis, of 2 `around` `across` triangles; its UVs fill 0-1."""
    row, column = (grid.ravel() for grid in np.mgrid[:around, :across])
    step = np.array(((0, 0), (1, 0), (1, 1), (0, 0), (1, 1), (0, 1)))
    place = np.stack((row, column), -1)[:, None] + step  # (Q, 6, 2)
    faces = place[..., 0] % around * across + place[..., 1] % across
    turn, tilt = 2 * np.pi * row / around, 2 * np.pi * column / across
    far = 1 + thickness * np.cos(tilt)
    vertices = np.stack((far * np.cos(turn), far * np.sin(turn), thickness * np.sin(tilt)), -1)
    return Mesh(
        vertices=vertices.astype(np.float32),
        faces=faces.reshape(-1, 3),
        uvs=(place / (around, across)).reshape(-1, 3, 2).astype(np.float32),
        materials=np.zeros(2 * around * across, np.int64),
        textures=np.zeros(2 * around * across, np.int64),
    )


def _stripes(size: int) -> np.ndarray:
    """(size, size, 3) soft stripes of two colors."""
    line = 0.5 + 0.5 * np.sin(np.linspace(0, 16 * np.pi, size, endpoint=False))
    colors = np.array(((0.85, 0.35, 0.2), (0.15, 0.4, 0.6)))
    mixed = line[:, None] * colors[0] + (1 - line[:, None]) * colors[1]
    return np.ascontiguousarray(np.broadcast_to(mixed, (size, size, 3)), np.float32)
