"""From values on the surface to a texture of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .allocator import keeping_freed_memory
from .surface import Surface
from .texture import blocks, fill_rest, grow_margin

BLOCK = 1 << 18  # texels baked at once
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
    covered = fill(image, surface, texture, lambda *at: values(*at[:3]), tell)
    finish(image, covered)
    return image


@torch.no_grad()
def fill(
    image: Tensor,
    surface: Surface,
    texture: int,
    values: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    tell: Tell,
) -> Tensor:
    """Give the texels of the islands new values, in place.

    Args:
        image: (height, width, C) float32, contiguous.
        surface, texture, tell: as of `bake`.
        values: takes what those of `bake` take, and what the texels hold so far, (N, C).

    Returns:
        (height, width) bool, which texels these are.
    """
    shape = image.shape[0], image.shape[1]
    texel_side = math.prod(shape) ** -0.5
    flat = image.view(-1, image.shape[-1])
    covered = torch.zeros(len(flat), dtype=torch.bool, device=image.device)
    with keeping_freed_memory():
        for texels in surface.texel_bands(texture, shape):
            for part in blocks(len(texels.texel), BLOCK):
                texel, face, bary = texels.texel[part], texels.face[part], texels.bary[part]
                footprint = torch.full_like(bary[:, 0], texel_side)
                flat[texel] = values(face, bary, footprint, flat[texel])
                tell(float(texel[-1] + 1) / len(flat))
            covered[texels.texel] = True
    tell(1.0)
    return covered.view(shape)


def finish(image: Tensor, covered: Tensor) -> None:
    """Give `image` (H, W, C), which is 0 where not `covered` (H, W), its margins, in place.

    Texels that no island or margin reaches take the mean of those that are covered.
    """
    total = image.view(-1, image.shape[-1]).sum(0, dtype=torch.float64)
    mean = (total / covered.sum().clamp(min=1)).float()
    grow_margin(image, covered)
    fill_rest(image, covered, mean)
