"""What the paint looks like so far: a small texture for whoever watches the run."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .baking import cover, put
from .field import VoxelPlaces
from .footprints import of_texels
from .margins import grow_margin
from .painting import Ground, Painting
from .prefilter import prefilter
from .texture import Texels
from .whole import whole

SIZES = (256, 512)  # texels on the larger side, in the first and the second half of the run
MARGIN = 4
SHORTEST_GAP = 0.5  # seconds between two previews
SHARE = 0.04  # of the run's time that previews may take


class Preview:
    """Bakes the paint as it grows into files, seldom enough to cost next to nothing.

    Args:
        painting: what is watched; it is only read, and from the first preview on must keep its
            field's lattices.
        shapes: height and width of each result; no preview is larger.
        folder: where the files go.
    """

    def __init__(self, painting: Painting, shapes: Sequence[tuple[int, int]], folder: Path) -> None:
        self._painting = painting
        self._full = shapes
        self._folder = folder
        self._sheets: list[_Sheet] = []
        self._side, self._turn = 0, 0
        self._next = 0.0

    def due(self, done: float) -> tuple[Path, ...]:
        """New files, one for each texture, after the share `done` of the run.

        None is there if it is too early, or if one cannot be written, as where Windows reads it.

        A file is a NumPy array (h, w, 4) float32 in 0-1, sRGB-encoded with alpha,
        row 0 at the bottom as Blender keeps it. It stays until the preview after the next.
        """
        began = time.perf_counter()
        if began < self._next:
            return ()
        side = SIZES[done >= 0.5]
        if side != self._side:
            self._side, self._sheets = side, self._sheets_at(side)
        self._turn = 1 - self._turn
        files: tuple[Path, ...] = ()
        with suppress(OSError):
            files = tuple(self._write(number) for number in range(len(self._sheets)))
        cost = time.perf_counter() - began
        self._next = began + max(SHORTEST_GAP, cost / SHARE)
        return files

    def _sheets_at(self, side: int) -> list[_Sheet]:
        """Together as large as one of `side`."""
        side = round(side / math.sqrt(len(self._full)))
        return [
            _Sheet.of(self._painting, number, _within(shape, side))
            for number, shape in enumerate(self._full)
        ]

    def _write(self, number: int) -> Path:
        file = self._folder / f"preview_{number}_{self._turn}.npy"
        with whole(file) as part, part.open("wb") as stream:
            np.save(stream, self._sheets[number].bake(self._painting))
        return file


@dataclass(frozen=True)
class _Sheet:
    """The texels of a preview, what lies below the paint there, and where that is looked up."""

    shape: tuple[int, int]
    texels: Texels
    ground: Ground
    places: list[VoxelPlaces]

    @classmethod
    def of(cls, painting: Painting, texture: int, shape: tuple[int, int]) -> _Sheet:
        surface = painting.original.surface
        texels = surface.texels(texture, shape)
        ground = painting.ground(texels.face, texels.bary, of_texels(texels.bary, shape))
        points = surface.points(texels.face, texels.bary)
        return cls(shape, texels, ground, painting.field.places(points))

    @torch.no_grad()
    def bake(self, painting: Painting) -> np.ndarray:
        """(h, w, 4) float32, row 0 at the bottom."""
        device = self.ground.albedo.device
        paint = torch.zeros(*self.shape, 3, device=device)
        covered = torch.zeros(self.shape, dtype=torch.bool, device=device)
        put(paint, self.texels, painting.field.blend(self.places))
        cover(covered, self.texels)
        prefilter(paint, covered)
        image = torch.zeros(*self.shape, 4, device=device)
        colors = painting.colors(self.ground, paint.view(-1, 3)[self.texels.texel])
        put(image, self.texels, torch.nn.functional.pad(colors, (0, 1), value=1.0))
        grow_margin(image, covered, MARGIN)
        return image.flip(0).cpu().numpy()


def _within(shape: tuple[int, int], largest: int) -> tuple[int, int]:
    """`shape`, made smaller where need be, so that no side is larger than `largest`."""
    factor = min(1.0, largest / max(shape))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))
