"""Engines in processes of their own, and what they tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .children import ROOT

LIMIT = 120.0  # seconds that an engine has to end in


@contextmanager
def engine(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[Iterator[dict[str, Any]]]:
    """The messages of this Python with `arguments`, which make it an engine; cancelled afterwards.

    Args:
        arguments: of the Python.
        environment: what the engine's has that this one's has not.
    """
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        yield map(json.loads, process.stdout)
        process.stdin.write("cancel\n")
        process.stdin.flush()
        process.stdout.read()
        process.wait(LIMIT)
