"""How much faster two processes of one thread paint than one of one thread.

    python -m benchmarks.scaling JOB_FOLDER

Prints views of SIDE pixels a second, one process beside two in turns. The job needs preset DRAFT
and 0 steps. Nothing of its results is changed, for a copy of the folder is painted.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from .engines import engine
from .timing import LEAST

PAINT = "--paint"  # what this module is started with to be one of the processes
SIDE = 128  # pixels of a view
VIEWS = 8
WARM = VIEWS  # steps that do not count: by then all views are planned
STEPS = 12  # steps that do
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


def scaling(folder: Path) -> dict[str, Any]:
    """Views a second of the job in `folder`.

    Returns:
        `one` and `two`, the samples in turns; `ratio`, the median of the pairs' ratios (2 is
        the best there can be); `load`, the machine's load averages before.
    """
    load = os.getloadavg()
    pairs = [(views_a_second(folder, 1), views_a_second(folder, 2)) for _ in range(LEAST)]
    ratio = statistics.median(two / one for one, two in pairs)
    one, two = zip(*pairs, strict=True)
    return {"one": one, "two": two, "ratio": ratio, "load": load}


def views_a_second(folder: Path, processes: int) -> float:
    """Of so many processes of one thread, each with a view a step, once views are planned."""
    launch = TORCHRUN if processes == 2 else ()
    with tempfile.TemporaryDirectory() as scrap:
        copy = Path(scrap) / "job"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("result"))
        with engine(
            *launch,
            "-m",
            "benchmarks.scaling",
            PAINT,
            str(copy),
            environment={"OMP_NUM_THREADS": "1"},
        ) as messages:
            steps = (message for message in messages if message["type"] == "PROGRESS")
            seconds = [step["seconds"] for step in itertools.islice(steps, WARM + STEPS)]
            if len(seconds) < WARM + STEPS:
                raise RuntimeError(f"the engine ended after {len(seconds)} steps")
    return processes * STEPS / (seconds[-1] - seconds[WARM - 1])


def paint(folder: str) -> int:
    """Be the engine, with views of SIDE pixels alone; returns its exit code."""
    from engine import __main__, settings  # noqa: PLC0415 - only processes that paint need it

    settings.PRESETS["DRAFT"] = settings.Preset(
        (SIDE,), (200,), close_ups=0, nearer=0, settling=0, views=VIEWS
    )
    return __main__.main([folder])


if __name__ == "__main__":
    if sys.argv[1] == PAINT:
        sys.exit(paint(sys.argv[2]))
    print(json.dumps(scaling(Path(sys.argv[1])), indent=1))
