"""The surface that is painted, as Blender hands it over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import JobError


@dataclass(frozen=True)
class Mesh:
    """A triangulated, UV-mapped surface.

    Attributes:
        vertices: (V, 3) float32, world space, Z up, right-handed.
        faces: (F, 3) int64, indices into `vertices`.
        uvs: (F, 3, 2) float32, per corner, in the face's own texture, u right and v up;
            outside 0-1 repeats.
        materials: (F,) int64, indices into `Job.originals`.
        textures: (F,) int64, which of the textures each face is painted in.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray
    materials: np.ndarray
    textures: np.ndarray

    def validate(self) -> None:
        """Raise JobError unless the surface can be painted."""
        corners = (*self.faces.shape[:1], 3)
        expect("vertices", self.vertices, np.float32, (*self.vertices.shape[:1], 3))
        expect("faces", self.faces, np.int64, corners)
        expect("uvs", self.uvs, np.float32, (*corners, 2))
        expect("materials", self.materials, np.int64, corners[:1])
        expect("textures", self.textures, np.int64, corners[:1])
        if not len(self.faces):
            raise JobError("Mesh", "it has no faces", "Choose a mesh with faces")
        if self.faces.min() < 0 or self.faces.max() >= len(self.vertices):
            raise JobError(
                "Mesh",
                f"faces point at vertices {self.faces.min()} to {self.faces.max()}"
                f" of {len(self.vertices)}",
                "Run Mesh > Clean Up in Blender, or export it again",
            )
        for name, values in (("vertices", self.vertices), ("UVs", self.uvs)):
            bad = int((~np.isfinite(values)).any(-1).sum())
            if bad:
                raise JobError(
                    "Mesh",
                    f"{bad} of its {name} are not finite numbers (NaN or infinity)",
                    "Find and delete or reset them, or apply the modifier that makes them",
                )
        a, b, c = np.moveaxis(self.vertices[self.faces].astype(np.float64), 1, 0)
        if not np.linalg.norm(np.cross(b - a, c - a), axis=-1).any():
            raise JobError("Mesh", "all its faces have zero area", "Give it a size")
        a, b, c = np.moveaxis(self.vertices[self.faces], 1, 0)
        with np.errstate(all="ignore"):
            area = np.linalg.norm(np.cross(b - a, c - a), axis=-1).sum()
        if not 0 < area < np.inf:
            extent = float(np.ptp(self.vertices[self.faces].astype(np.float64), (0, 1)).max())
            raise JobError(
                "Mesh",
                f"it is {extent:.3g} units large, so that the areas of its faces are 0 or infinite",
                "Scale it to a size between a millionth and a million units",
            )
        (a, b, c), cross = np.moveaxis(self.uvs.astype(np.float64), 1, 0), _cross_2d
        if np.abs(cross(b - a, c - a)).sum() < 1e-9:
            raise JobError(
                "UV map",
                "all its faces are collapsed to points or lines",
                "Unwrap the mesh (in Edit Mode: U > Smart UV Project)",
            )


def expect(name: str, array: np.ndarray, dtype: type, shape: tuple[int, ...]) -> None:
    """Raise JobError unless a job's `array` is of that type and shape."""
    if array.dtype != dtype or array.shape != shape:
        raise JobError(
            f"Job array {name}",
            f"{array.dtype} {array.shape} instead of {np.dtype(dtype)} {shape}",
            "Export the job again",
        )


def _cross_2d(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
