"""`python -m engine [--compare] [--previews] JOB_FOLDER`: run a job, telling of it in JSON.

With --compare its variants are painted, onto one sheet. One message a line goes to stdout, logs go
to stderr. The line `cancel` on stdin ends the run, `finish` ends it with what is painted so far.
The exit code is 0 after DONE, 1 after ERROR, and 3 when cancelled.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from .messages import error_message, messenger

CANCELLED = 3
OPTIONS = {"--compare", "--previews"}


def main(arguments: list[str]) -> int:
    """Run the job in the folder that is the last argument; returns the exit code."""
    send = messenger()
    options, folders = set(arguments) & OPTIONS, [a for a in arguments if a not in OPTIONS]
    if len(folders) != 1:
        send(error_message("Engine", f"it got the arguments {arguments}", "Give it one job folder"))
        return 1
    send({"type": "STATUS", "text": "Loading torch"})
    try:
        # Only here, so that an engine Python without torch can say so.
        from .compare import compare  # noqa: PLC0415
        from .errors import JobError  # noqa: PLC0415
        from .run import Cancelled, Wishes, run  # noqa: PLC0415
    except (ImportError, OSError) as error:
        send(
            error_message(
                f"Engine Python {sys.executable!r}",
                f"torch, torchvision or numpy cannot be imported ({error})",
                "Install torch and torchvision for it, or name another Python in"
                " STYLE_TRANSFER_3D_PYTHON",
            )
        )
        return 1
    wishes = Wishes()
    words = {b"cancel": wishes.cancel, b"finish": wishes.finish}
    threading.Thread(target=_listen, args=(words,), daemon=True).start()
    work = compare if "--compare" in options else run
    try:
        work(Path(folders[0]), send, wishes, previews="--previews" in options)
    except JobError as error:
        send(error_message(error.what, error.why, error.cure))
        return 1
    except Cancelled:
        send({"type": "STATUS", "text": "Cancelled"})
        return CANCELLED
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
