"""The engine's process: started, listened to, cancelled. No bpy in here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType

from ..engine.errors import JobError
from .clean_environment import clean_environment
from .messages import Compared, Done, Message, parse
from .needs import NEEDS

ROOT = Path(__file__).parent.parent  # the folder that holds engine/
PYTHON_VARIABLE = "STYLE_TRANSFER_3D_PYTHON"
GRACE = 0.4  # seconds to end in by itself when asked, before it is told
FIRM_GRACE = 0.5  # and when told, before it is killed
SILENCE = 300.0  # the longest that a sound engine says nothing: loading torch from a slow disk
TICK = 0.1  # seconds between two looks at a process
LONGEST_LOOK = 10.0  # seconds between two looks at the engine that count as its silence, at most
NICENESS = 5
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_BELOW_NORMAL = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
_ANOTHER_PYTHON = f"set {PYTHON_VARIABLE} to a Python that has {NEEDS}"


class Engine:
    """The engine at work on one job; as a context manager it leaves no process behind.

    Args:
        folder: the job, as `Job.save` wrote it.
        python: the Python that runs it.
        options: of its command line, such as `--compare`.
        watched: whether somebody waits at the screen: it makes previews then, and gives way to
            whatever else wants the processor.
        root: the folder that holds the package `engine`.
        silence: seconds without a message after which it is taken to hang.

    Raises:
        JobError: if the engine's Python cannot be started, or nothing be written for a while.
    """

    def __init__(
        self,
        folder: Path,
        python: str,
        *,
        options: Sequence[str] = (),
        watched: bool = False,
        root: Path = ROOT,
        silence: float = SILENCE,
    ) -> None:
        self.python = python
        self._silence = silence
        # What it logs goes to a file: a pipe that nobody empties would stop the engine.
        try:
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        except OSError as error:
            raise JobError(
                "Temporary folder",
                f"nothing can be written to it ({error.strerror})",
                "Free some space there, or start Blender again",
            ) from error
        options = [*options, "--previews"] if watched else options
        try:
            self._process = subprocess.Popen(
                [self.python, "-s", "-X", "utf8", "-m", "engine", *options, str(folder.absolute())],
                cwd=root,
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                encoding="utf-8",
                errors="replace",
                creationflags=_NO_WINDOW | (_BELOW_NORMAL if watched else 0),
            )
        except OSError as error:
            self._log.close()
            raise JobError(
                f"Engine Python {self.python!r}",
                f"it cannot be started ({error.strerror})",
                f"Install it again or {_ANOTHER_PYTHON}",
            ) from error
        if watched and sys.platform != "win32":
            with suppress(OSError):  # it is gone already
                own = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, self._process.pid, own + NICENESS)
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._silent, self._looked = 0.0, time.monotonic()
        self._stopping: float | None = None
        self._done = False
        threading.Thread(target=self._listen, daemon=True).start()

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
        """Yield what the engine says, as it says it; the last message is `Done` or `Compared`.

        Raises:
            JobError: the engine's own, or one about how it ended or that it hangs.
            KeyboardInterrupt: if Ctrl-C reached the engine instead of this process.
        """
        while True:
            message = self._next(wait=True)
            if message:
                yield message
            if isinstance(message, Done | Compared):
                return

    def poll(self) -> Iterator[Message]:
        """Yield what the engine has said by now, without waiting for more.

        Raises:
            JobError, KeyboardInterrupt: as `messages`.
        """
        while message := self._next(wait=False):
            yield message

    def finish(self) -> None:
        """Ask it to be content with what is painted so far."""
        self._say("finish")

    def stop(self) -> None:
        """End the process, politely at first. Once is enough, twice does no harm."""
        try:
            while not self.ended():
                time.sleep(0.01)
        finally:
            self._process.kill()
            self._process.wait()
            self._log.close()
            assert self._process.stdin
            with _no_broken_pipe():
                self._process.stdin.close()

    def ended(self) -> bool:
        """Push the engine's end forward without waiting: whether its process is gone.

        It is asked at first, told after a while and killed a little later.
        """
        now = time.monotonic()
        if self._done:  # all that it still has to do is to go
            self._process.kill()
        elif self._stopping is None:
            self._stopping = now
            self._say("cancel")
        elif now - self._stopping > GRACE + FIRM_GRACE:
            self._process.kill()
        elif now - self._stopping > GRACE:
            self._process.terminate()
        return self._process.poll() is not None

    def _say(self, word: str) -> None:
        assert self._process.stdin
        with _no_broken_pipe():
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        """Runs in a thread of its own, for reading a pipe cannot be asked not to wait."""
        assert self._process.stdout
        with self._process.stdout as stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put("")

    def _next(self, *, wait: bool) -> Message | None:
        """The next message; None if there is none yet."""
        try:
            line = self._lines.get(timeout=TICK) if wait else self._lines.get_nowait()
        except Empty:
            self._check_silence()
            return None
        if not line.endswith("\n"):  # the end, perhaps while it was writing
            code = self._process.poll()
            if code is not None:
                raise self._end(code)
            self._lines.put(line)
            self._check_silence()
            time.sleep(TICK if wait else 0.0)
            return None
        self._silent = 0.0
        message = parse(line)
        if isinstance(message, Done | Compared):
            self._done = True
            if not all(file.is_file() for file in message.files):
                raise JobError("Engine", "it left no result", "Run it again")
        return message

    def _check_silence(self) -> None:
        now = time.monotonic()
        # On some systems that clock goes on while the machine sleeps, and the engine does not.
        self._silent += min(now - self._looked, LONGEST_LOOK)
        self._looked = now
        if self._silent > self._silence:
            raise JobError(
                "Engine",
                f"it has said nothing for {self._silence:g} seconds and seems to hang",
                "Run it again, with a smaller preset or texture size if it hangs once more",
            )

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
                f"Install {NEEDS} for it, or {_ANOTHER_PYTHON}",
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


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
