"""A painting that starts from the original itself, for tests of what comes after the paint."""

import torch
from torch import Tensor

from engine.aims import Aim
from engine.color import KEEP
from engine.field import Field
from engine.original import Original
from engine.painting import Ground, Painting
from engine.surface import Surface
from engine.texture import Atlas

GREY = torch.full((3, 20, 20), 0.5)


def painting_with(
    surface: Surface, image: Tensor, field: Field, atlas: Atlas, style: Tensor = GREY
) -> Painting:
    """The field on an original (H, W, 3), everywhere in one style (3, H, W)."""
    aim = Aim(style, 1.0, torch.ones(len(surface.faces), 3))
    original = Original.of(surface, [image], "AUTO").tinted(style.flatten(1).T)
    return Painting(original, (aim,), (KEEP,), False, field, atlas)


def level_ground(points: Tensor) -> Ground:
    """Middle grey below the paint at points (N, 3), all of it painted."""
    grey = torch.full_like(points, 0.5)
    return Ground(grey, torch.zeros_like(points), torch.ones_like(points[:, :1]))
