"""Views for judging: tightly framed, and none that the optimiser has seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from .job import View
from .original import Original
from .side_by_side import side_by_side
from .surface import Shot, shoot
from .views import Camera, framed, middle, orbit_cameras, sphere_directions, tilted

VIEWS = 16
SIDE = 256  # pixels
HELD_OUT_SEED = 987654321  # a run of this very seed, with VIEWS views, would paint from these
TILT = math.radians(10)  # of held-out views from those that were given,
TURNS = (0.0, math.pi / 2, math.pi, 3 * math.pi / 2)  # upwards, to one side, and so on
Result = TypeVar("Result")


@dataclass(frozen=True)
class HeldOut:
    """A view for judging: its surface points, and the original's colors (N, 3) at them."""

    camera: Camera
    shot: Shot
    albedo: Tensor

    @property
    def eye(self) -> Tensor:
        """(3,), where its camera stands."""
        return self.camera.position.to(self.shot.point)


def held_out_views(
    original: Original, zoom: int, views: Sequence[View] = ()
) -> Generator[HeldOut, None, None]:
    """Tightly framed views of SIDE pixels, or the middles of them, `zoom` times as near.

    VIEWS lie all around the object. Where it was painted from `views` alone, as many at most lie
    near these: what nobody was to see is not judged.
    """
    return of_held_out_views(lambda view: view, original, zoom, views)


def of_held_out_views(
    work: Callable[[HeldOut], Result], original: Original, zoom: int, views: Sequence[View] = ()
) -> Generator[Result, None, None]:
    """What `work` gives for each of these views, some of them at once; see `side_by_side`."""
    surface = original.surface

    @torch.no_grad()
    def look(whole: Camera) -> Result:
        camera = middle(whole, zoom)
        shot = shoot(surface, camera)
        albedo = original.albedo(shot.face, shot.bary, shot.footprint)
        return work(HeldOut(camera, shot, albedo))

    cameras = _held_out_cameras(surface.used_vertices.cpu(), views)
    return side_by_side(look, cameras, surface.vertices.device)


def _held_out_cameras(vertices: Tensor, views: Sequence[View]) -> list[Camera]:
    if not views:
        return orbit_cameras(vertices, sphere_directions(VIEWS, seed=HELD_OUT_SEED), SIDE)
    center = ((vertices.amin(0) + vertices.amax(0)) / 2).numpy()
    count = min(VIEWS, len(TURNS) * len(views))
    return [
        framed(
            tilted(views[number * len(views) // count], center, TILT, TURNS[number % len(TURNS)]),
            vertices,
            SIDE,
        )
        for number in range(count)
    ]
