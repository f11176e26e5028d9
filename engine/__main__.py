"""`python -m engine [OPTIONS] JOB_FOLDER`: run a job, telling of it in JSON.

One message a line goes to stdout, logs go to stderr. The line `cancel` on stdin ends the run,
`finish` ends it with what is painted so far. The exit code is 0 after DONE, 1 after ERROR, and 3
when cancelled.

    --compare             paint the job's variants, onto one sheet
    --previews            show now and then what is painted so far
    --views-per-step=N    let each step see so many views
    --help                print this

Started by torchrun, several processes share the views of each step; the first of them tells.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from .errors import JobError
from .messages import Send, error_message, messenger, only_errors
from .oldest import PYTHON, TORCH, check
from .team import ALONE, rank_and_size

CANCELLED = 3
COMPARE, PREVIEWS, VIEWS, HELP = "--compare", "--previews", "--views-per-step=", "--help"


@dataclass(frozen=True)
class _Order:
    """What the command line asks for.

    Attributes:
        folder: of the job.
        compare: whether to paint the job's variants.
        previews: whether to show what is painted so far.
        views: that each step sees, at least.
    """

    folder: Path
    compare: bool
    previews: bool
    views: int

    @classmethod
    def of(cls, arguments: list[str]) -> _Order:
        """What `arguments` say; raises JobError if they are others than those above."""
        views = [a.removeprefix(VIEWS) for a in arguments if a.startswith(VIEWS)]
        folders = [a for a in arguments if a not in (COMPARE, PREVIEWS) and not a.startswith(VIEWS)]
        if len(folders) != 1:
            raise JobError("Engine", f"it got the arguments {arguments}", "Give it one job folder")
        if not all(count.isdecimal() and int(count) for count in views):
            raise JobError(f"Option {VIEWS}", f"it got {views}", "Give it a whole number from 1 on")
        previews = PREVIEWS in arguments
        return cls(Path(folders[0]), COMPARE in arguments, previews, int([*views, "1"][0]))


def main(arguments: list[str]) -> int:
    """Run the job in the folder that is the last argument; returns the exit code."""
    if HELP in arguments:
        print(__doc__)
        return 0
    rank, size = rank_and_size()
    if rank == 0 and size > 1 and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # for a thread of Workers
    send = only_errors(rank) if rank else messenger()
    try:
        return _work(_Order.of(arguments), rank, size, send)
    except JobError as error:
        send(error_message(error))
        return 1


def _work(order: _Order, rank: int, size: int, send: Send) -> int:
    """Do what is asked for, as the process of that rank among so many; returns the exit code."""
    if order.compare and size > 1:
        raise JobError(
            f"Option {COMPARE}", f"it got {size} processes and works in one", "Leave torchrun out"
        )
    check("Python", platform.python_version(), PYTHON)
    send({"type": "STATUS", "text": "Loading torch"})
    try:
        # Only here, so that an engine Python without torch, or an old one, can say so.
        import torch  # noqa: PLC0415

        check("PyTorch", torch.__version__, TORCH)
        from .compare import compare  # noqa: PLC0415
        from .run import Cancelled, Wishes, run  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise JobError(
            f"Engine Python {sys.executable!r}",
            f"torch, numpy or Pillow cannot be imported ({error})",
            "Install torch, numpy and pillow for it, or name another Python in"
            " STYLE_TRANSFER_3D_PYTHON",
        ) from error
    wishes, team = Wishes(), ALONE
    if rank == 0:
        words = {b"cancel": wishes.cancel, b"finish": wishes.finish}
        threading.Thread(target=_listen, args=(words,), daemon=True).start()
    if size > 1:
        from .workers import Workers  # noqa: PLC0415 - no part of what one process does

        team = Workers(rank, size, send)
    previews = order.previews and rank == 0
    try:
        if order.compare:
            compare(order.folder, send, wishes, previews=previews)
        else:
            run(order.folder, send, wishes, previews=previews, views=order.views, team=team)
    except JobError as error:
        team.leave(error)
        raise
    except Cancelled:
        send({"type": "STATUS", "text": "Cancelled"})
        return 0 if rank else CANCELLED
    return 0


def _listen(words: dict[bytes, threading.Event]) -> None:
    """Set the event of each line on stdin; its end alone is no reason to stop (a farm closes it).

    Reads without Python's buffers, whose lock would hold up the process's exit.
    """
    text = b""
    while chunk := os.read(0, 1024):
        *lines, text = (text + chunk).split(b"\n")
        for line in lines:
            if line in words:
                words[line].set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
