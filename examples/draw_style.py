"""Paint the repository's own style picture: "Undertow", oil on arithmetic.

Sixteen thousand curved brush strokes follow the currents of a whirling sea, from broad
to fine. Every stroke is a bundle of bristles with its own ragged ends and its own
mixture of color; at the end the paint's thickness is lit from the upper left.

    python examples/draw_style.py [FILE.png] [--size 768] [--seed 11]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 3
BRISTLE_WIDTH = 1.7  # in pixels of a picture 768 wide
POINTS = 16  # along a stroke
BRUSH_WIDTH = 768.0  # the lengths below are in pixels of a picture this wide

Color = tuple[int, int, int]

# From trough to crest; the sea's tones, and the sun's on the warm side of it.
SEA = ("#070d2b", "#0d1e52", "#123a7c", "#14588f", "#1b7f92", "#4aa79c", "#a9cfae", "#f3e8c8")
SUN = ("#2a0f1f", "#6b1a22", "#a82a1d", "#d9471f", "#e8752a", "#e9a23b", "#f2c96b", "#fbeecb")
ACCENTS = ("#fdf3d6", "#f6d277", "#f0531f", "#0a1038", "#59c3b4")


@dataclass(frozen=True)
class Layer:
    """One pass over the canvas with one brush.

    Attributes:
        strokes: how many.
        width, length: of a stroke, in pixels of a picture BRUSH_WIDTH wide.
        mixing: how far a stroke strays from the tone of its place, in palette steps.
        detail: strokes are kept where the tone changes fast, the more so the higher.
        accent: paint with ACCENTS along the crests instead of the tone of the place.
    """

    strokes: int
    width: float
    length: float
    mixing: float
    detail: float = 0.0
    accent: bool = False


LAYERS = (
    Layer(strokes=500, width=52, length=240, mixing=0.8),
    Layer(strokes=1500, width=26, length=150, mixing=0.9),
    Layer(strokes=4200, width=13, length=95, mixing=0.8),
    Layer(strokes=9000, width=6.5, length=60, mixing=0.8, detail=0.7),
    Layer(strokes=1000, width=6, length=80, mixing=0.3, detail=0.5, accent=True),
)


@dataclass(frozen=True)
class Currents:
    """A stream function on the unit square: the flow runs along its level lines.

    Attributes:
        waves: (W, 2) wave vectors; `phases` and `heights` (W,) theirs.
        centres: (E, 2) eddies; `spins` (E,) and `radii` (E,) theirs.
    """

    waves: np.ndarray
    phases: np.ndarray
    heights: np.ndarray
    centres: np.ndarray
    spins: np.ndarray
    radii: np.ndarray

    def height(self, points: np.ndarray) -> np.ndarray:
        """The stream function at points (..., 2) -> (...)."""
        swell = np.cos(points @ self.waves.T + self.phases) @ self.heights
        offsets = points[..., None, :] - self.centres
        squares = (offsets**2).sum(-1) / self.radii**2
        return swell + np.log1p(squares) @ -self.spins

    def direction(self, points: np.ndarray, inflow: float = 0.12) -> np.ndarray:
        """Unit vectors along the level lines at points (..., 2), drawn in a little."""
        step = 1e-3
        dx, dy = np.array([step, 0.0]), np.array([0.0, step])
        slope = np.stack(
            [
                self.height(points + dx) - self.height(points - dx),
                self.height(points + dy) - self.height(points - dy),
            ],
            axis=-1,
        )
        along = np.stack([-slope[..., 1], slope[..., 0]], axis=-1) + inflow * slope
        return along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-12)


def make_currents(random: np.random.Generator) -> Currents:
    """A swell of a few long waves and the eddies of this picture."""
    angles = random.uniform(0, 2 * math.pi, 14)
    lengths = 2 * math.pi * random.uniform(0.7, 3.2, 14)
    waves = lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return Currents(
        waves=waves,
        phases=random.uniform(0, 2 * math.pi, 14),
        heights=1.04 / lengths,
        centres=np.array([[0.66, 0.33], [0.22, 0.66], [0.84, 0.80], [0.14, 0.16], [0.50, 0.94]]),
        spins=np.array([0.61, -0.47, 0.29, -0.25, 0.18]),
        radii=np.array([0.16, 0.13, 0.08, 0.07, 0.07]),
    )


def tone(currents: Currents, points: np.ndarray) -> np.ndarray:
    """Where in its palette the paint at points (..., 2) lies, 0 to 1, in bands."""
    return np.abs((2.1 * currents.height(points)) % 2.0 - 1.0)


def warmth(currents: Currents, points: np.ndarray) -> np.ndarray:
    """How sunny points (..., 2) are, 0 to 1: the heart of the first eddy, and embers."""
    distance = np.linalg.norm(points - currents.centres[0], axis=-1)
    ember = np.linalg.norm(points - currents.centres[1], axis=-1)
    glow = np.exp(-((distance / 0.27) ** 2)) + 0.9 * np.exp(-((ember / 0.10) ** 2))
    return glow + 0.16 * np.sin(5.0 * currents.height(points) + 9.0 * points[..., 0])


def palette(names: tuple[str, ...]) -> np.ndarray:
    """(N, 3) colors in 0-255 from hexadecimal names."""
    return np.array([[int(name[i : i + 2], 16) for i in (1, 3, 5)] for name in names], float)


def mix(colors: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Colors (N, 3) blended at places (...) in 0-1 -> (..., 3)."""
    stops = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(place, stops, channel) for channel in colors.T], axis=-1)


def trace(currents: Currents, starts: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Follow the flow from the middles (N, 2) both ways -> paths (N, POINTS, 2)."""
    step = (length / (POINTS - 1))[:, None]
    halves = []
    for sign in (-1.0, 1.0):
        points, half = starts, []
        for _ in range(POINTS // 2):
            points = points + sign * step * currents.direction(points)
            half.append(points)
        halves.append(half)
    return np.stack([*reversed(halves[0]), *halves[1]], axis=1)


def choose_middles(layer: Layer, currents: Currents, random: np.random.Generator) -> np.ndarray:
    """Middles of strokes (N, 2), a little beyond the canvas, by the layer's taste."""
    middles = random.uniform(-0.04, 1.04, (4 * layer.strokes, 2))
    here = tone(currents, middles)
    change = np.minimum(1.0, 6 * np.abs(tone(currents, middles + 6e-3) - here))
    plain, detailed = random.random((2, len(middles)))
    wish = (1 - layer.detail) * plain + layer.detail * change * detailed
    if layer.accent:
        wish = wish * (0.25 + here)
    return middles[np.argsort(-wish)[: layer.strokes]]


def stroke_colors(
    layer: Layer, currents: Currents, middles: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """The paint on the brush for each stroke (N, 3), 0-255."""
    if layer.accent:
        sunny = warmth(currents, middles) > 0.45
        cool = random.choice(5, len(middles), p=[0.38, 0.16, 0.16, 0.08, 0.22])
        warm = random.choice(5, len(middles), p=[0.36, 0.40, 0.24, 0.0, 0.0])
        return palette(ACCENTS)[np.where(sunny, warm, cool)]
    steps = layer.mixing / (len(SEA) - 1)
    place = tone(currents, middles) + steps * random.normal(size=len(middles))
    sun = 1 / (1 + np.exp(-14 * (warmth(currents, middles) - 0.5)))
    share = (sun > random.random(len(middles)))[:, None]
    return np.where(share, mix(palette(SUN), place), mix(palette(SEA), place))


def bristles(path: np.ndarray, width: float, count: int, random: np.random.Generator) -> np.ndarray:
    """Offset a path (P, 2) into the lines of its bristles (count, P, 2)."""
    tangent = np.gradient(path, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    pressure = np.sin(np.linspace(0.1, 0.97, len(path)) * math.pi) ** 0.8
    across = np.linspace(-0.5, 0.5, count) + random.normal(0, 0.25 / count, count)
    return path + (width * across[:, None] * pressure)[..., None] * normal


def paint_stroke(
    colors: ImageDraw.ImageDraw,
    relief: ImageDraw.ImageDraw,
    path: np.ndarray,
    width: float,
    color: np.ndarray,
    scale: float,
    random: np.random.Generator,
) -> None:
    """Draw one stroke into the colors and the thickness of the paint."""
    thickness = BRISTLE_WIDTH * scale
    count = max(5, round(width / thickness))
    lines = bristles(path, width, count, random)
    streak = random.normal(0, 7, count) + 10 * np.sin(np.arange(count) * random.uniform(0.5, 1.6))
    shades = np.clip(color + streak[:, None] + random.normal(0, 4, (count, 3)), 0, 255)
    heights = np.clip(150 + 40 * random.normal(size=count), 30, 255)
    edge = np.abs(np.linspace(-1, 1, count))
    ends = np.clip(random.normal(0.6 + 2.2 * edge, 0.9), 0, 4).round().astype(int)
    pen = math.ceil(1.4 * width / count)
    for line, shade, height, end in zip(lines, shades, heights, ends, strict=True):
        points = list(map(tuple, line[end // 2 : len(line) - end]))
        colors.line(points, fill=tuple(map(int, shade)), width=pen)
        relief.line(points, fill=int(height), width=pen)


def light(canvas: Image.Image, relief: Image.Image) -> Image.Image:
    """Shade the colors by the thickness of the paint, lit from the upper left."""
    down, right = np.gradient(np.asarray(relief, np.float32) / 255)
    shade = np.clip(1.3 * (down + right), -0.35, 0.35)[..., None]
    color = np.asarray(canvas, np.float32)
    lit = np.where(shade > 0, color + (255 - color) * shade * 0.55, color * (1 + shade))
    return Image.fromarray(lit.round().astype(np.uint8))


def draw(size: int = 768, seed: int = 11, layers: Sequence[Layer] = LAYERS) -> Image.Image:
    """Paint the picture, `size` pixels square; the same arguments, the same picture."""
    random = np.random.default_rng(seed)
    currents = make_currents(random)
    side = size * SUPERSAMPLING
    scale = side / BRUSH_WIDTH
    canvas = Image.new("RGB", (side, side), SEA[1])
    relief = Image.new("L", (side, side), 110)
    brushes = ImageDraw.Draw(canvas), ImageDraw.Draw(relief)
    for layer in layers:
        middles = choose_middles(layer, currents, random)
        random.shuffle(middles)
        lengths = layer.length / BRUSH_WIDTH * random.uniform(0.55, 1.3, len(middles))
        widths = layer.width * scale * random.uniform(0.6, 1.25, len(middles))
        paths = trace(currents, middles, lengths) * side
        paints = stroke_colors(layer, currents, middles, random)
        for path, width, paint in zip(paths, widths, paints, strict=True):
            paint_stroke(*brushes, path, width, paint, scale, random)
    fine = (size, size), Image.Resampling.LANCZOS
    return light(canvas.resize(*fine), relief.resize(*fine))


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=Path("build/style.png"))
    parser.add_argument("--size", type=int, default=768, help="side in pixels")
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    draw(arguments.size, arguments.seed).save(arguments.file)
    print(arguments.file)


if __name__ == "__main__":
    main()
