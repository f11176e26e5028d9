"""How times are taken."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence

LEAST = 5  # measurements of which a median is taken


def seconds(work: Callable[[], object]) -> float:
    """That `work` takes, once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def times(work: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each of `repeats` goes, after one that does not count."""
    work()
    return [seconds(work) for _ in range(repeats)]


def side_by_side(
    first: Callable[[], object], second: Callable[[], object], repeats: int
) -> tuple[list[float], list[float]]:
    """Seconds of both in turns, so that what else the machine does slows down both alike."""
    first(), second()
    pairs = [(seconds(first), seconds(second)) for _ in range(repeats)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def ratios(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Of each of a pair that was measured side by side."""
    return [a / b for a, b in zip(first, second, strict=True)]


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Of the power by which `costs` grow at the larger `sizes`: 1 is linear.

    The slope of the line through the last three points, both axes logarithmic.
    """
    x, y = ([math.log(v) for v in values[-3:]] for values in (sizes, costs))
    return statistics.linear_regression(x, y).slope
