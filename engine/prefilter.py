"""Texels whose bilinear interpolation is what was meant, rather than a little too smooth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from .blocks import blocks

BEND = 1 / 12  # mean of x (1 - x) / 2 over 0-1: by what a chord is off, for each unit of f''
LINES = 64  # of texels at once


def prefilter(values: Tensor, covered: Tensor) -> None:
    """Turn samples of a function into texels between which it is right on average, in place.

    Between two samples a straight line is off by f'' / 12 in the mean, so each gives that away:
    the first term of the least-squares fit by linear splines (Blu and Unser 1999, "Quantitative
    Fourier analysis of approximation techniques"). A texel with a neighbour that is not covered
    stays as it is along that axis.

    Args:
        values: (H, W, C) float32.
        covered: (H, W) bool.
    """
    for _ in prefiltered(blocks(len(values), LINES), values, covered):
        pass


def prefiltered(bands: Iterable[slice], values: Tensor, covered: Tensor) -> Iterator[slice]:
    """As `prefilter`, of texels that become known from the top down.

    Args:
        bands: rows, from the first to the last; all of a band are known when it comes, and none
            is changed by others before it is given back.
        values, covered: as of `prefilter`.

    Yields:
        The same bands, each as soon as its texels are ready.
    """
    above, waiting = values[:0], slice(0, 0)  # a band, and the line above it as that was
    for band in bands:
        across, held = values[band].transpose(0, 1), covered[band].transpose(0, 1)
        across[1:-1] -= _excess(across, held)
        if waiting.stop:
            above = _filter_down(values, covered, waiting, above)
            yield waiting
        waiting = band
    if waiting.stop:
        _filter_down(values, covered, waiting, above)
        yield waiting


def _filter_down(values: Tensor, covered: Tensor, band: slice, above: Tensor) -> Tensor:
    """Filter the lines `band` along the columns.

    Args:
        values, covered: as of `prefilter`; the line below the band is still to be filtered.
        above: (1, W, C), the line above as it was before, or none.

    Returns:
        The last line of the band as it was before, (1, W, C).
    """
    lines = torch.cat((above, values[band.start : band.stop + 1]))
    first = band.start - len(above)
    inner = slice(first + 1, first + len(lines) - 1)
    values[inner] -= _excess(lines, covered[first : band.stop + 1])
    last = len(above) + band.stop - band.start
    return lines[last - 1 : last].clone()


def _excess(lines: Tensor, held: Tensor) -> Tensor:
    """What lines (L, N, C), all but the first and the last, give away, (L - 2, N, C).

    Args:
        lines: along which it is filtered.
        held: (L, N) bool, which of their texels are covered.
    """
    inner = (held[:-2] & held[1:-1] & held[2:])[..., None]
    bend = (lines[:-2] + lines[2:]).sub_(lines[1:-1], alpha=2)
    return bend.mul_(BEND).mul_(inner)
