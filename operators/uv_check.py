"""What a UV map does to the paint, found before the run and told in plain sentences.

Pure numpy on whole arrays: a million faces take a few seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..engine.job import Mesh
from .targets import Target

SIDE = 1024  # cells along each side of the grid on which shared places are looked for
MAX_ROWS = 1 << 23  # of cells that all triangles of a map reach; a coarser grid holds more
CHUNK = 1 << 20  # rows of triangles under way at once
MAX_REPEATS = 4  # a triangle that repeats the texture more often than this is not looked into
ON_BORDER = 1e-4  # UV units that count as lying on the border of 0-1
NO_AREA = 1e-12  # square UV units: not a ten-thousandth of a texel at 8192
LEAST_SHARED = 0.002  # of the covered cells; Smart UV Project itself folds as much as 0.001
UNEVEN = 8.0  # times as many texels along a line


def uv_warnings(mesh: Mesh, targets: Sequence[Target]) -> list[str]:
    """Sentences for the artist about the UV map of each of `targets` that has something to it.

    Nothing that they tell of stops a run, and an island that lies mirrored but alone, or a whole
    tile away, is as good as any other.
    """
    areas = signed_areas(mesh.uvs.astype(np.float64))  # (F,)
    sizes = _world_areas(mesh)  # (F,)
    found = []
    for target in targets:
        own = np.isin(mesh.textures, target.textures).nonzero()[0]
        uvs = mesh.uvs[own].astype(np.float64)
        texts = (
            _shared(uvs, areas[own], mesh.textures[own]),
            _outside(uvs, tiled=bool(target.tiles)),
            _collapsed(areas[own], sizes[own]),
            _uneven(areas[own], sizes[own]),
        )
        found += [f"UV map of {target.name!r}: {text}" for text in texts if text]
    return found


def signed_areas(corners: np.ndarray) -> np.ndarray:
    """Areas (F,) of triangles (F, 3, 2), negative for those that run clockwise."""
    (ax, ay), (bx, by) = ((corners[:, i] - corners[:, 0]).T for i in (1, 2))
    return (ax * by - ay * bx) / 2


def count_layers(uvs: np.ndarray, side: int) -> np.ndarray:
    """How many triangles lie over the middle of each cell of a texture that repeats.

    Two triangles with a common edge never count both: a middle on it belongs to one of them.

    Args:
        uvs: (F, 3, 2) float64, none of them larger than MAX_REPEATS.
        side: cells along each side of 0-1.

    Returns:
        (side, side) int64, row 0 at v = 0.
    """
    changes: np.ndarray = np.zeros(side * (side + 1), np.int64)  # at a span's start and after it
    near = uvs - np.floor(uvs.min(1, keepdims=True))
    for row, first, last in _spans(near * side):
        start, rounds = first % side, (last - first) // side
        stop = start + (last - first) % side
        wraps = stop > side
        begin = row % side * (side + 1)
        for place, by in (
            (begin + start, 1),
            (begin + np.minimum(stop, side), -1),
            (begin[wraps], 1),
            ((begin + stop - side)[wraps], -1),
        ):
            changes += by * np.bincount(place, minlength=len(changes))
        np.add.at(changes, begin, rounds)
    return changes.reshape(side, side + 1).cumsum(1)[:, :-1]


def _spans(corners: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Row, first column and the one after the last of the cells whose middles triangles cover.

    All int64, about CHUNK spans at a time. Each edge is walked from its lower end up, whichever
    triangle it belongs to, so that both its triangles round alike.

    Args:
        corners: (F, 3, 2) float64, in cells.
    """
    bottom, top = (np.ceil(f(corners[..., 1], 1) - 0.5).astype(np.int64) for f in (np.min, np.max))
    ends = (top - bottom).cumsum()  # (F,)
    cuts = np.searchsorted(ends, np.arange(CHUNK, ends[-1] if len(ends) else 0, CHUNK))
    for part in np.split(np.arange(len(corners)), cuts):
        count = (top - bottom)[part]
        face = np.repeat(part, count)  # (R,)
        number = np.arange(len(face)) - np.repeat(count.cumsum() - count, count)
        row = bottom[face] + number
        left, right = np.full(len(row), np.inf), np.full(len(row), -np.inf)
        for i, j in ((0, 1), (1, 2), (2, 0)):
            a, b = corners[:, i], corners[:, j]
            swap = (a[:, 1] > b[:, 1]) | ((a[:, 1] == b[:, 1]) & (a[:, 0] > b[:, 0]))
            lower, upper = np.where(swap[:, None], b, a), np.where(swap[:, None], a, b)
            rise = upper[:, 1] - lower[:, 1]
            slope = np.divide(
                upper[:, 0] - lower[:, 0], rise, out=np.zeros_like(rise), where=rise > 0
            )
            low, high = (np.ceil(end[:, 1] - 0.5)[face] for end in (lower, upper))
            crossed = (row >= low) & (row < high)
            at = lower[face, 0] + (row + 0.5 - lower[face, 1]) * slope[face]
            left = np.minimum(left, np.where(crossed, at, np.inf))
            right = np.maximum(right, np.where(crossed, at, -np.inf))
        some = left < right
        first, last = (np.ceil(x[some] - 0.5).astype(np.int64) for x in (left, right))
        yield row[some], first, last


def _shared(uvs: np.ndarray, areas: np.ndarray, textures: np.ndarray) -> str:
    """About faces that lie on each other, in the same texture."""
    extent = np.ptp(uvs, 1).max(1)  # (F,)
    kept = extent <= MAX_REPEATS
    side = SIDE
    while side > 1 and np.ceil(np.ptp(uvs[kept, :, 1], 1) * side).sum() > MAX_ROWS:
        side //= 2
    covered = shared = mirrored = 0
    for texture in np.unique(textures):
        own = kept & (textures == texture)
        front, back = (count_layers(uvs[own & (areas * sign > 0)], side) for sign in (1, -1))
        layers = front + back
        covered += int((layers > 0).sum())
        shared += int((layers > 1).sum())
        mirrored += int(((front > 0) & (back > 0)).sum())
    if shared <= LEAST_SHARED * covered:
        return ""
    also = (
        f" ({_percent(mirrored / covered)} mirrored)" if mirrored > LEAST_SHARED * covered else ""
    )
    return (
        f"{_percent(shared / covered)} of what it covers is shared by faces that overlap{also};"
        " they get the same paint. Unwrap them apart for paint of their own"
    )


def _outside(uvs: np.ndarray, *, tiled: bool) -> str:
    """About faces that do not lie within 0-1, or within their UDIM tile."""
    start = np.floor(uvs.mean(1, keepdims=True)) if tiled else 0.0
    inside = uvs - start
    out = ((inside < -ON_BORDER) | (inside > 1 + ON_BORDER)).any((1, 2))
    if not out.any():
        return ""
    where = "their UDIM tile" if tiled else "0-1"
    return f"{_of(int(out.sum()), len(uvs))} reach outside {where}, where the texture repeats"


def _collapsed(areas: np.ndarray, sizes: np.ndarray) -> str:
    """About faces that have an area on the surface and none in the map."""
    flat = (np.abs(areas) < NO_AREA) & (sizes > 0)
    if not flat.any():
        return ""
    return (
        f"{_of(int(flat.sum()), len(areas))} are points or lines in it and get one color or"
        " streaks. Unwrap them"
    )


def _uneven(areas: np.ndarray, sizes: np.ndarray) -> str:
    """About places with far fewer texels than others, a twentieth of the surface at each end."""
    solid = (np.abs(areas) >= NO_AREA) & (sizes > 0)
    if not solid.any():
        return ""
    areas, sizes = np.abs(areas[solid]), sizes[solid]
    density = np.sqrt(areas) / np.sqrt(sizes)  # (N,) UV units along a line over world units
    order = density.argsort()
    below = sizes[order].cumsum() / sizes.sum()
    low, high = (density[order[np.searchsorted(below, share)]] for share in (0.05, 0.95))
    if high < UNEVEN * low:
        return ""
    return (
        f"parts of the surface have {high / low:.0f} times as many texels along a line as others,"
        " which look blurred. Average the islands' scale (in the UV Editor: UV > Average Islands"
        " Scale)"
    )


def _world_areas(mesh: Mesh) -> np.ndarray:
    """(F,) square world units."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(np.float64), 1, 0)
    return np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 2


def _percent(share: float) -> str:
    """Such as 12 %, never 0 % of what there is."""
    return f"{share:.0%}".replace("%", " %") if share >= 0.005 else "less than 1 %"


def _of(count: int, total: int) -> str:
    return f"{count} of its {total} triangles"
