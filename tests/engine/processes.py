"""Processes of tests, none of which outlives its test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FEW_VIEWS = "tests.engine.few_views"  # the engine in another module


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


class Outcome(NamedTuple):
    """What a process said and left."""

    code: int
    messages: list[dict]
    errors: str
    folder: Path


def command(*arguments: object, module: str = "engine") -> list[str]:
    return [sys.executable, "-m", module, *map(str, arguments)]


def run(
    *arguments: object, timeout: float = 120, module: str = "engine", **environment: str
) -> Outcome:
    """Run the engine to its end; every line that it prints must be a message."""
    done = subprocess.run(
        command(*arguments, module=module),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return Outcome(done.returncode, messages, done.stderr, Path(str(("", *arguments)[-1])))


def error_of(outcome: Outcome) -> dict:
    """The one error that an unsuccessful run tells, in three parts of one line each."""
    assert outcome.code == 1, outcome.errors
    assert [m["type"] for m in outcome.messages].count("ERROR") == 1
    error = outcome.messages[-1]
    assert set(error) == {"type", "what", "why", "cure"}
    assert all(len(error[part].splitlines()) == 1 for part in ("what", "why", "cure"))
    assert "Traceback" not in outcome.errors
    return error


def steps_of(messages: list[dict]) -> list[int]:
    return [m["step"] for m in messages if m["type"] == "PROGRESS"]
