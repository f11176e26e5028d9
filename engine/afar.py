"""What a texture shows from afar besides the lattices that a view looks up.

Whole views look up what is as coarse as their pixels. After close-ups there is finer paint too,
whose mean over a pixel shows: whole views that did not see it would settle what nobody sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from .interpolation import Lookups
from .mip_levels import mip_pyramid
from .painting import Ground, Painting
from .samples import sample_sizes
from .surface import Shot


class Afar:
    """The textures as a moment's paint gives them, and how views differ from them.

    Args:
        painting: whose lattices the paint is in.
        values: (M, 3), of `Field.table` at that moment, not copied.
        shapes: height and width of the job's textures.
    """

    def __init__(
        self, painting: Painting, values: Tensor, shapes: Sequence[tuple[int, int]]
    ) -> None:
        self._then = replace(painting, field=painting.field.holding(values))
        sizes = sample_sizes(painting.original.surface, shapes)
        self._pyramids = [
            mip_pyramid(self._then.bake((size, size), number)) for number, size in enumerate(sizes)
        ]

    @torch.no_grad()
    def beyond(self, shot: Shot, ground: Ground, lookups: Lookups) -> Tensor:
        """What the textures show at a view's points (N, 3), less what it looked up then."""
        shown = self._then.original.surface.seen(self._pyramids, shot)
        paint = lookups.interpolate(self._then.field.gather(lookups))
        return shown - self._then.colors(ground, paint)
