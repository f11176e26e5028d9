"""The engine's process: started, listened to, cancelled. No bpy in here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ..engine.job import JobError

ROOT = Path(__file__).parent.parent  # the folder that holds engine/
PYTHON_VARIABLE = "STYLE_TRANSFER_3D_PYTHON"
GRACE = 2.0  # seconds to end in by itself, before each firmer word
_ANOTHER_PYTHON = f"set {PYTHON_VARIABLE} to a Python that has torch"


@dataclass(frozen=True)
class Status:
    """What the engine does now."""

    text: str


@dataclass(frozen=True)
class Progress:
    """One step is done: its number of how many, its losses, and seconds since the start."""

    step: int
    steps: int
    losses: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Warn:
    """Something that the artist should know and that does not stop the run."""

    text: str


@dataclass(frozen=True)
class Done:
    """The files that the run made."""

    texture: Path
    report: Path


Message = Status | Progress | Warn | Done


class Engine:
    """The engine at work on one job; as a context manager it leaves no process behind.

    Args:
        folder: the job, as `Job.save` wrote it.
        root: the folder that holds the package `engine`.

    Raises:
        JobError: if the engine's Python cannot be started.
    """

    def __init__(self, folder: Path, *, root: Path = ROOT) -> None:
        self.python = find_python()
        # What it logs goes to a file: a pipe that nobody empties would stop the engine.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        try:
            self._process = subprocess.Popen(
                [self.python, "-s", "-m", "engine", str(folder.absolute())],
                cwd=root,
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                encoding="utf-8",
                errors="replace",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self._log.close()
            raise JobError(
                f"Engine Python {self.python!r}",
                f"it cannot be started ({error.strerror})",
                f"Install it again or {_ANOTHER_PYTHON}",
            ) from error

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def messages(self) -> Iterator[Message]:
        """Yield what the engine says, as it says it; the last message is `Done`.

        Raises:
            JobError: the engine's own, or one about how it ended.
            KeyboardInterrupt: if Ctrl-C reached the engine instead of this process.
        """
        assert self._process.stdout
        for line in self._process.stdout:
            if not line.endswith("\n"):  # died while it was writing
                break
            message = parse(line)
            if isinstance(message, Done):
                if not (message.texture.is_file() and message.report.is_file()):
                    raise JobError("Engine", "it left no result", "Run it again")
                yield message
                return
            yield message
        raise self._end(self._process.wait())

    def stop(self) -> None:
        """End the process, politely at first. Once is enough, twice does no harm."""
        process = self._process
        try:
            for ask in (self._ask_to_cancel, process.terminate, process.kill):
                ask()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
                    break
        finally:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()
            self._log.close()

    def _ask_to_cancel(self) -> None:
        assert self._process.stdin
        with _no_broken_pipe(), suppress(ValueError), self._process.stdin as stdin:
            stdin.write("cancel\n")  # ValueError: asked before

    def _end(self, code: int) -> BaseException:
        """What to raise about an engine that ended with `code` and without a result."""
        self._log.seek(0)
        log = self._log.read().decode("utf-8", errors="replace").strip()
        words = log.splitlines()[-1].strip() if log else ""
        if code in (-signal.SIGINT, 128 + signal.SIGINT):
            return KeyboardInterrupt()
        if words.startswith(("ModuleNotFoundError", "ImportError")) or (
            words.startswith("OSError") and "import torch" in log  # a library that is missing
        ):
            return JobError(
                f"Engine Python {self.python!r}",
                f"it cannot import what the engine needs ({words})",
                f"Install torch and torchvision for it, or {_ANOTHER_PYTHON}",
            )
        return JobError(
            "Engine",
            f"it ended half-way ({_how(code)})" + (f", its last words: {words}" if words else ""),
            "Run it again; if it was out of memory, choose a smaller preset or texture size",
        )


@contextmanager
def _no_broken_pipe() -> Iterator[None]:
    """Write to a process that may be gone.

    Python ignores SIGPIPE where it is the program, but not inside Blender, which it would end.
    """
    blocked = {signal.SIGPIPE} if sys.platform != "win32" else set()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked) if blocked else set()
    try:
        with suppress(OSError):
            yield
    finally:
        if blocked:
            if signal.SIGPIPE in signal.sigpending():
                signal.sigwait(blocked)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def find_python() -> str:
    """The Python that runs the engine: the one that the environment names, else Blender's own.

    Raises:
        JobError: if the one that is named is not there or cannot be executed.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if not named:
        return sys.executable
    found = shutil.which(named)
    if not found:
        why = "it is not executable" if Path(named).exists() else "there is no such file"
        raise JobError(
            f"Engine Python {named!r}", why, f"Correct {PYTHON_VARIABLE}, or unset it for Blender's"
        )
    return str(Path(found).absolute())


def clean_environment() -> dict[str, str]:
    """This process's environment without what would make another Python behave like this one."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("PYTHON")}
    return {
        "OMP_WAIT_POLICY": "PASSIVE",  # idle threads leave the processor to Blender
        **kept,
        "PYTHONDONTWRITEBYTECODE": "1",  # nothing is written beside the engine
    }


def parse(line: str) -> Message:
    """Read one line of the engine's.

    Raises:
        JobError: the one that the line tells of, or that the line is no message.
    """
    try:
        return _read(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise JobError(
            "Engine",
            f"it said {line.strip()[:120]!r}, which is no message",
            "Install the extension again; if something else prints there, report it",
        ) from error


def _read(message: dict[str, Any]) -> Message:
    match message["type"]:
        case "STATUS":
            return Status(str(message["text"]))
        case "PROGRESS":
            losses = {str(name): float(value) for name, value in message["losses"].items()}
            step, steps = int(message["step"]), int(message["steps"])
            return Progress(step, steps, losses, float(message["seconds"]))
        case "WARN":
            return Warn(str(message["text"]))
        case "ERROR":
            raise JobError(*(str(message[part]) for part in ("what", "why", "cure")))
        case "DONE":
            return Done(Path(message["texture"]), Path(message["report"]))
        case other:
            raise ValueError(f"unknown type {other!r}")


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
