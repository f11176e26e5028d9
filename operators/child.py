"""A long piece of work in child processes, a step at a time: never waiting, ended at any time.

Such work is a generator of Step. Asked for the next one ten times a second, it leaves Blender to
the artist meanwhile; closed, it kills what it has started. No bpy in here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TextIO

_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_LIMIT = 2.0  # seconds for a process that was killed to be gone


@dataclass(frozen=True)
class Step:
    """What is being done now, and how much of that: `share` 0 to 1."""

    text: str
    share: float = 0.0


Steps = Generator[Step, None, str]  # returns what to tell the artist at the end


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code and all its lines."""

    code: int
    lines: list[str]


def run(
    command: Sequence[str],
    step: Step,
    *,
    environment: Mapping[str, str],
    log: TextIO,
    folder: Path | None = None,
    read: Callable[[str, Step], Step] = lambda _line, step: step,
) -> Generator[Step, None, Ended]:
    """Run a process to its end; closed before that, it is killed with all its children.

    Args:
        command: the program and its arguments.
        step: what is told until `read` tells something else.
        environment: the process's own.
        log: where its lines are kept, standard error's among them.
        folder: where it works.
        read: what is told after a line, given the step before.

    Raises:
        OSError: if it cannot be started.
    """
    child = _Child(command, environment, folder)
    lines: list[str] = []
    try:
        while True:
            over = child.ended()
            for line in child.lines():
                log.write(line + "\n")
                lines.append(line)
                step = read(line, step)
            log.flush()
            if over is not None:
                return Ended(over, lines)
            yield step
    finally:
        child.kill()


class _Child:
    """A process in a group of its own, with a thread that reads its lines."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None
    ) -> None:
        self._process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            creationflags=_NO_WINDOW,
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))

    def lines(self) -> list[str]:
        """Those that came since the last call."""
        found = []
        with suppress(Empty):
            while True:
                found.append(self._lines.get_nowait())
        return found

    def ended(self) -> int | None:
        """The exit code, once it has ended and all its lines are there."""
        return None if self._thread.is_alive() else self._process.poll()

    def kill(self) -> None:
        """End it and its children at once, without asking."""
        if self._process.poll() is None:
            if sys.platform == "win32":
                command = ["taskkill", "/F", "/T", "/PID", str(self._process.pid)]
                subprocess.run(command, check=False, capture_output=True, creationflags=_NO_WINDOW)
            else:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LIMIT)
