"""What the engine's programs say: JSON messages on stdout, one a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from threading import Lock

from .errors import JobError

Send = Callable[[dict[str, object]], None]


def messenger() -> Send:
    """A function that writes messages to stdout, which is theirs alone from now on.

    Any thread may call it. After an ERROR or DONE it writes no more.
    """
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lock, ended = Lock(), False

    def send(message: dict[str, object]) -> None:
        nonlocal ended
        with lock:
            if ended:
                return
            ended = message["type"] in ("ERROR", "DONE")
            out.write(json.dumps(message) + "\n")
            out.flush()

    return send


def only_errors(rank: int) -> Send:
    """A function for the process of that rank: errors go to stderr, all else to nobody."""

    def send(message: dict[str, object]) -> None:
        if message["type"] == "ERROR":
            text = "{what}: {why}. {cure}".format_map(message)
            print(f"Process {rank}: {text}", file=sys.stderr, flush=True)

    return send


def error_message(error: JobError) -> dict[str, object]:
    """The message about what ended the program."""
    return {"type": "ERROR", "what": error.what, "why": error.why, "cure": error.cure}
