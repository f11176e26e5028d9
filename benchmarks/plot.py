"""The picture of how costs grow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from .growth import Curve


def draw(curves: Mapping[str, Curve], file: Path) -> None:
    """Write an SVG: a panel for each curve, both axes logarithmic, and what linear would be."""
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    FigureCanvasSVG(figure)
    for axes, (axis, curve) in zip(figure.subplots(1, len(curves)), curves.items(), strict=True):
        middle = [median(samples) for samples in curve.seconds]
        linear = [middle[-1] * size / curve.sizes[-1] for size in curve.sizes]
        axes.loglog(curve.sizes, linear, "--", color="#999999", label="linear")
        axes.loglog(curve.sizes, middle, "o-", color="#c8553d", label="measured")
        axes.set_xlabel(axis)
        axes.set_ylabel("seconds")
        axes.set_title(curve.what, fontsize=10)
        axes.grid(visible=True, which="major", color="#dddddd")
        axes.legend(frameon=False)
    figure.savefig(file, format="svg", metadata={"Date": None})
