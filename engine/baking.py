"""From values on the surface to a texture of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .allocator import keeping_freed_memory
from .margins import fill_rest, grow_margin
from .surface import Surface
from .texture import Texels, band_rows

BLOCK = 1 << 18  # texels whose values are asked for at once
Tell = Callable[[float], None]  # takes the share that is done, 0-1


@torch.no_grad()
def bake(
    surface: Surface,
    texture: int,
    shape: tuple[int, int],
    channels: int,
    values: Callable[[Tensor, Tensor, Tensor], Tensor],
    tell: Tell,
) -> Tensor:
    """A texture (height, width, channels) of what `values` gives, with margins.

    Args:
        surface: of the mesh.
        texture: number of the one that is baked.
        shape: height and width in texels.
        channels: of a value.
        values: takes faces (N,), barycentric coordinates (N, 3) and footprints (N,), as
            `Original.albedo` does, and gives (N, channels) float32.
        tell: called now and then; what it raises ends the baking.
    """
    image = torch.zeros(*shape, channels, device=surface.uvs.device)
    covered = torch.zeros(shape, dtype=torch.bool, device=image.device)
    with keeping_freed_memory():
        for _, texels in bands(surface, texture, shape, tell):
            for some in texels.parts(BLOCK):
                put(image, some, values(some.face, some.bary, footprints(some, shape)))
            cover(covered, texels)
        finish(image, covered)
    return image


def bands(
    surface: Surface, texture: int, shape: tuple[int, int], tell: Tell
) -> Iterator[tuple[slice, Texels]]:
    """The rows of a texture from the top down, and the texels of the islands there.

    Args:
        surface, texture, shape: as of `bake`.
        tell: as of `bake`; called when the next rows are asked for, or the end.
    """
    rows = band_rows(shape)
    for some, texels in zip(rows, surface.texel_bands(texture, shape), strict=True):
        yield some, texels
        tell(some.stop / shape[0])


def footprints(texels: Texels, shape: tuple[int, int]) -> Tensor:
    """Sides (M,) of these texels of a texture of `shape`, in UV units."""
    return torch.full_like(texels.bary[:, 0], math.prod(shape) ** -0.5)


def put(image: Tensor, texels: Texels, values: Tensor) -> None:
    """Give texels of an `image` (H, W, C), contiguous, their `values` (M, C) in place."""
    image.view(-1, image.shape[-1])[texels.texel] = values


def cover(covered: Tensor, texels: Texels) -> None:
    """Mark texels in `covered` (H, W) bool, in place."""
    covered.view(-1)[texels.texel] = True


def finish(image: Tensor, covered: Tensor) -> None:
    """Give `image` (H, W, C), which is 0 where not `covered` (H, W), its margins, in place.

    Texels that no island or margin reaches take the mean of those that are covered.
    """
    total = image.sum(0).sum(0, dtype=torch.float64)
    mean = (total / covered.sum().clamp(min=1)).float()
    grow_margin(image, covered)
    fill_rest(image, covered, mean)
