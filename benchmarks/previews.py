"""What the previews of a run cost."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from engine.preview import Preview
from engine.stylize import optimise

from .subject import Options, Subject, network
from .table import Row

STEPS = 60  # of DRAFT's 135: in a longer run the share is smaller


def rows(subject: Subject, options: Options) -> list[Row]:
    """Their share of short runs, from the first step to the last."""
    backbone = network()
    found = []
    for _ in range(options.repeats):
        job = subject.job(preset="DRAFT", steps=STEPS)
        painting = subject.painting(preset="DRAFT", steps=STEPS)
        with tempfile.TemporaryDirectory() as folder:
            began, previews = time.perf_counter(), 0.0
            preview = Preview(painting, job.texture_shapes, Path(folder))
            previews += time.perf_counter() - began
            for progress in optimise(job, painting, backbone):
                before = time.perf_counter()
                preview.due(progress.share)
                previews += time.perf_counter() - before
            found.append(previews / (time.perf_counter() - began))
    return [Row(f"previews' share of a run of {STEPS} steps, DRAFT", found, at_most=0.05)]
