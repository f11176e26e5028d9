"""Whole runs of presets, as the engine's process does them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .children import ROOT
from .subject import Options, Subject
from .table import Row

PRESETS = {"DRAFT": (45, 0.24), "STANDARD": (240, 0.12)}  # seconds, style_distance
TEXTURE = 1024
LIMIT = 3600.0  # seconds


def rows(subject: Subject, options: Options) -> list[Row]:
    """Time and what came of it, each the median of the runs."""
    made = []
    for preset, (seconds, distance) in PRESETS.items():
        reports = [_run(subject, preset, options) for _ in range(options.whole_runs)]
        what = f"preset {preset}, whole run on {subject.name}"
        made += [
            Row(f"{what}, process start to end", _each(reports, "wall"), "s", at_most=seconds),
            Row(f"{what}, style_distance", _each(reports, "style_distance"), at_most=distance),
            Row(f"{what}, share of the steps' time in VGG and losses", _each(reports, "vgg_share")),
            Row(
                f"{what}, peak memory",
                [mb * 2**20 / 1e9 for mb in _each(reports, "peak_memory_mb")],
                "GB",
            ),
        ]
    return made


def _run(subject: Subject, preset: str, options: Options) -> dict[str, Any]:
    """The report of one run, and under 'wall' the seconds that its process took."""
    with tempfile.TemporaryDirectory() as folder:
        steps = 12 if options.shrink > 1 else 0
        subject.job(preset=preset, texture_size=options.side(TEXTURE), steps=steps).save(
            Path(folder)
        )
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "engine", "--previews", folder],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=LIMIT,
        )
        wall = time.perf_counter() - began
        report = json.loads((Path(folder) / "result" / "report.json").read_text(encoding="utf-8"))
    return {**report, "wall": wall}


def _each(reports: list[dict[str, Any]], name: str) -> list[float]:
    return [report[name] for report in reports]
