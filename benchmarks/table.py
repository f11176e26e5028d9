"""What was measured beside what was aimed at: rows, as text and as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEAD = ("what", "target", "measured", "met")


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: was measured.
        samples: every measurement of it; none where it could not be measured.
        unit: of the samples, as it is printed; empty for ratios and shares.
        at_most, at_least: the target, if there is one.
        note: what else is to be known, or why there are no samples.
    """

    what: str
    samples: Sequence[float]
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def measured(self) -> float | None:
        """The median of the samples."""
        return statistics.median(self.samples) if self.samples else None

    @property
    def met(self) -> bool | None:
        """Whether the target was; None without a target or without samples."""
        if self.measured is None or (self.at_most is None and self.at_least is None):
            return None
        high = self.at_most is None or self.measured <= self.at_most
        return high and (self.at_least is None or self.measured >= self.at_least)

    def cells(self) -> tuple[str, str, str, str]:
        """In the order of HEAD."""
        limits = (("≤", self.at_most), ("≥", self.at_least))
        target = " ".join(f"{sign} {shown(v, self.unit)}" for sign, v in limits if v is not None)
        found = "left out" if self.measured is None else shown(self.measured, self.unit)
        met = {None: "", True: "yes", False: "no"}[self.met]
        return self.what, target, f"{found} ({self.note})" if self.note else found, met

    def kept(self) -> dict[str, Any]:
        """For JSON; `Row.of` is the way back."""
        samples = [float(f"{s:.5g}") for s in self.samples]
        return {**asdict(self), "samples": samples}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Row:
        """The row that gave `kept`."""
        return cls(**kept)


def shown(value: float, unit: str) -> str:
    """Three digits, without an exponent."""
    digits = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return f"{digits} {unit}".strip()


def as_text(rows: Iterable[Row]) -> str:
    """A table for a terminal."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_markdown(rows: Iterable[Row]) -> str:
    """The same for documentation."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def between_markers(text: str, name: str, inside: str) -> str:
    """`text` with `inside` between the lines `<!-- NAME -->` and `<!-- end of NAME -->`.

    Raises:
        ValueError: if `text` does not have the two, once each.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if text.count(start) != 1 or text.count(end) != 1:
        raise ValueError(f"there must be one {start} and one {end}")
    before, rest = text.split(start)
    after = rest.split(end)[1]
    return f"{before}{start}\n{inside}\n{end}{after}"
