"""What a UV map does to the paint, found before the run and told in plain sentences.

Pure numpy on whole arrays: a million faces take a second or two. Coordinates of corners are
kept one after the other, x of all first corners before x of all second ones, for numpy compares
two long rows many times faster than it finds the least of each three numbers; `take` and
`compress` leave them so, and an index in brackets does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..engine.mesh import Mesh
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
    corners = _columns(mesh.uvs)
    areas = _signed_areas(corners)  # (F,)
    edges = _edges(mesh)
    sizes = np.linalg.norm(np.cross(*edges, axis=0), axis=0) / 2  # (F,) square world units
    stretch = _stretch(corners, edges)  # (F,)
    found = []
    for target in targets:
        own = np.isin(mesh.textures, target.textures).nonzero()[0]
        uvs = corners.take(own, -1)  # (2, 3, N)
        texts = (
            _shared(uvs, areas[own], mesh.textures[own]),
            _outside(uvs, tiled=bool(target.tiles)),
            _collapsed(areas[own], sizes[own]),
            _uneven(areas[own], sizes[own]),
            _stretched(stretch[own], sizes[own]),
        )
        found += [f"UV map of {target.name!r}: {text}" for text in texts if text]
    return found


def _columns(corners: np.ndarray) -> np.ndarray:
    """Triangles (F, 3, 2) as (2, 3, F) float64: of x, then of y, one corner after the other."""
    return np.ascontiguousarray(corners.T, np.float64)


def _signed_areas(corners: np.ndarray) -> np.ndarray:
    """Areas (F,) of triangles (2, 3, F), negative for those that run clockwise."""
    (ax, bx), (ay, by) = corners[:, 1:] - corners[:, :1]
    return (ax * by - ay * bx) / 2


def count_layers(uvs: np.ndarray, side: int) -> np.ndarray:
    """How many triangles lie over the middle of each cell of a texture that repeats.

    Two triangles with a common edge never count both: a middle on it belongs to one of them.

    Args:
        uvs: (2, 3, F) float64, none of them larger than MAX_REPEATS.
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
        around = rounds > 0
        np.add.at(changes, begin[around], rounds[around])
    return changes.reshape(side, side + 1).cumsum(1)[:, :-1]


def _spans(corners: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Row, first column and the one after the last of the cells whose middles triangles cover.

    All int64, about CHUNK spans at a time. Each edge is walked from its lower end up, whichever
    triangle it belongs to, so that both its triangles round alike.

    Args:
        corners: (2, 3, F) float64, in cells.
    """
    rows = np.ceil(corners[1] - 0.5).astype(np.int64)  # (3, F), the first at or above each corner
    bottom = rows.min(0)
    counts = rows.max(0) - bottom  # (F,)
    ends = counts.cumsum()
    cuts = np.searchsorted(ends, np.arange(CHUNK, ends[-1] if len(ends) else 0, CHUNK)).tolist()
    for part in map(slice, [0, *cuts], [*cuts, len(ends)]):
        count = counts[part]
        number = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
        row = np.repeat(bottom[part], count) + number  # (R,)
        left, right = np.full(len(row), np.inf), np.full(len(row), -np.inf)
        for edge in ((0, 1), (1, 2), (2, 0)):
            (ax, bx), (ay, by) = corners[:, edge, part]
            falls = ay > by
            x, y = np.where(falls, bx, ax), np.minimum(ay, by)
            rise, run = np.abs(by - ay), np.where(falls, ax, bx) - x
            slope = np.divide(run, rise, out=np.zeros_like(rise), where=rise > 0)
            first, last = rows[edge, part]
            low, high = np.minimum(first, last), np.maximum(first, last)
            low, high, x, y, slope = (np.repeat(of, count) for of in (low, high, x, y, slope))
            crossed = (row >= low) & (row < high)
            at = x + (row + 0.5 - y) * slope
            np.minimum(left, at, out=left, where=crossed)
            np.maximum(right, at, out=right, where=crossed)
        some = left < right
        first, last = (np.ceil(x[some] - 0.5).astype(np.int64) for x in (left, right))
        yield row[some], first, last


def _shared(uvs: np.ndarray, areas: np.ndarray, textures: np.ndarray) -> str:
    """About faces that lie on each other, in the same texture."""
    width, height = uvs.max(1) - uvs.min(1)  # (N,) each
    kept = np.maximum(width, height) <= MAX_REPEATS
    side = SIDE
    while side > 1 and np.ceil(height[kept] * side).sum() > MAX_ROWS:
        side //= 2
    covered = shared = mirrored = 0
    for texture in np.unique(textures):
        own = kept & (textures == texture)
        front, back = (
            count_layers(uvs.compress(own & (areas * sign > 0), -1), side) for sign in (1, -1)
        )
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
    start = np.floor(uvs.mean(1)) if tiled else 0.0  # (2, N)
    low, high = uvs.min(1) - start, uvs.max(1) - start
    out = ((low < -ON_BORDER) | (high > 1 + ON_BORDER)).any(0)
    if not out.any():
        return ""
    where = "their UDIM tile" if tiled else "0-1"
    return f"{_of(int(out.sum()), len(out))} reach outside {where}, where the texture repeats"


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


def _stretched(stretch: np.ndarray, sizes: np.ndarray) -> str:
    """About texels that are long and narrow on a twentieth of the surface or more."""
    solid = np.isfinite(stretch) & (sizes > 0)
    if not solid.any():
        return ""
    stretch, sizes = stretch[solid], sizes[solid]
    order = stretch.argsort()
    below = sizes[order].cumsum() / sizes.sum()
    usual = stretch[order[np.searchsorted(below, 0.95)]]
    if usual < UNEVEN:
        return ""
    return (
        f"on parts of the surface texels are {usual:.0f} times as long as wide, and paint is"
        " smeared along them. Unwrap these with the object's scale applied"
    )


def _edges(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Two edges of each triangle from its first corner, (3, F) each, world units."""
    placed = np.ascontiguousarray(mesh.vertices.T, np.float64)
    a, b, c = (placed.take(of, -1) for of in mesh.faces.T)  # (3, F) each
    return b - a, c - a


def _stretch(corners: np.ndarray, edges: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """How many times as long as wide a texel is on each triangle, (F,); not finite if flat.

    The ratio of the singular values of the map from UVs to the surface, from the trace and the
    determinant of its first fundamental form (Sander et al. 2001, "Texture mapping progressive
    meshes", section 3).

    Args:
        corners: (2, 3, F), UVs.
        edges: of `_edges`.
    """
    (u1, u2), (v1, v2) = corners[:, 1:] - corners[:, :1]
    first, second = edges
    e, f, g = (first * first).sum(0), (first * second).sum(0), (second * second).sum(0)
    trace = e * (u2 * u2 + v2 * v2) - 2 * f * (u1 * u2 + v1 * v2) + g * (u1 * u1 + v1 * v1)
    area = np.abs(u1 * v2 - u2 * v1) * np.sqrt(np.maximum(e * g - f * f, 0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = trace / (2 * area)  # of the ratio and its inverse, for their product is 1
        return mean + np.sqrt(np.maximum(mean * mean - 1, 0))


def _percent(share: float) -> str:
    """Such as 12 %, never 0 % of what there is."""
    return f"{share:.0%}".replace("%", " %") if share >= 0.005 else "less than 1 %"


def _of(count: int, total: int) -> str:
    return f"{count} of its {total} triangles"
