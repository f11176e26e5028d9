"""The same frame by Mitsuba 3's primary rays: what a compiled ray tracer needs for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from engine.mesh import Mesh
from engine.views import Camera

LIBRARIES = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/opt/llvm/lib")
PATTERNS = ("libLLVM*.so*", "*/libLLVM*.so*", "llvm-*/lib/libLLVM*.so*", "libLLVM.dylib")


class LeftOutError(Exception):
    """Why there is nothing to compare with."""


class Tracer:
    """Shoots a ray through the centre of each pixel of a camera.

    The rays are ready beforehand, so that the time is that of the intersections alone.

    Raises:
        LeftOutError: if Mitsuba or LLVM is not there.
    """

    def __init__(self, mesh: Mesh, camera: Camera) -> None:
        _find_llvm()
        try:
            import drjit  # noqa: PLC0415 - optional
            import mitsuba  # noqa: PLC0415
        except ImportError as error:
            raise LeftOutError(f"Mitsuba is not installed: {error}") from error
        try:
            mitsuba.set_variant("llvm_ad_rgb")
            drjit.eval(mitsuba.Float(0) + 1)
        except (ImportError, RuntimeError, AttributeError) as error:
            raise LeftOutError(f"Mitsuba finds no LLVM: {str(error).splitlines()[0]}") from error
        self._drjit, self._size = drjit, camera.size
        shape = mitsuba.Mesh("mesh", len(mesh.vertices), len(mesh.faces))
        parameters = mitsuba.traverse(shape)
        parameters["vertex_positions"] = mesh.vertices.ravel()
        parameters["faces"] = mesh.faces.astype(np.uint32).ravel()
        parameters.update()
        self._scene = mitsuba.load_dict({"type": "scene", "mesh": shape})
        starts, ways = (np.ascontiguousarray(a.T, np.float32) for a in rays_of(camera))
        self._rays = mitsuba.Ray3f(mitsuba.Point3f(starts), mitsuba.Vector3f(ways))
        drjit.eval(self._rays)

    def trace(self) -> Any:
        """What the rays meet first."""
        found = self._scene.ray_intersect_preliminary(self._rays, coherent=True)
        self._drjit.eval(found.t, found.prim_index, found.prim_uv)
        self._drjit.sync_thread()
        return found

    def faces(self) -> np.ndarray:
        """(H, W) int64, the face at each pixel, -1 where there is none."""
        found = self.trace()
        face = np.array(found.prim_index).astype(np.int64)
        return np.where(np.isfinite(np.array(found.t)), face, -1).reshape(self._size)


def rays_of(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Where the rays of a camera's pixels start and where they go, (H W, 3) each, world space."""
    height, width = camera.size
    row, column = (grid.ravel() for grid in np.mgrid[:height, :width] + 0.5)
    back = np.linalg.inv((camera.projection.double() @ camera.world_to_camera.double()).numpy())
    ends: list[np.ndarray] = []
    for depth in (-1.0, 1.0):
        whole = np.full(len(row), 1.0)
        ndc = np.stack((2 * column / width - 1, 1 - 2 * row / height, depth * whole, whole), -1)
        point = ndc @ back.T
        ends.append(point[:, :3] / point[:, 3:])
    way = ends[1] - ends[0]
    return ends[0], way / np.linalg.norm(way, axis=1, keepdims=True)


def _find_llvm() -> None:
    """Tell Mitsuba where LLVM's shared library is, where nobody has."""
    if "DRJIT_LIBLLVM_PATH" in os.environ:
        return
    found = sorted(
        file for folder in LIBRARIES for pattern in PATTERNS for file in Path(folder).glob(pattern)
    )
    if found:
        os.environ["DRJIT_LIBLLVM_PATH"] = str(found[-1])
