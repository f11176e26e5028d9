"""The measures of a result, on views that the optimiser never saw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

import torch
from torch import Tensor

from .aims import Aim
from .backbone import Backbone
from .critic import CONTENT_LAYER, LAYERS, mean_square, ones, pieces, resized
from .held_out import SIDE, HeldOut, held_out_views, of_held_out_views
from .job import View
from .losses import content_loss, gram, mask_pyramid
from .mip_levels import mip_pyramid
from .octaves import has_octaves, octave_energies
from .painting import Painting
from .palette import NEAR_COLOR, some
from .plans import masks_of_styles
from .seams import seam_ratio
from .settings import STYLE_LAYERS
from .side_by_side import side_by_side
from .visibility import Outside

PROJECTIONS = 64  # directions of the sliced Wasserstein distance
QUANTILES = 512
PALETTE = 4096  # style pixels that stand for its palette
COLORS = 20_000  # pixels of the mesh and of the style that are compared
ROWS = 2000  # of these, compared at once
TEXELS = 100_000  # texels that the coverage is measured on
NEAR = 2  # how much nearer than the held-out views speckle is looked at
LEAST_PIXELS = 16  # of a style's region in a view, to be judged by


@torch.no_grad()
def measure(
    painting: Painting,
    textures: Sequence[Tensor],
    backbone: Backbone,
    strokes: float,
    views: Sequence[View] = (),
    tell: Callable[[float], None] = lambda _share: None,
) -> dict[str, float]:
    """All measures of the picture itself; the design names them.

    Those of the style are not among them where no view shows enough of a region to judge, nor is
    speckle where all that is shown is thin.

    Args:
        painting: after the last step.
        textures: (H, W, 3) in 0-1 each, the baked result.
        backbone: with the LAYERS of `critic`.
        strokes: short side of the style picture over the frame that fits the object.
        views: that it was painted from; none stands for the sphere.
        tell: called now and then with the share done, 0-1; what it raises ends the measuring.
    """
    tell(0)
    original = painting.original
    pyramids = [mip_pyramid(texture) for texture in textures]
    near = [view for view in held_out_views(original, 1, views) if len(view.shot.pixel)]
    held_out = near or list(held_out_views(original, 1))
    strength = content_strength(painting.aims, SIDE * strokes, backbone)
    background = painting.background

    def judge(view: HeldOut) -> _Judged:
        return _judged(painting, pyramids, backbone, view, background, strength)

    judged: list[_Judged] = []
    with closing(side_by_side(judge, held_out, painting.field.table.device)) as each_one:
        for one in each_one:
            judged.append(one)
            tell(len(judged) / (len(held_out) + 1))
    distance = distance_before = total = 0.0
    for number, aim in enumerate(painting.aims):
        shown = [one.styles[number] for one in judged if number in one.styles]
        if shown and aim.weight:
            targets = style_grams(aim.picture, SIDE * strokes, backbone)
            distance += aim.weight * _distance([each.after for each in shown], targets)
            distance_before += aim.weight * _distance([each.before for each in shown], targets)
            total += aim.weight
    if total:
        style = {
            "style_distance": distance / total,
            "style_gap_closed": 1 - distance / max(distance_before, 1e-12),
        }
    else:  # no view shows enough of any style's region
        style = {}
    pictures = torch.cat([some(aim.picture.flatten(1).T, COLORS) for aim in painting.aims])
    colors = painting.seen(torch.cat([one.colors for one in judged]))
    palette_distance, off_palette = _palette(colors, pictures)
    return {
        **style,
        "content_distance": float(torch.stack([one.content for one in judged]).mean()),
        "seam_ratio": seam_ratio(original.surface, pyramids),
        "coverage": _coverage(painting, [(image.shape[0], image.shape[1]) for image in textures]),
        "palette_distance": palette_distance,
        "off_palette": off_palette,
        **_speckle(painting, pyramids, strokes, views),
    }


class _Grams(NamedTuple):
    """Gram matrices of each of STYLE_LAYERS, of where a view is to show a style."""

    before: list[Tensor]
    after: list[Tensor]


class _Judged(NamedTuple):
    """What a view tells.

    Attributes:
        colors: (N, 3) at its points.
        content: the content loss.
        styles: by the numbers of those that enough of it is to show.
    """

    colors: Tensor
    content: Tensor
    styles: dict[int, _Grams]


@torch.no_grad()
def _judged(
    painting: Painting,
    pyramids: Sequence[Sequence[Tensor]],
    backbone: Backbone,
    view: HeldOut,
    background: Tensor,
    strength: float,
) -> _Judged:
    """Look at one view of the textures with these mip levels.

    Args:
        painting, backbone: as of `measure`.
        pyramids: of each texture.
        view: that shows something.
        background: (3,) of the painting, the mean of whole pictures.
        strength: of `content_strength`.
    """
    original, shot = painting.original, view.shot

    def features(colors: Tensor) -> dict[str, Tensor]:
        return backbone(painting.judged(shot.image(colors, background)), LAYERS)

    colors = original.surface.seen(pyramids, shot)
    after = features(colors)
    target = features(original.content(shot, view.eye, view.albedo))
    # A content target with the texture alone is the original itself.
    before = target if original.source == "TEXTURE" else features(view.albedo)
    mask = _masks_of(after, shot.mask)[CONTENT_LAYER]
    content = content_loss(after[CONTENT_LAYER], target[CONTENT_LAYER], mask, strength)
    ground = painting.ground(shot.face, shot.bary, shot.footprint)
    styles = {}
    for number, region in enumerate(masks_of_styles(shot, ground)):
        if float(region.sum()) >= LEAST_PIXELS:
            masks = _masks_of(after, region)
            pairs = ([gram(of[n], masks[n]) for n in STYLE_LAYERS] for of in (before, after))
            styles[number] = _Grams(*pairs)
    return _Judged(colors, content, styles)


@torch.no_grad()
def style_grams(style: Tensor, unit: float, backbone: Backbone) -> list[Tensor]:
    """Gram matrices of the style picture with its short side `unit` pixels long."""
    cut = pieces(resized(style, unit))
    first, *others = cut
    sums = _piece_grams(first, backbone)
    for piece in others:
        for of_all, one in zip(sums, _piece_grams(piece, backbone), strict=True):
            of_all.add_(one)
    return [of_all / len(cut) for of_all in sums]


def _piece_grams(piece: Tensor, backbone: Backbone) -> list[Tensor]:
    """Gram matrices of a picture (1, 3, H, W), whose features are gone afterwards."""
    features = backbone(piece, STYLE_LAYERS)
    return [gram(features[n], ones(features[n])) for n in STYLE_LAYERS]


@torch.no_grad()
def content_strength(aims: Sequence[Aim], unit: float, backbone: Backbone) -> float:
    """Mean square of a pixel's features in the content's layer, over the style pictures."""
    squares = [
        mean_square(backbone(piece, (CONTENT_LAYER,))[CONTENT_LAYER])
        for aim in aims
        for piece in pieces(resized(aim.picture, unit))
    ]
    return float(torch.stack(squares).mean())


def _masks_of(features: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
    """Coverage (h, w) at the resolution of each layer."""
    sizes = [(f.shape[2], f.shape[3]) for f in features.values()]
    return dict(zip(features, mask_pyramid(mask, sizes), strict=True))


def _distance(grams: list[list[Tensor]], targets: list[Tensor]) -> float:
    """Mean over layers of ||G - T|| / ||T||, G averaged over the views."""
    averages = [torch.stack(views).mean(0) for views in zip(*grams, strict=True)]
    parts = [(g - t).norm() / t.norm() for g, t in zip(averages, targets, strict=True)]
    return float(torch.stack(parts).mean())


def _palette(colors: Tensor, style: Tensor) -> tuple[float, float]:
    """Sliced Wasserstein-1 distance to the style's colors, and the share far from them all.

    Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures", eq. 8.

    Args:
        colors: (N, 3) on the mesh.
        style: (M, 3).
    """
    generator = torch.Generator().manual_seed(0)
    mesh, picture = some(colors, COLORS), some(style, COLORS)
    lines = torch.nn.functional.normalize(torch.randn(3, PROJECTIONS, generator=generator), dim=0)
    at = (torch.arange(QUANTILES, device=colors.device) + 0.5) / QUANTILES
    ranks = [
        (x @ lines.to(x)).sort(0).values[(at * len(x)).long()] for x in (mesh, picture)
    ]  # (QUANTILES, PROJECTIONS) each
    distance = (ranks[0] - ranks[1]).abs().mean()
    palette = some(picture, PALETTE)
    nearest = torch.cat([torch.cdist(part, palette).amin(1) for part in mesh.split(ROWS)])
    return float(distance), float((nearest > NEAR_COLOR).float().mean())


def _coverage(painting: Painting, shapes: Sequence[tuple[int, int]]) -> float:
    """Share of the texels that can be seen from outside which got gradient.

    Those are texels of faces that show from outside, as far as nothing lies in front of them:
    what lies close behind another face cannot be told from it by depth alone.

    A texel did where at least half of its weight in the finest lattice lies on values that
    moved.
    """
    surface = painting.original.surface
    stride = max(1, sum(map(math.prod, shapes)) // TEXELS)
    clay = painting.original.clay
    outside = clay.outside if clay else Outside.of(surface)
    parts = []
    for number, shape in enumerate(shapes):
        for band in surface.texel_bands(number, shape):
            face, bary = band.face[::stride], band.bary[::stride]
            shown = outside.shown[face]
            parts.append(surface.points(face[shown], bary[shown]))
    points = torch.cat(parts)
    seen = outside.sees_at_all(points)
    moved = painting.field.moved(points[seen]) >= 0.5
    return float(moved.float().mean()) if len(moved) else 1.0


def _speckle(
    painting: Painting,
    pyramids: Sequence[Sequence[Tensor]],
    strokes: float,
    views: Sequence[View],
) -> dict[str, float]:
    """Finest octave over the next, seen from near: the result's over its sources' largest.

    Nothing of a shape so thin that no view shows pixels which lie off its outline.
    """
    original = painting.original

    def energies(view: HeldOut) -> list[Tensor]:
        """Of the result and of the original; of neither where that shows nothing."""
        shot = view.shot
        mask = shot.mask >= 0.999
        if not has_octaves(mask):
            return []
        colors = original.surface.seen(pyramids, shot), view.albedo
        return [octave_energies(shot.image(each, each.mean(0)), mask) for each in colors]

    shown = [each for each in of_held_out_views(energies, original, NEAR, views) if each]
    if not shown:
        return {}
    result, before = (torch.stack(each).sum(0) for each in zip(*shown, strict=True))
    sources = [before]
    for aim in painting.aims:
        cut = pieces(resized(aim.picture, SIDE * NEAR * strokes))
        sources.append(torch.stack([octave_energies(p, ones(p).bool()) for p in cut]).mean(0))
    ratio, *references = (energy[0] / energy[1].clamp(min=1e-9) for energy in (result, *sources))
    return {"speckle": float(ratio / torch.stack(references).max().clamp(min=1e-9))}
