"""What textures show from afar: fine paint that whole views do not look up, against the bake."""

import torch
from torch import Tensor

from engine.afar import Afar
from engine.color import KEEP
from engine.field import Field
from engine.interpolation import Lookups
from engine.mip_levels import mip_pyramid, sample_each
from engine.painting import Ground, Painting
from engine.surface import Shot, Surface, shoot
from engine.texture import Atlas
from engine.views import Camera, orbit_cameras
from tests.engine.meshes import plane
from tests.engine.paintings import painting_with

SIDE = 128  # texels
ABOVE = torch.tensor([(0.0, 0.0, 1.0)])


def painting(*, fine: float) -> Painting:
    """A grey square with noise on the coarse lattices and `fine` more on the finest alone."""
    surface = Surface.of(plane(), torch.device("cpu"))
    texels = surface.texels(0, (SIDE, SIDE))
    points = surface.points(texels.face, texels.bary)
    field = Field(points, finest=2 / SIDE, seed=0)
    field.scatter(0.5, seed=1)
    field.values[-1][:-1] = fine
    atlas = Atlas.of([texels], points, [SIDE], 1.0)
    made = painting_with(surface, torch.full((SIDE, SIDE, 3), 0.5), field, atlas)
    assert made.starts == (KEEP,)
    return made


def seen_from_afar(made: Painting) -> tuple[Shot, Ground, Lookups]:
    surface = made.original.surface
    camera: Camera = orbit_cameras(surface.used_vertices, ABOVE, 32)[0]
    shot = shoot(surface, camera)
    ground = made.ground(shot.face, shot.bary, shot.footprint)
    lookups = made.field.locate(made.points(shot), smallest=3 / 32)
    assert len(lookups.sizes) < len(made.field.lattices)
    return shot, ground, lookups


def colors(made: Painting, ground: Ground, lookups: Lookups) -> Tensor:
    return made.colors(ground, lookups.interpolate(made.field.gather(lookups)))


def test_a_view_shows_what_the_texture_shows() -> None:
    made = painting(fine=1.5)
    shot, ground, lookups = seen_from_afar(made)
    afar = Afar(made, made.field.table.clone(), [(SIDE, SIDE)])
    found = colors(made, ground, lookups) + afar.beyond(shot, ground, lookups)
    surface = made.original.surface
    texture = mip_pyramid(made.bake((SIDE, SIDE)))
    uv = surface.uvs_at(shot.face, shot.bary)
    shown = sample_each([texture], surface.textures[shot.face], uv, shot.footprint)
    assert (found - shown).abs().max() < 1e-5
    # The fine paint is no small thing here.
    assert (colors(made, ground, lookups) - shown).mean() < -0.2


def test_paint_that_moved_since_moves_the_view_as_much() -> None:
    made = painting(fine=1.5)
    shot, ground, lookups = seen_from_afar(made)
    then = made.field.table.clone()
    before = colors(made, ground, lookups)
    made.field.values[0][:-1] += 0.7
    made.field.values[-1][:-1] = 0.0  # what is fine is as it was then
    now = colors(made, ground, lookups)
    assert (now - before).min() > 0
    beyond = Afar(made, then, [(SIDE, SIDE)]).beyond(shot, ground, lookups)
    unmoved = painting(fine=1.5)
    expected = Afar(unmoved, unmoved.field.table, [(SIDE, SIDE)]).beyond(shot, ground, lookups)
    assert torch.equal(beyond, expected)
    assert torch.equal(made.field.values[-1][:-1], torch.zeros_like(made.field.values[-1][:-1]))


def test_where_nothing_is_fine_there_is_next_to_nothing() -> None:
    made = painting(fine=0.0)
    for values in made.field.values[1:]:
        values.zero_()
    shot, ground, lookups = seen_from_afar(made)
    beyond = Afar(made, made.field.table, [(SIDE, SIDE)]).beyond(shot, ground, lookups)
    seen = colors(made, ground, lookups)
    assert beyond.abs().mean() < 0.1 * seen.std()  # what the mip level blurs
