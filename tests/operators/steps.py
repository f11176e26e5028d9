"""Following the steps of a task, and the processes that it starts."""

import os
import time
from contextlib import suppress
from pathlib import Path


def follow(steps):
    """Go through all steps: what was told, and the last word."""
    told = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return [step.text for step in told], end.value
        time.sleep(0.02)


def until(steps, text):
    """Go on until it is at something."""
    while not (step := next(steps)).text.startswith(text):
        time.sleep(0.02)
    return step


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def processes(folder):
    """The command lines that name the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it is gone
            found.append(os.fsdecode(file.read_bytes()))
    return [line for line in found if str(folder) in line]
