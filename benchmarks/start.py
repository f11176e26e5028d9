"""From a process's start to its first step."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .children import ROOT
from .engines import LIMIT, engine
from .subject import Options, Subject
from .table import Row
from .timing import times


def rows(subject: Subject, options: Options) -> list[Row]:
    """The engine as Blender starts it, and what of that is torch."""
    with tempfile.TemporaryDirectory() as folder:
        subject.job(preset="DRAFT").save(Path(folder))
        found = [first_step(Path(folder)) for _ in range(options.repeats + 1)][1:]
    what = "from process start to the first step"
    imports = {
        name: times(lambda name=name: _python(f"import {name}"), options.repeats)
        for name in ("torch", "engine.run")
    }
    return [
        Row(what, found, "s", at_most=8),
        Row(f"{what}: importing torch, of that", imports["torch"], "s"),
        Row(f"{what}: importing all, of that", imports["engine.run"], "s"),
    ]


def first_step(folder: Path) -> float:
    """Seconds until the engine tells that the first step of the job in `folder` is done."""
    began = time.perf_counter()
    with engine("-m", "engine", str(folder)) as messages:
        if not any(message["type"] == "PROGRESS" for message in messages):
            raise RuntimeError("the engine ended without a step")
        took = time.perf_counter() - began
    for left in (folder / "result").glob("checkpoint*"):
        left.unlink()
    return took


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=LIMIT)
