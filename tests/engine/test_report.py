"""The measures: known answers for known pictures."""

from collections.abc import Sequence
from dataclasses import replace
from weakref import ref

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import critic
from engine.field import Field
from engine.held_out import held_out_views
from engine.mesh import Mesh
from engine.mip_levels import mip_pyramid
from engine.octaves import smoothed
from engine.painting import Painting
from engine.report import (
    COLORS,
    _coverage,
    _distance,
    _palette,
    _speckle,
    measure,
    style_grams,
)
from engine.settings import STYLE_LAYERS
from engine.texture import Atlas
from tests.engine.images import noise
from tests.engine.meshes import cube, mesh_of, sphere
from tests.engine.paintings import painting_with
from tests.engine.surfaces import surface_of

SIZE = 192


# Colors


def test_the_same_colors_are_no_distance_apart() -> None:
    style = noise(0, 3, 40, 50)
    assert _palette(style.flatten(1).T, style.flatten(1).T) == (0, 0)


def test_a_shift_of_all_colors_is_their_distance() -> None:
    """Over all directions the mean of |d . u| is |d| / 2."""
    style = 0.5 * noise(0, 3, 40, 50)
    shift = torch.tensor((0.3, -0.1, 0.2))
    distance, off = _palette(style.flatten(1).T + shift, style.flatten(1).T)
    assert distance == pytest.approx(float(shift.norm()) / 2, rel=0.15)
    assert 0 < off <= 1


def test_off_palette_is_a_share_of_the_pixels() -> None:
    style = torch.tensor((0.2, 0.5, 0.8)).view(3, 1, 1).expand(3, 20, 20)
    near, far = torch.tensor((0.2, 0.5, 0.73)), torch.tensor((0.2, 0.5, 0.7))
    colors = torch.stack([near] * 300 + [far] * 100)
    distance, off = _palette(colors, style.flatten(1).T)
    assert off == pytest.approx(0.25)
    assert distance == pytest.approx((0.75 * 0.07 + 0.25 * 0.1) / 2, rel=0.2)


def test_more_pixels_than_are_compared() -> None:
    style = noise(0, 3, 300, 300)
    colors = noise(1, 3 * COLORS, 3)
    distance, off = _palette(colors, style.flatten(1).T)
    assert distance < 0.01
    assert off < 0.05


# Statistics


def test_distance_of_grams_is_a_mean_over_layers_of_means_over_views() -> None:
    target = [torch.eye(2), 2 * torch.eye(3)]
    views = [[0.5 * torch.eye(2), torch.zeros(3, 3)], [1.3 * torch.eye(2), 4 * torch.eye(3)]]
    assert _distance(views, target) == pytest.approx((0.1 + 0.0) / 2, abs=1e-6)
    assert _distance([target], target) == 0
    assert _distance([[0 * t for t in target]], target) == pytest.approx(1)


def test_a_large_picture_is_described_a_piece_at_a_time(backbone, monkeypatch) -> None:
    """The features of one alone are held, for all of them would be gigabytes."""
    kept: list[ref[Tensor]] = []

    def network(piece: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        assert all(one() is None for one in kept)
        features = backbone(piece, layers)
        kept.extend(ref(one) for one in features.values())
        return features

    monkeypatch.setattr(critic, "LARGEST_PICTURE", 64)
    style = noise(0, 3, 64, 192)
    found = style_grams(style, 64, network)
    assert len(kept) == 3 * len(STYLE_LAYERS)
    parts = [style_grams(piece, 64, backbone) for piece in style.split(64, 2)]
    for one, *each in zip(found, *parts, strict=True):
        assert torch.allclose(one, torch.stack(each).mean(0), rtol=1e-4, atol=1e-5)


# All of it


def painting_of(mesh: Mesh, image: Tensor, style: Tensor, finest: float = 0.1) -> Painting:
    surface = surface_of(mesh)
    texels = surface.texels(0, (SIZE, SIZE))
    points = surface.points(texels.face, texels.bary)
    field = Field(points, finest=finest, seed=0)
    atlas = Atlas.of([texels], points, [SIZE], 0.5)
    return painting_with(surface, image, field, atlas, style)


def picture(seed: int, size: int) -> Tensor:
    """(H, W, 3) of soft patches."""
    coarse = noise(seed, 1, 3, 12, 12)
    image = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 1)
    return image[0].permute(1, 2, 0).contiguous()


@pytest.mark.usefixtures("few_small_views")
def test_a_result_that_is_the_original(backbone) -> None:
    image = picture(0, SIZE)
    painting = painting_of(sphere(16, 24), image, noise(1, 3, 80, 90))
    found = measure(painting, [image], backbone, 1.0)
    assert found["content_distance"] < 1e-3
    assert found["style_gap_closed"] == pytest.approx(0, abs=0.01)
    assert found["style_distance"] > 0.1
    assert found["speckle"] < 1.1
    assert found["coverage"] == 0  # nothing was painted
    assert all(np.isfinite(list(found.values())))


@pytest.mark.usefixtures("few_small_views")
def test_of_styles_that_are_nowhere_nothing_is_said(backbone) -> None:
    image = picture(0, SIZE)
    painting = painting_of(sphere(16, 24), image, noise(1, 3, 80, 90))
    nowhere = tuple(replace(aim, region=0 * aim.region) for aim in painting.aims)
    found = measure(replace(painting, aims=nowhere), [image], backbone, 1.0)
    assert not {"style_distance", "style_gap_closed"} & set(found)
    assert found["content_distance"] < 1e-3


@pytest.mark.usefixtures("few_small_views")
def test_measuring_tells_how_far_it_is_and_can_be_ended(backbone) -> None:
    image, shares = picture(0, SIZE), []
    painting = painting_of(sphere(16, 24), image, noise(1, 3, 80, 90))
    measure(painting, [image], backbone, 1.0, tell=shares.append)
    assert len(shares) > 2
    assert shares == sorted(set(shares))
    assert 0 <= shares[0] < shares[-1] < 1

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(painting, [image], backbone, 1.0, tell=stop)


@pytest.mark.usefixtures("few_small_views")
def test_a_result_that_has_the_styles_colors(backbone) -> None:
    """One color all over, and a style picture of that color."""
    color = torch.tensor((0.7, 0.4, 0.2))
    style = color.view(3, 1, 1).expand(3, 70, 80).contiguous()
    painting = painting_of(sphere(16, 24), picture(0, SIZE), style)
    with torch.no_grad():
        for values in painting.field.values:
            values[:-1] = 0.1
    texture = color.expand(SIZE, SIZE, 3).contiguous()
    found = measure(painting, [texture], backbone, 1.0)
    assert found["palette_distance"] < 1e-6
    assert found["off_palette"] == 0
    assert found["coverage"] == 1
    assert found["style_gap_closed"] > 0.5
    assert found["content_distance"] > 0.1


@pytest.mark.usefixtures("few_small_views")
def test_speckle_tells_noise_from_what_is_soft() -> None:
    """Over what the original has; the style is of one color and has none."""
    image = 0.7 * picture(0, SIZE) + 0.3 * noise(4, SIZE, SIZE, 3)
    painting = painting_of(sphere(16, 24), image, torch.full((3, 70, 80), 0.5))

    def speckle(texture: Tensor) -> float:
        return _speckle(painting, [mip_pyramid(texture)], 1.0, ())["speckle"]

    assert speckle(noise(5, SIZE, SIZE, 3)) > 1.05
    assert speckle(image) == pytest.approx(1, abs=0.02)
    blurred = image.permute(2, 0, 1)[None]
    for _ in range(4):
        blurred = smoothed(blurred)
    assert speckle(blurred[0].permute(1, 2, 0).contiguous()) < 0.5


@pytest.mark.usefixtures("few_small_views")
def test_of_what_is_thin_all_over_no_speckle_is_told() -> None:
    """A bar a fiftieth as thick as long: each of its pixels lies by its outline."""
    painting = painting_of(boxes((0.02, 0.02, 1)), picture(0, SIZE), noise(1, 3, 80, 90))
    assert _speckle(painting, [mip_pyramid(noise(5, SIZE, SIZE, 3))], 1.0, ()) == {}


# Coverage


def boxes(*sizes: tuple[float, float, float]) -> Mesh:
    """Cuboids around the origin, one in the other; each has a column of the texture."""
    unit, number = cube(size=1.0), len(sizes)
    parts = [np.float32(size) * unit.vertices for size in sizes]
    faces = [unit.faces + len(unit.vertices) * i for i in range(number)]
    uvs = [(unit.uvs + np.float32((i, 0))) / (number, 1) for i in range(number)]
    return mesh_of(np.concatenate(parts), np.concatenate(faces), np.concatenate(uvs))


def touch(painting: Painting, points: Tensor) -> None:
    """Move the values of the finest lattice around `points` (N, 3)."""
    rows, _ = painting.field.lattices[-1].locate(points).corners()
    with torch.no_grad():
        painting.field.values[-1][rows.unique().long()] += 0.1
        painting.field.values[-1][-1] = 0


def coverage_of(painting: Painting) -> float:
    return _coverage(painting, [(SIZE, SIZE)])


def points_on(painting: Painting) -> Tensor:
    surface = painting.original.surface
    texels = surface.texels(0, (SIZE, SIZE))
    return surface.points(texels.face, texels.bary)


def test_what_is_shut_in_need_not_be_covered() -> None:
    """A box in a box, and a bar through both, of which only the ends stick out."""
    mesh = boxes((2, 2, 2), (1, 1, 1), (0.4, 0.4, 4))
    painting = painting_of(mesh, picture(0, SIZE), noise(1, 3, 80, 90))
    points = points_on(painting)
    out = points.abs().amax(1) > 0.99
    assert 0.3 < float(out.float().mean()) < 0.7
    touch(painting, points[out])
    assert coverage_of(painting) > 0.99


def test_a_box_close_within_another_is_shut_in_too() -> None:
    painting = painting_of(
        boxes((2, 2, 2), (1.96, 1.96, 1.96)), picture(0, SIZE), noise(1, 3, 80, 90), finest=0.01
    )
    points = points_on(painting)
    touch(painting, points[points.abs().amax(1) > 0.99])
    assert coverage_of(painting) > 0.99


def test_a_texel_is_covered_by_half_of_its_weight() -> None:
    """Of values that moved by chance, every other one: half of the texels, and not all but few."""
    painting = painting_of(sphere(16, 24), picture(0, SIZE), noise(1, 3, 80, 90))
    values = painting.field.values[-1]
    with torch.no_grad():
        values[:-1] += (noise(2, len(values) - 1, 1) < 0.5).float()
    assert coverage_of(painting) == pytest.approx(0.5, abs=0.05)


@pytest.mark.usefixtures("few_small_views")
def test_views_are_the_same_every_time_and_nobody_elses() -> None:
    original = painting_of(sphere(16, 24), picture(0, 64), noise(1, 3, 20, 20)).original
    first, again = (list(held_out_views(original, zoom)) for zoom in (1, 1))
    assert len(first) == 3
    for a, b in zip(first, again, strict=True):
        assert a.camera.projection.equal(b.camera.projection)
        assert a.shot.point.equal(b.shot.point)
    assert max(first[0].camera.size) == 64
    near = next(iter(held_out_views(original, 2)))
    assert near.camera.size == first[0].camera.size
    assert near.shot.reach == pytest.approx(first[0].shot.reach / 2, rel=0.2)
