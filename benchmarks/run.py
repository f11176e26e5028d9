"""Measure what docs/performance.md tells, and write it there.

    make bench [MESH=FILE.obj TEXTURE=FILE STYLE=FILE] [WHOLE=N] [ONLY="GROUP …"]

Prints each group's table once it is measured; at the end writes benchmarks/results.json, the plot
and the tables of the page. With ONLY, what is not measured again stays as it was. Takes some ten
minutes on two cores that multiply bfloat16 and twenty on others; each of WHOLE adds five or ten.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import (
    blender_side,
    covered,
    growth,
    machine,
    memory,
    previews,
    rasterizing,
    start,
    steps,
    whole_runs,
)
from .subject import Options, Subject, subject_of
from .table import Row, as_markdown, as_text, between_markers
from .timing import LEAST

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "pictures" / "growth.svg"

GROUPS: dict[str, Callable[[Subject, Options], list[Row]]] = {
    "steps": steps.rows,
    "rasterizing": rasterizing.rows,
    "start": start.rows,
    "previews": previews.rows,
    "memory": memory.rows,
    "blender": lambda _subject, options: blender_side.rows(options),
    "covered": covered.rows,
}
GROWTH, WHOLE_RUNS = "growth", "whole_runs"


def main(arguments: Sequence[str]) -> int:
    """Measure; the exit code is 0 whether targets are met or not."""
    asked = _parser().parse_args(arguments)
    options = Options(asked.shrink, asked.repeats, asked.whole_runs)
    earlier = asked.only and options.shrink == 1 and RESULTS.is_file()
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if earlier else {}
    with tempfile.TemporaryDirectory() as scrap:
        subject = subject_of(asked.mesh, asked.texture, asked.style, Path(scrap))
        results = measured(subject, options, asked.only, before)
    if options.shrink == 1:
        write(results, [Row.of(row) for group in results["groups"].values() for row in group])
    return 0


def measured(
    subject: Subject, options: Options, only: Sequence[str], before: dict[str, Any]
) -> dict[str, Any]:
    """Results as they go into RESULTS; of the groups not in `only`, if it names any, `before`."""
    found: dict[str, list[Row]] = {}
    curves = before.get(GROWTH, {})
    for name in only or [*GROUPS, GROWTH, *[WHOLE_RUNS] * bool(options.whole_runs)]:
        began = time.perf_counter()
        if name == GROWTH:
            drawn = growth.curves(subject, options)
            found[name] = growth.rows(drawn)
            curves = {axis: curve.kept() for axis, curve in drawn.items()}
        elif name == WHOLE_RUNS:
            found[name] = whole_runs.rows(subject, options)
        else:
            found[name] = GROUPS[name](subject, options)
        print(f"{name}: measured in {time.perf_counter() - began:.0f} s")
        print(as_text(found[name]), flush=True)
    groups = before.get("groups", {}) | {
        n: [row.kept() for row in rows] for n, rows in found.items()
    }
    return {
        "machine": machine.describe(),
        "subject": subject.name,
        "groups": groups,
        GROWTH: curves,
    }


def write(results: dict[str, Any], rows: Sequence[Row]) -> None:
    """Write the results, the plot, and what the page tells of them."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    described = "\n".join(f"- {name}: {value}" for name, value in results["machine"].items())
    page = between_markers(page, "machine", f"- measured on: {results['subject']}\n{described}")
    page = between_markers(page, "table", as_markdown(rows))
    PAGE.write_text(page, encoding="utf-8")
    if not results[GROWTH]:
        return
    try:
        from . import plot  # noqa: PLC0415 - needs matplotlib
    except ImportError as error:
        print(f"No plot is drawn: {error}")
        return
    plot.draw({axis: growth.Curve(**kept) for axis, kept in results[GROWTH].items()}, PLOT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mesh", type=Path, help="triangulated OBJ file with UVs; else a torus")
    parser.add_argument("--texture", type=Path, help="its texture")
    parser.add_argument("--style", type=Path, help="picture; else the repository's own")
    parser.add_argument("--whole-runs", type=int, default=0, help="of each preset; 3 at most")
    parser.add_argument("--repeats", type=int, default=LEAST, help="of each measurement")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        choices=[*GROUPS, GROWTH, WHOLE_RUNS],
        help="groups to measure again, beside those in results.json",
    )
    parser.add_argument(
        "--shrink",
        type=int,
        default=1,
        help="divide all sizes, to try the benchmarks out; nothing is written then",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
