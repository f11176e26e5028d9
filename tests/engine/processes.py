"""Processes of tests, none of which outlives its test."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(
    *command: object, errors: int = subprocess.PIPE, **environment: str
) -> Iterator[subprocess.Popen]:
    """A process that finds the engine, ended at the latest when the block is left.

    Args:
        command: the program and its arguments.
        errors: where its stderr goes, as of `subprocess.Popen`.
        environment: variables that it has besides those of this process.
    """
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
