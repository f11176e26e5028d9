"""From values on the surface to a texture of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import torch
from torch import Tensor

from .allocator import keeping_freed_memory
from .blocks import blocks
from .footprints import of_texels
from .margins import fill_rest, grow_margin
from .side_by_side import side_by_side
from .surface import Surface
from .texture import Texels, band_rows

BLOCK = 1 << 18  # texels whose values are asked for at once
Tell = Callable[[float], None]  # takes the share that is done, 0-1
# Takes faces (N,), barycentric coordinates (N, 3) and footprints, as `Original.albedo` does.
Values = Callable[[Tensor, Tensor, Tensor], Tensor]


@torch.no_grad()
def bake(
    surface: Surface,
    texture: int,
    shape: tuple[int, int],
    channels: int,
    values: Values,
    tell: Tell,
) -> Tensor:
    """A texture (height, width, channels) of what `values` gives, with margins.

    Args:
        surface: of the mesh.
        texture: number of the one that is baked.
        shape: height and width in texels.
        channels: of a value.
        values: gives (N, channels) float32.
        tell: called now and then; what it raises ends the baking.
    """
    image = torch.zeros(*shape, channels, device=surface.uvs.device)
    covered = torch.zeros(shape, dtype=torch.bool, device=image.device)

    @torch.no_grad()
    def known(texels: Texels) -> tuple[Texels, Tensor]:
        return texels, values(texels.face, texels.bary, of_texels(texels.bary, shape))

    every = bands(surface, texture, shape, tell)
    parts = (some for _, texels in every for some in texels.parts(BLOCK))
    with keeping_freed_memory(), closing(side_by_side(known, parts, image.device)) as painted:
        for texels, found in painted:
            put(image, texels, found)
            cover(covered, texels)
        finish(image, covered, lambda: mean_of_faces(surface, texture, shape, values))
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


def put(image: Tensor, texels: Texels, values: Tensor) -> None:
    """Give texels of an `image` (H, W, C), contiguous, their `values` (M, C) in place."""
    image.view(-1, image.shape[-1])[texels.texel] = values


def cover(covered: Tensor, texels: Texels) -> None:
    """Mark texels in `covered` (H, W) bool, in place."""
    covered.view(-1)[texels.texel] = True


def finish(image: Tensor, covered: Tensor, otherwise: Callable[[], Tensor]) -> None:
    """Give `image` (H, W, C), which is 0 where not `covered` (H, W), its margins, in place.

    Texels that no island or margin reaches take the mean of those that are covered. Where none
    is, all take what `otherwise` gives, (C,).
    """
    total = image.sum(0).sum(0, dtype=torch.float64)
    count = covered.sum()
    mean = (total / count).float() if count else otherwise()
    grow_margin(image, covered)
    fill_rest(image, covered, mean)


def mean_of_faces(surface: Surface, texture: int, shape: tuple[int, int], values: Values) -> Tensor:
    """Mean (C,) of the `values` at the middles of a texture's faces, each counted by its area.

    What a texture of `shape` shows on faces whose UVs are so small that no texel lies in them.
    """
    faces = (surface.textures == texture).nonzero()[:, 0]
    areas, sums = surface.face_areas[faces], []
    for part in blocks(max(len(faces), 1), BLOCK):  # of none too: values tell C
        bary = areas.new_full((len(faces[part]), 3), 1 / 3)
        sums.append(areas[part] @ values(faces[part], bary, of_texels(bary, shape)))
    return torch.stack(sums).sum(0) / areas.sum().clamp(min=torch.finfo(areas.dtype).tiny)
