"""What the engine's programs say: JSON messages on stdout, one a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

Send = Callable[[dict[str, object]], None]


def messenger() -> Send:
    """A function that writes messages to stdout, which is theirs alone from now on."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(message: dict[str, object]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    return send


def error_message(what: str, why: str, cure: str) -> dict[str, object]:
    """The message about what ended the program."""
    return {"type": "ERROR", "what": what, "why": why, "cure": cure}
