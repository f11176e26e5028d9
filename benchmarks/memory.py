"""Peak memory of whole runs that paint large textures."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .children import run_child
from .subject import Options, Subject
from .table import Row

VIEW = 512
TEXTURES = ((4096, 4.0), (8192, 6.0))
STEPS = 24  # as many as views, so that all that is kept of a view is there


def rows(subject: Subject, options: Options) -> list[Row]:
    """From the first step to the report."""
    made = []
    for texture, target in TEXTURES:
        with tempfile.TemporaryDirectory() as folder:
            subject.job(texture_size=options.side(texture)).save(Path(folder))
            told = run_child("peak_of_run", folder, options.side(VIEW), STEPS)
        what = f"peak memory, {texture}² texture, {VIEW}² views"
        made.append(Row(what, [told["bytes"] / 1e9], "GB", at_most=target, note=told["said"]))
    return made
