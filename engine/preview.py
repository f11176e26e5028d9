"""What the paint looks like so far: a small texture for whoever watches the run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .painting import Ground, Painting
from .texture import Texels, fill_margin, rasterize_texels

SIZES = (256, 512)  # texels on a side, in the first and in the second half of the run
MARGIN = 4
SHORTEST_GAP = 0.5  # seconds between two previews
SHARE = 0.05  # of the run's time that previews may take


class Preview:
    """Bakes the paint as it grows into files, seldom enough to cost next to nothing.

    Args:
        painting: what is watched; it is only read.
        texture_size: of the result; no preview is larger.
        folder: where the files go.
    """

    def __init__(self, painting: Painting, texture_size: int, folder: Path) -> None:
        self._painting = painting
        self._largest = texture_size
        self._sheet = _Sheet.of(painting, min(texture_size, SIZES[0]))
        self._files = _take_turns(folder)
        self._next = 0.0

    def due(self, done: float) -> Path | None:
        """A new preview's file after the share `done` of the run, or None if it is too early.

        The file is a NumPy array (size, size, 4) float32 in 0-1, sRGB-encoded with alpha,
        row 0 at the bottom as Blender keeps it. It stays until the preview after the next.

        Raises:
            OSError: if it cannot be written.
        """
        began = time.perf_counter()
        if began < self._next:
            return None
        size = min(self._largest, SIZES[done >= 0.5])
        if size != self._sheet.size:
            self._sheet = _Sheet.of(self._painting, size)
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

    size: int
    texels: Texels
    point: Tensor
    ground: Ground

    @classmethod
    def of(cls, painting: Painting, size: int) -> _Sheet:
        surface = painting.original.surface
        texels = rasterize_texels(surface.uvs, (size, size))
        footprint = torch.full_like(texels.bary[:, 0], 1 / size)
        ground = painting.ground(texels.face, texels.bary, footprint)
        return cls(size, texels, surface.points(texels.face, texels.bary), ground)

    @torch.no_grad()
    def bake(self, painting: Painting) -> np.ndarray:
        """(size, size, 4) float32, row 0 at the bottom."""
        image = self.point.new_zeros(self.size * self.size, 4)
        covered = torch.zeros(len(image), dtype=torch.bool, device=image.device)
        paint = painting.colors(self.ground, painting.field.evaluate(self.point))
        image[self.texels.texel] = torch.nn.functional.pad(paint, (0, 1), value=1.0)
        covered[self.texels.texel] = True
        square = (self.size, self.size)
        image, _ = fill_margin(image.view(*square, 4), covered.view(square), MARGIN)
        return image.flip(0).cpu().numpy()


def _take_turns(folder: Path) -> Iterator[Path]:
    while True:
        yield from (folder / f"preview_{turn}.npy" for turn in range(2))
