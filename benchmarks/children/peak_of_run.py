"""`… JOB_FOLDER VIEW STEPS`: run a job on views of so many pixels, in so many steps."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import patch

from engine.job import Job
from engine.run import Wishes, run
from engine.settings import PRESETS, Preset

from . import peak


def main(folder: Path, view: int, steps: int) -> None:
    """Tell the peak memory, and what the run warned of."""
    warnings: list[str] = []

    def send(message: dict[str, object]) -> None:
        if message["type"] == "WARN":
            warnings.append(str(message["text"]))

    job = Job.load(folder)
    preset = Preset(scales=(view,), steps=(steps,), close_ups=0, views=steps)
    with patch.dict(PRESETS, {job.settings.preset: preset}):
        run(folder, send, Wishes())
    print(json.dumps({"bytes": peak(), "said": "; ".join(warnings)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
