"""`… JOB_FOLDER VIEW STEPS`: run a job, which names its backbone, on views of so many pixels."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import patch

import torch

from engine.job import Job
from engine.needed_memory import Sizes, needed
from engine.picture import read_picture
from engine.run import Wishes, run
from engine.settings import PRESETS, Preset
from engine.side_by_side import at_once

from . import peak, resident


def main(folder: Path, view: int, steps: int) -> None:
    """Tell the peak memory, what of it the run took, what was foretold of that, and warnings."""
    warnings: list[str] = []

    def send(message: dict[str, object]) -> None:
        if message["type"] == "WARN":
            warnings.append(str(message["text"]))

    job = Job.load(folder)
    pictures = [read_picture(style.file) for style in job.styles]
    preset = Preset(scales=(view,), steps=(steps,), close_ups=0, nearer=0, settling=0, views=steps)
    with patch.dict(PRESETS, {job.settings.preset: preset}):
        parts = at_once(torch.device("cpu"))
        sizes = Sizes.of(job, pictures, job.settings.backbone, 0, at_once=parts)
        foretold = needed(sizes)
        before = resident()
        del job, pictures  # the run reads its own
        run(folder, send, Wishes())
    told = {"bytes": peak(), "needed": peak() - before, "foretold": foretold}
    print(json.dumps({**told, "said": "; ".join(warnings)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
