"""The measures of a result, on views that the optimiser never saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad

from .backbone import Backbone
from .critic import CONTENT_LAYER, masks_of, resized, style_grams
from .job import STYLE_LAYERS
from .losses import content_loss, gram
from .original import Original
from .painting import Painting
from .surface import Shot, Surface, shoot
from .texture import bilinear, interpolate, mip_pyramid, rasterize_texels, sample
from .views import Camera, middle, orbit_cameras, sphere_directions
from .visibility import Outside

VIEWS = 16
SIDE = 256  # pixels
HELD_OUT_SEED = 987654321  # no run may use it for its own views
PROJECTIONS = 64  # directions of the sliced Wasserstein distance
QUANTILES = 512
NEAR_COLOR = 0.08  # RGB distance within which a colour belongs to the style's palette
PALETTE = 4096  # style pixels that stand for its palette
COLORS = 20_000  # pixels of the mesh and of the style that are compared
TEXELS = 100_000  # texels that the coverage is measured on
NEAR = 2  # how much nearer than the held-out views speckle is looked at
EDGE_SAMPLES = (0.25, 0.5, 0.75)  # where along an edge colours are compared


@dataclass(frozen=True)
class HeldOut:
    """A view for judging: its surface points, and the content target's colours (N, 3)."""

    camera: Camera
    shot: Shot
    content: Tensor


def held_out_views(original: Original, zoom: int) -> Iterator[HeldOut]:
    """VIEWS tightly framed views of SIDE pixels, or the middles of them, `zoom` times as near."""
    surface = original.surface
    directions = sphere_directions(VIEWS, seed=HELD_OUT_SEED)
    for whole in orbit_cameras(surface.used_vertices.cpu(), directions, SIDE):
        camera = middle(whole, zoom)
        shot = shoot(surface, camera)
        yield HeldOut(camera, shot, original.content(shot, camera.position.to(shot.point)))


@torch.no_grad()
def measure(
    painting: Painting, texture: Tensor, style: Tensor, backbone: Backbone
) -> dict[str, float]:
    """All measures of the picture itself; the design names them.

    Args:
        painting: after the last step.
        texture: (S, S, 3) in 0-1, the baked result.
        style: (3, H, W) in 0-1.
        backbone: with the LAYERS of `critic`.
    """
    original = painting.original
    pyramid = mip_pyramid(texture)
    background = style.mean((1, 2))
    views = list(held_out_views(original, 1))
    painted = [_sample(pyramid, original.surface, view.shot) for view in views]
    grams: list[list[Tensor]] = []
    grams_before: list[list[Tensor]] = []
    content = []
    for view, color in zip(views, painted, strict=True):
        features = backbone(view.shot.image(color, background))
        before = backbone(view.shot.image(view.content, background))
        masks = masks_of(features, view.shot.mask)
        grams.append([gram(features[n], masks[n]) for n in STYLE_LAYERS])
        grams_before.append([gram(before[n], masks[n]) for n in STYLE_LAYERS])
        layer = CONTENT_LAYER
        content.append(content_loss(features[layer], before[layer], masks[layer]))
    targets = style_grams(style, SIDE, backbone)
    distance, distance_before = _distance(grams, targets), _distance(grams_before, targets)
    palette_distance, off_palette = _palette(torch.cat(painted), style)
    return {
        "style_distance": distance,
        "style_gap_closed": 1 - distance / max(distance_before, 1e-12),
        "content_distance": float(torch.stack(content).mean()),
        "seam_ratio": seam_ratio(original.surface, texture),
        "coverage": _coverage(painting, texture.shape[0]),
        "palette_distance": palette_distance,
        "off_palette": off_palette,
        "speckle": _speckle(original, pyramid, style),
    }


def _sample(pyramid: list[Tensor], surface: Surface, shot: Shot) -> Tensor:
    uv = interpolate(surface.uvs[shot.face], shot.bary)
    return sample(pyramid, uv, shot.footprint)


def _distance(grams: list[list[Tensor]], targets: list[Tensor]) -> float:
    """Mean over layers of ||G - T|| / ||T||, G averaged over the views."""
    averages = [torch.stack(views).mean(0) for views in zip(*grams, strict=True)]
    parts = [(g - t).norm() / t.norm() for g, t in zip(averages, targets, strict=True)]
    return float(torch.stack(parts).mean())


def _palette(colors: Tensor, style: Tensor) -> tuple[float, float]:
    """Sliced Wasserstein-1 distance to the style's colours, and the share far from them all.

    Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures", eq. 8.
    """
    generator = torch.Generator().manual_seed(0)
    mesh, picture = (_some(x, COLORS, generator) for x in (colors, style.flatten(1).T))
    lines = torch.nn.functional.normalize(torch.randn(3, PROJECTIONS, generator=generator), dim=0)
    at = (torch.arange(QUANTILES, device=colors.device) + 0.5) / QUANTILES
    ranks = [
        (x @ lines.to(x)).sort(0).values[(at * len(x)).long()] for x in (mesh, picture)
    ]  # (QUANTILES, PROJECTIONS) each
    distance = (ranks[0] - ranks[1]).abs().mean()
    nearest = torch.cdist(mesh, picture[:PALETTE]).amin(1)
    return float(distance), float((nearest > NEAR_COLOR).float().mean())


def _some(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of the rows at random, or all."""
    if len(rows) <= count:
        return rows
    return rows[torch.randperm(len(rows), generator=generator)[:count].to(rows.device)]


def seam_ratio(surface: Surface, texture: Tensor) -> float:
    """Mean colour jump across UV seams over the mean jump across the other edges.

    Colours are compared at a texel's distance from the edge on either side. 1 where the mesh
    has no seams.

    Args:
        surface: the mesh.
        texture: (S, S, 3).
    """
    seam, inner = _edge_pairs(surface)
    size = texture.shape[0]
    jumps = [_jump(surface, texture, pair, 1 / size) for pair in (seam, inner)]
    return jumps[0] / max(jumps[1], 1e-9) if len(seam) and len(inner) else 1.0


def _edge_pairs(surface: Surface) -> tuple[Tensor, Tensor]:
    """Edges with two faces, as (E, 2, 2): for both faces, the face and its corner opposite.

    Returns:
        Those where the faces' UVs differ, and those where they agree.
    """
    faces = surface.faces
    count = len(faces)
    face = torch.arange(count, device=faces.device).repeat(3)
    opposite = torch.arange(3, device=faces.device).repeat_interleave(count)
    ends = torch.stack((faces[face, (opposite + 1) % 3], faces[face, (opposite + 2) % 3]), -1)
    key = ends.amin(-1) * len(surface.vertices) + ends.amax(-1)
    key, order = key.sort(stable=True)
    twin = key[1:] == key[:-1]
    crowded = torch.zeros_like(twin)
    crowded[1:] |= twin[:-1]
    crowded[:-1] |= twin[1:]
    first = (twin & ~crowded).nonzero()[:, 0]
    pair = torch.stack((order[first], order[first + 1]), -1)  # (E, 2)
    pairs = torch.stack((face[pair], opposite[pair]), -1)  # (E, 2, 2)
    ends_uv = [_edge_uvs(surface, pairs[:, side]) for side in (0, 1)]
    differ = (ends_uv[0] - ends_uv[1]).abs().amax((1, 2)) > 1e-5
    return pairs[differ], pairs[~differ]


def _edge_uvs(surface: Surface, side: Tensor) -> Tensor:
    """UVs (E, 2, 2) of an edge's ends, in the order of the vertices' indices."""
    face, opposite = side.unbind(-1)
    corners = torch.stack(((opposite + 1) % 3, (opposite + 2) % 3), -1)  # (E, 2)
    swap = surface.faces[face[:, None], corners].diff(dim=1) < 0
    corners = corners.flip(1).where(swap, corners)
    return surface.uvs[face[:, None], corners]


def _jump(surface: Surface, texture: Tensor, pairs: Tensor, texel: float) -> float:
    """Mean colour difference between both sides of edges, at `texel` UV units from them."""
    if not len(pairs):
        return 0.0
    jumps = []
    for share in EDGE_SAMPLES:
        colors = []
        for side in (0, 1):
            face, opposite = pairs[:, side].unbind(-1)
            apex = surface.uvs[face, opposite]
            start, end = _edge_uvs(surface, pairs[:, side]).unbind(1)
            on_edge = start + share * (end - start)
            inwards = apex - on_edge
            step = (texel / inwards.norm(dim=-1, keepdim=True).clamp(min=1e-9)).clamp(max=0.5)
            colors.append(bilinear(texture, on_edge + step * inwards))
        jumps.append((colors[0] - colors[1]).norm(dim=-1).mean())
    return float(torch.stack(jumps).mean())


def _coverage(painting: Painting, size: int) -> float:
    """Share of the texels that can be seen from outside which got gradient.

    A texel did where at least half of its weight in the finest lattice lies on values that
    moved.
    """
    surface = painting.original.surface
    texels = rasterize_texels(surface.uvs, (size, size))
    step = max(1, len(texels.texel) // TEXELS)
    face, bary = texels.face[::step], texels.bary[::step]
    points = surface.points(face, bary)
    outside = painting.original.outside or Outside.of(surface)
    seen = outside.sees(points).any(-1)
    moved = painting.field.moved(points[seen]) >= 0.5
    return float(moved.float().mean()) if len(moved) else 1.0


def _speckle(original: Original, pyramid: list[Tensor], style: Tensor) -> float:
    """Finest octave over the next, seen from near: the result's over the larger of its sources'."""
    result = torch.zeros(2, device=style.device)
    before = torch.zeros(2, device=style.device)
    for view in held_out_views(original, NEAR):
        shot = view.shot
        mask = shot.mask >= 0.999
        painted = _sample(pyramid, original.surface, shot)
        result += _octaves(shot.image(painted, painted.mean(0)), mask)
        before += _octaves(shot.image(view.content, view.content.mean(0)), mask)
    picture = resized(style, SIDE * NEAR)
    reference = _octaves(picture, torch.ones_like(picture[0, 0], dtype=torch.bool))
    ratios = [energy[0] / energy[1].clamp(min=1e-9) for energy in (result, reference, before)]
    return float(ratios[0] / torch.maximum(ratios[1], ratios[2]).clamp(min=1e-9))


def _octaves(image: Tensor, mask: Tensor) -> Tensor:
    """Energy (2,) of the finest octave and of the one below it, inside `mask` (H, W).

    Bands of a Laplacian pyramid (Burt and Adelson 1983) with its 5-tap binomial filter.
    """
    inside = -torch.nn.functional.max_pool2d(-mask[None, None].float(), 13, 1, 6)
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=image.device) / 16
    kernel = (taps[:, None] * taps)[None, None].expand(3, 1, 5, 5)
    energies = []
    for _ in range(2):
        low = conv2d(pad(image, (2, 2, 2, 2), mode="replicate"), kernel, groups=3)
        energies.append(((image - low).square() * inside).sum() / inside.sum().clamp(min=1))
        image = avg_pool2d(low, 2)
        inside = avg_pool2d(inside, 2).floor()
    return torch.stack(energies)
