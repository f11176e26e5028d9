"""What the paint looks like so far: a small texture for whoever watches the run."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .painting import Ground, Painting
from .texture import Texels, fill_margin, rasterize_texels

SIZES = (256, 512)  # texels on the larger side, in the first and the second half of the run
MARGIN = 4
SHORTEST_GAP = 0.5  # seconds between two previews
SHARE = 0.05  # of the run's time that previews may take


class Preview:
    """Bakes the paint as it grows into files, seldom enough to cost next to nothing.

    Args:
        painting: what is watched; it is only read.
        shape: height and width of the result; no preview is larger.
        folder: where the files go.
    """

    def __init__(self, painting: Painting, shape: tuple[int, int], folder: Path) -> None:
        self._painting = painting
        self._full = shape
        self._sheet = _Sheet.of(painting, _within(shape, SIZES[0]))
        self._files = _take_turns(folder)
        self._next = 0.0

    def due(self, done: float) -> Path | None:
        """A new preview's file after the share `done` of the run, or None if it is too early.

        The file is a NumPy array (h, w, 4) float32 in 0-1, sRGB-encoded with alpha,
        row 0 at the bottom as Blender keeps it. It stays until the preview after the next.

        Raises:
            OSError: if it cannot be written.
        """
        began = time.perf_counter()
        if began < self._next:
            return None
        shape = _within(self._full, SIZES[done >= 0.5])
        if shape != self._sheet.shape:
            self._sheet = _Sheet.of(self._painting, shape)
        file = next(self._files)
        part = file.with_suffix(".part")
        with part.open("wb") as stream:
            np.save(stream, self._sheet.bake(self._painting))
        part.replace(file)
        cost = time.perf_counter() - began
        self._next = began + max(SHORTEST_GAP, cost / SHARE)
        return file


@dataclass(frozen=True)
class _Sheet:
    """The texels of a preview and what lies below the paint there."""

    shape: tuple[int, int]
    texels: Texels
    point: Tensor
    ground: Ground

    @classmethod
    def of(cls, painting: Painting, shape: tuple[int, int]) -> _Sheet:
        surface = painting.original.surface
        texels = rasterize_texels(surface.uvs, shape)
        footprint = torch.full_like(texels.bary[:, 0], math.prod(shape) ** -0.5)
        ground = painting.ground(texels.face, texels.bary, footprint)
        return cls(shape, texels, surface.points(texels.face, texels.bary), ground)

    @torch.no_grad()
    def bake(self, painting: Painting) -> np.ndarray:
        """(h, w, 4) float32, row 0 at the bottom."""
        image = self.point.new_zeros(math.prod(self.shape), 4)
        covered = torch.zeros(len(image), dtype=torch.bool, device=image.device)
        paint = painting.colors(self.ground, painting.field.evaluate(self.point))
        image[self.texels.texel] = torch.nn.functional.pad(paint, (0, 1), value=1.0)
        covered[self.texels.texel] = True
        image, _ = fill_margin(image.view(*self.shape, 4), covered.view(self.shape), MARGIN)
        return image.flip(0).cpu().numpy()


def _within(shape: tuple[int, int], largest: int) -> tuple[int, int]:
    """`shape`, made smaller where need be, so that no side is larger than `largest`."""
    factor = min(1.0, largest / max(shape))
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _take_turns(folder: Path) -> Iterator[Path]:
    while True:
        yield from (folder / f"preview_{turn}.npy" for turn in range(2))
