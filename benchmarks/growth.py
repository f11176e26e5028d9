"""How costs grow with faces, pixels and texels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engine.rasterizer import rasterize
from tests.engine.meshes import sphere
from tests.engine.reference import perspective, to_clip

from .subject import Options, Subject
from .table import Row
from .timing import exponent, times

FACES = (1_000, 10_000, 100_000, 1_000_000)
FACES_SIDE = 512  # pixels
VIEWS = (128, 256, 512, 1024, 2048)
TEXTURES = (256, 512, 1024, 2048, 4096)
LINEAR = 1.1  # exponent that still counts as linear: times vary


@dataclass(frozen=True)
class Curve:
    """Costs at growing sizes: seconds, all measurements for each size."""

    what: str
    sizes: Sequence[int]
    seconds: Sequence[Sequence[float]]

    def row(self, axis: str) -> Row:
        """The power by which the cost grows at the end."""
        powers = [exponent(self.sizes, costs) for costs in zip(*self.seconds, strict=True)]
        return Row(f"growth of {self.what} with {axis}: exponent", powers, at_most=LINEAR)

    def kept(self) -> dict[str, Any]:
        """For JSON."""
        seconds = [[float(f"{s:.5g}") for s in samples] for samples in self.seconds]
        return {"what": self.what, "sizes": list(self.sizes), "seconds": seconds}


def curves(subject: Subject, options: Options) -> dict[str, Curve]:
    """By what grows: 'faces', 'pixels' and 'texels'."""
    return {
        "faces": _curve(
            f"rasterizing a sphere at {FACES_SIDE}²",
            [count // options.shrink for count in FACES],
            lambda count: _sphere(count, options.side(FACES_SIDE)),
            options,
        ),
        "pixels": _curve(
            f"rasterizing {subject.name}",
            [options.side(side) ** 2 for side in VIEWS],
            lambda pixels: _frame(subject, math.isqrt(pixels)),
            options,
        ),
        "texels": _baking(subject, options),
    }


def rows(found: dict[str, Curve]) -> list[Row]:
    """The powers, and the bake of the largest texture."""
    bake = found["texels"].seconds[-1]
    return [
        *(curve.row(axis) for axis, curve in found.items()),
        Row(f"baking the field to {TEXTURES[-1]}²", bake, "s", at_most=10),
    ]


def _curve(
    what: str, sizes: list[int], work: Callable[[int], Callable[[], object]], options: Options
) -> Curve:
    return Curve(what, sizes, [times(work(size), options.repeats) for size in sizes])


def _sphere(count: int, side: int) -> Callable[[], object]:
    rings = max(2, round(math.sqrt(count / 4)))
    mesh = sphere(rings, 2 * rings)
    points = mesh.vertices - (0, 0, 3)
    clip = torch.tensor(to_clip(points, perspective(width=0.36, height=0.36)), dtype=torch.float32)
    faces = torch.from_numpy(mesh.faces)
    return lambda: rasterize(clip, faces, (side, side))


def _frame(subject: Subject, side: int) -> Callable[[], object]:
    camera = subject.camera(side)
    faces = torch.from_numpy(subject.mesh.faces)
    clip = camera.clip(torch.from_numpy(subject.mesh.vertices))
    return lambda: rasterize(clip, faces, camera.size)


def _baking(subject: Subject, options: Options) -> Curve:
    """Of one field, the finest that a run on so large a texture has."""
    largest = options.side(TEXTURES[-1])
    painting = subject.painting(preset="HIGH", texture_size=largest)
    sides = [options.side(side) for side in TEXTURES]
    return _curve(
        "baking",
        [side**2 for side in sides],
        lambda texels: lambda: painting.bake((math.isqrt(texels), math.isqrt(texels))),
        options,
    )
