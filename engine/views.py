"""Where the cameras stand, and how tightly they frame the object."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .job import View

FIELD_OF_VIEW = math.radians(25)
DEPTH = 1.05  # radii of the object from its middle to the near plane and to the far one
MARGIN = 4  # pixels of background kept around the object
LEAST = 16  # pixels on a side; the network's deepest layer sees nothing in fewer


@dataclass(frozen=True)
class Camera:
    """A camera and the frame that it renders.

    Attributes:
        world_to_camera: (4, 4) float32, looking down -Z.
        projection: (4, 4) float32, to OpenGL clip space.
        size: height and width in pixels.
    """

    world_to_camera: Tensor
    projection: Tensor
    size: tuple[int, int]

    def clip(self, points: Tensor) -> Tensor:
        """World points (N, 3) to clip space (N, 4)."""
        ones = torch.ones_like(points[:, :1])
        return torch.cat((points, ones), 1) @ (self.projection @ self.world_to_camera).T

    @property
    def position(self) -> Tensor:
        """Where the camera stands, (3,), world space."""
        return torch.linalg.inv(self.world_to_camera)[:3, 3]


def sphere_directions(count: int, *, seed: int) -> Tensor:
    """Even directions from the object to the cameras, (count, 3) unit vectors.

    A Fibonacci lattice (Gonzalez 2010, "Measurement of areas on a sphere using Fibonacci and
    latitude-longitude lattices") in a random rotation.
    """
    index = torch.arange(count, dtype=torch.float64)
    z = 1 - (2 * index + 1) / count
    turn = index * (math.pi * (3 - math.sqrt(5)))
    radius = (1 - z * z).sqrt()
    lattice = torch.stack((radius * turn.cos(), radius * turn.sin(), z), -1)
    return (lattice @ random_rotation(torch.Generator().manual_seed(seed)).T).float()


def random_rotation(generator: torch.Generator) -> Tensor:
    """A uniformly distributed rotation, (3, 3) float64 (Shoemake 1992, random quaternion)."""
    w, x, y, z = torch.nn.functional.normalize(
        torch.randn(4, generator=generator, dtype=torch.float64), dim=0
    ).tolist()
    return torch.tensor(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ],
        dtype=torch.float64,
    )


def orbit_cameras(vertices: Tensor, directions: Tensor, scale: int) -> list[Camera]:
    """Cameras that look at the object from `directions`, each framing all of it tightly.

    Args:
        vertices: (V, 3) world space; only those that faces use.
        directions: (N, 3) unit vectors from the object's middle to the camera.
        scale: larger side of each frame in pixels.
    """
    low, high = vertices.amin(0), vertices.amax(0)
    middle = (low + high) / 2
    radius = (vertices - middle).norm(dim=-1).max().clamp(min=1e-6)
    distance = radius / math.sin(FIELD_OF_VIEW / 2)
    cameras = []
    for direction in directions:
        world_to_camera = _look_at(middle + distance * direction, direction)
        reach = DEPTH * radius
        projection = _perspective(float(distance - reach), float(distance + reach))
        cameras.append(frame(world_to_camera, projection, vertices, scale))
    return cameras


def frame(
    world_to_camera: Tensor, projection: Tensor, vertices: Tensor, scale: int, aspect: float = 1.0
) -> Camera:
    """Crop a camera to the object.

    Args:
        world_to_camera, projection: (4, 4), the whole camera.
        vertices: (V, 3) world space.
        scale: larger side in pixels of the frame that fits what is seen of the object.
        aspect: width over height of what `projection` shows.

    Returns:
        The camera with the part of its frame that the object reaches, plus MARGIN pixels or
        what is missing to LEAST; the whole frame if part of the object is behind the camera,
        or all of it beside the frame.
    """
    clip = Camera(world_to_camera, projection, (1, 1)).clip(vertices)
    stretch = torch.tensor([aspect, 1.0])  # NDC to a plane with square pixels
    if bool((clip[:, 3] <= 1e-6).any()):
        low, high = -stretch, stretch
    else:
        ndc = clip[:, :2] / clip[:, 3:] * stretch
        low, high = ndc.amin(0).maximum(-stretch), ndc.amax(0).minimum(stretch)
        if bool((low > high).any()):
            low, high = -stretch, stretch
    pixel = max(float((high - low).max()) / max(scale - 2 * MARGIN, 1), 1e-9)
    pixels = (((high - low) / pixel).ceil() + 2 * MARGIN).clamp(min=LEAST)  # (2,) width, height
    middle, half = (low + high) / 2 / stretch, pixels * pixel / 2 / stretch
    crop = torch.eye(4)
    crop[0, 0], crop[1, 1] = 1 / half
    crop[0, 3], crop[1, 3] = -middle / half
    return Camera(world_to_camera, crop @ projection, (int(pixels[1]), int(pixels[0])))


def framed(view: View, vertices: Tensor, scale: int) -> Camera:
    """A camera of the scene, cropped to the object; arguments as of `frame`."""
    world_to_camera, projection = (
        torch.from_numpy(matrix) for matrix in (view.world_to_camera, view.projection)
    )
    return frame(world_to_camera, projection, vertices, scale, view.aspect)


def tilted(view: View, middle: np.ndarray, tilt: float, turn: float) -> View:
    """`view` moved round `middle`, so that it looks there from beside.

    Args:
        view: keeps its lens.
        middle: (3,) world space.
        tilt: how far, in radians.
        turn: where to, in radians: 0 tilts about the camera's own x axis, pi / 2 about y.
    """
    x, y = math.cos(turn), math.sin(turn)
    cross = np.array(((0, 0, y), (0, 0, -x), (-y, x, 0)))  # of the axis (x, y, 0)
    rotation = np.eye(3) + math.sin(tilt) * cross + (1 - math.cos(tilt)) * cross @ cross
    at = view.world_to_camera[:3, :3] @ middle + view.world_to_camera[:3, 3]
    about = np.eye(4)
    about[:3, :3], about[:3, 3] = rotation, at - rotation @ at
    return replace(view, world_to_camera=(about @ view.world_to_camera).astype(np.float32))


def close_ups(camera: Camera, factor: int, side: int) -> list[Camera]:
    """Square windows that tile a camera's frame around its middle, row by row from the top.

    Args:
        camera: of the whole frame.
        factor: how much nearer.
        side: of each window, in its own pixels.
    """
    wide, (rows, columns) = tiled(camera, factor, side)
    return [
        _part(wide, (x, y), (columns, rows), (side, side))
        for y in (1 - (2 * row + 1) / rows for row in range(rows))
        for x in ((2 * column + 1) / columns - 1 for column in range(columns))
    ]


def tiled(camera: Camera, factor: int, side: int) -> tuple[Camera, tuple[int, int]]:
    """A camera's frame, widened to all that its close-ups show, and their rows and columns.

    Arguments as of `close_ups`.
    """
    height, width = (factor * length for length in camera.size)
    rows, columns = math.ceil(height / side), math.ceil(width / side)
    zoom = (width / (columns * side), height / (rows * side))
    return _part(camera, (0.0, 0.0), zoom, camera.size), (rows, columns)


def middle(camera: Camera, factor: int) -> Camera:
    """The window in the middle of a camera's frame, `factor` times as near."""
    return _part(camera, (0.0, 0.0), (factor, factor), camera.size)


def _part(
    camera: Camera,
    center: tuple[float, float],
    zoom: tuple[float, float],
    size: tuple[int, int],
) -> Camera:
    """The part of a frame around `center` (x, y) NDC, enlarged by `zoom` (x, y)."""
    crop = torch.diag(torch.tensor([*zoom, 1.0, 1.0]))
    crop[0, 3], crop[1, 3] = -zoom[0] * center[0], -zoom[1] * center[1]
    return Camera(camera.world_to_camera, crop @ camera.projection, size)


def _look_at(eye: Tensor, backward: Tensor) -> Tensor:
    up = torch.tensor([0.0, 0.0, 1.0])
    if abs(float(backward[2])) > 0.999:
        up = torch.tensor([0.0, 1.0, 0.0])
    right = torch.nn.functional.normalize(torch.linalg.cross(up, backward), dim=0)
    rotation = torch.stack((right, torch.linalg.cross(backward, right), backward))  # (3, 3)
    matrix = torch.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -rotation @ eye
    return matrix


def _perspective(near: float, far: float) -> Tensor:
    scale = 1 / math.tan(FIELD_OF_VIEW / 2)
    return torch.tensor(
        [
            [scale, 0, 0, 0],
            [0, scale, 0, 0],
            [0, 0, (near + far) / (near - far), 2 * near * far / (near - far)],
            [0, 0, -1, 0],
        ]
    )
