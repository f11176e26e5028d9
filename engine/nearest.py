"""The nearest triangle at each pixel's centre.

A fragment is one integer, its depth above its triangle's number, and the least of a pixel wins.
Integers also go on from pixel to pixel of a span without rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .barycentric import Insides
from .columns import picked
from .frame import places, spread
from .hierarchical_z import Tiles
from .near_plane import Triangles, cut
from .progressions import Progressions
from .spans import TRIANGLES, Outlines, corners_of, doubled_areas, in_frame, spans_of, to_screen

FAR = 2.0  # NDC depth beyond the near plane
FARTHEST = 2.0**20  # the same; keys have no room for what reaches four times as far
STEEPEST = 2.0**24  # NDC depth by the pixel; triangles that are steeper are drawn flat
KEY_BITS = 61  # so that differences of keys do not overflow
FRAGMENTS = 1 << 17  # at once: as many as processors' caches hold
# Pixels of which places are told at once: a processor's cache holds what they have, and torch wakes
# no threads for them.
PIXELS = (1 << 15) - 1


class Nearest(NamedTuple):
    """Which triangle is nearest at each pixel's centre.

    Attributes:
        triangles: T of them.
        insides: of these.
        triangle: (H * W,) int32, -1 where there is none.
    """

    triangles: Triangles
    insides: Insides
    triangle: Tensor

    @classmethod
    def of(cls, clip: Tensor, faces: Tensor, size: tuple[int, int]) -> Nearest:
        """Find the triangle nearest to the camera at each pixel's centre.

        Args:
            clip: (V, 4 + C) float, of which the first four are OpenGL's clip space.
            faces: (F, 3) int64, indices of vertices.
            size: height and width in pixels; row 0 is on top.
        """
        triangles = cut(clip, faces)
        screen = to_screen(triangles.vertices, size)
        insides = Insides.of(screen, triangles.corners, size, clip.dtype)
        return cls(triangles, insides, nearest_triangles(screen, triangles.corners, size))

    def faces(self) -> Tensor:
        """The face at each pixel, (H * W,) int64, -1 where there is none."""
        triangle = self.triangle.to(torch.int64)
        if self.triangles.uncut:
            return triangle
        return torch.cat((self.triangles.parent, triangle.new_tensor([-1]))).take(triangle)

    def face(self, triangle: Tensor) -> Tensor:
        """Which face (N,) int64 each `triangle` (N,) is of."""
        return self.triangles.parent.index_select(0, triangle)

    def at(self, triangle: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """What triangles have at places inside them.

        Args:
            triangle: (N,) int.
            x, y: (N,) float64, right and down, in pixels from the first one's centre.

        Returns:
            Shares (3, N) of the triangle's corners, 0-1, and these (3, N), columns of `vertices`.
        """
        shares = self.insides.in_perspective(triangle, self.insides.at(triangle, x, y))
        return torch.stack(shares), picked(self.triangles.corners, triangle)

    def bary(self, triangle: Tensor, shares: Tensor) -> Tensor:
        """Of shares (3, N) of the corners of triangles (N,), those of their faces (3, N)."""
        return torch.stack(list(self.triangles.in_parent(triangle, shares.unbind())))

    def pixels(self) -> Tensor:
        """Those that show a triangle, (N,) int64, in their order."""
        return (self.triangle >= 0).nonzero().squeeze(-1)

    def at_centers(self, pixel: Tensor, width: int) -> tuple[Tensor, list[Tensor]]:
        """Which triangles (N,) int32 some of `pixels` (N,) show, and where, as of `Insides.at`.

        Args:
            width: of the frame that was given to `of`.
        """
        triangle = self.triangle.index_select(0, pixel)
        return triangle, self.insides.at(triangle, *places(pixel, width))

    def seen(self, width: int) -> tuple[Tensor, list[Tensor]]:
        """All of `pixels` (N,), and where in its face each is, a share (N,) of each corner.

        Args:
            width: of the frame that was given to `of`.
        """
        pixel = self.pixels()
        parts = []
        for some in pixel.split(PIXELS):
            triangle, shares = self.at_centers(some, width)
            bary = self.insides.in_perspective(triangle, shares)
            parts.append(self.triangles.in_parent(triangle, bary))
        return pixel, [torch.cat(shares) for shares in zip(*parts, strict=True)]


def visible(clip: Tensor, faces: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The nearest face at each pixel's centre, and where in it that is.

    Args:
        clip, faces, size: as of `Nearest.of`.

    Returns:
        The face (H, W) int64 and perspective-correct barycentric coordinates (H, W, 3) float,
        -1 where there is none: what `rasterize` tells, without depth and distance.
    """
    nearest = Nearest.of(clip, faces, size)
    pixel, bary = nearest.seen(size[1])
    return nearest.faces().view(size), spread(bary, pixel, size).permute(1, 2, 0)


class Keys(NamedTuple):
    """How depths and triangles make keys.

    Attributes:
        bits: for a triangle, below those for the depth; one more than its number needs.
        scale: integers to a unit of depth.
    """

    bits: int
    scale: float

    @classmethod
    def of(cls, triangles: int, deepest: float) -> Keys:
        """For so many triangles, none of which reaches beyond the depth `deepest`."""
        bits = triangles.bit_length() + 1
        return cls(bits, 2.0 ** (KEY_BITS - bits) / min(max(deepest, FAR), FARTHEST))

    @property
    def nothing(self) -> int:
        """The key that every triangle in front of the far plane is less than."""
        return (round(FAR * self.scale) << self.bits) | ((1 << self.bits) - 1)

    def depths(self, values: Tensor) -> Tensor:
        """Depths, float, as parts of keys, int64, and these sum up as those do.

        What is too much for a key is left out: sums that are not are right all the same.
        With 4 bits for a depth, -8 to 7, and a scale of 1, a span that begins at 21 and falls by 6
        a pixel begins with 21 - 16 = 5; three pixels on 5 - 18 = -13 wraps round to 3 = 21 - 18.
        """
        most = 2.0 ** (64 - self.bits)
        values = (values * self.scale).round_()
        values -= (values / most).round_() * most
        return values.to(torch.int64) << self.bits

    def triangles(self, keys: Tensor) -> Tensor:
        """Of keys (N,) the triangles (N,) int32, -1 of nothing."""
        unused = 32 - self.bits
        return keys.to(torch.int32).bitwise_left_shift_(unused).bitwise_right_shift_(unused)


def nearest_triangles(screen: Tensor, corners: Tensor, size: tuple[int, int]) -> Tensor:
    """The nearest triangle at each pixel, (H * W,) int32, -1 where there is none.

    Of triangles at the same depth it is the first.

    Args:
        screen: (4, V), of `to_screen`.
        corners: (3, T) int32, indices of vertices; fewer than 2**30 triangles.
        size: height and width in pixels.
    """
    place = screen[:3].detach()
    front, back, deepest = _sides(place, corners, size)
    form = Keys.of(corners.shape[1], deepest)
    keys = torch.full((size[0] * size[1],), form.nothing, device=screen.device)
    for index in front.split(TRIANGLES):
        _draw(keys, index, corners_of(place, picked(corners, index)), size, form)
    tiles = Tiles.of(keys.view(size))
    for index in back.split(TRIANGLES):
        some = corners_of(place, picked(corners, index))
        # A span's steps are rounded, so that its depths may be less by one for each pixel.
        least = form.depths(some[2].amin(0) + 1 - size[1] / form.scale)
        shown = (~tiles.hide(_boxes(some, size), least)).nonzero().squeeze(-1)
        some = picked(some.flatten(0, 1), shown).view(3, 3, -1)
        _draw(keys, index.index_select(0, shown), some, size, form)
    return form.triangles(keys)


def _sides(screen: Tensor, corners: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, float]:
    """Numbers (N,) of triangles that may show, either side apart, and their largest depth.

    What triangles enclose is between those that turn one side to the camera and the others,
    and the volume with signs tells which is which: the ones that come first hide the others,
    most of them entirely.

    Args:
        screen: (3, V), of `to_screen`.
        corners: (3, T), of `nearest_triangles`.
        size: height and width in pixels.
    """
    sides: tuple[list[Tensor], list[Tensor]] = [], []
    volume, deepest = 0.0, 0.0
    for start in range(0, corners.shape[1], TRIANGLES):
        block = corners_of(screen, corners[:, start : start + TRIANGLES])
        area = doubled_areas(block)
        shown = in_frame(block, area, size, 0.0)
        shown = shown[(block[2].amin(0) <= FAR - 1).index_select(0, shown)]
        area = area.index_select(0, shown)
        depth = picked(block[2], shown)  # (3, N)
        volume += float((area * depth.sum(0)).sum())
        deepest = max(deepest, float(depth.max()) + 1) if len(shown) else deepest
        for side, which in zip(sides, (area < 0, area > 0), strict=True):
            side.append(shown[which] + start)
    front, back = sides if volume > 0 else sides[::-1]
    none = torch.empty(0, dtype=torch.int64, device=screen.device)
    return torch.cat((none, *front)), torch.cat((none, *back)), deepest


def _boxes(corners: Tensor, size: tuple[int, int]) -> Tensor:
    """First columns and rows in which triangles may have pixels' centres, and last ones, (4, N)."""
    first = corners[:2].amin(1).ceil().clamp(min=0)  # (2, N)
    last = corners[:2].amax(1).floor()
    last = torch.minimum(last, last.new_tensor(size[::-1])[:, None] - 1)
    return torch.cat((first, last)).to(torch.int64)


def _draw(keys: Tensor, number: Tensor, corners: Tensor, size: tuple[int, int], form: Keys) -> None:
    """Put the fragments of triangles where they are less than `keys` (H * W,), which change.

    Args:
        keys: of what is there.
        number: (N,) int64, which triangles they are.
        corners: (3, 3, N), of `corners_of`.
        size: height and width in pixels.
        form: of the keys.
    """
    start, right, down = form.depths(_planes(corners))
    start += number
    for spans in spans_of(Outlines.of(corners, size, 0.0), size, 0.0, FRAGMENTS):
        step = right.index_select(0, spans.triangle)
        first = start.index_select(0, spans.triangle).addcmul_(spans.first, step)
        first.addcmul_(spans.row, down.index_select(0, spans.triangle))
        fragments = Progressions.of(spans.columns)
        pixel = fragments.in_steps(torch.add(spans.first, spans.row, alpha=size[1]), 1)
        keys.scatter_reduce_(0, pixel, fragments.in_own_steps(first, step), "amin")


def _planes(corners: Tensor) -> Tensor:
    """Depth beyond the near plane over the frame, of triangles (3, 3, N), as (3, N) float64.

    At the centre of the first pixel, and how it changes by the pixel to the right and down.
    """
    (abx, acx), (aby, acy), (zb, zc) = (values[1:] - values[0] for values in corners)
    slopes = torch.stack((zb * acy - zc * aby, zc * abx - zb * acx)) / (abx * acy - aby * acx)
    slopes.masked_fill_(slopes.abs().amax(0) > STEEPEST, 0)
    x, y, depth = corners[:, 0]
    start = depth + 1 - x * slopes[0] - y * slopes[1]
    return torch.cat((start[None], slopes))
