"""What the engine says, one message a line. No bpy in here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine.errors import JobError


@dataclass(frozen=True)
class Status:
    """What the engine does now."""

    text: str


@dataclass(frozen=True)
class Progress:
    """One step is done.

    Attributes:
        step: its number, from 1.
        steps: how many there are.
        losses: by name.
        seconds: since the first step began.
        share: of all steps' work that is done, 0 to 1; the later steps are the longer ones.
        previews: files of a new preview, as `engine.preview` tells; none mostly.
    """

    step: int
    steps: int
    losses: dict[str, float]
    seconds: float
    share: float
    previews: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Warn:
    """Something that the artist should know and that does not stop the run."""

    text: str


@dataclass(frozen=True)
class Done:
    """What the run made.

    Attributes:
        textures: files, in the order of the job's.
        report: a file.
        reliefs: the files of the strokes' reliefs, one for each texture, if they were asked for.
        relief_height: from their lowest to their highest, world units.
    """

    textures: tuple[Path, ...]
    report: Path
    reliefs: tuple[Path, ...] = ()
    relief_height: float = 0.0

    @property
    def files(self) -> tuple[Path, ...]:
        """All that must be there."""
        return (*self.textures, self.report, *self.reliefs)


@dataclass(frozen=True)
class Compared:
    """The sheet that a comparison made."""

    sheet: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All that must be there."""
        return (self.sheet,)


Message = Status | Progress | Warn | Done | Compared


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
            previews = _files(message.get("previews", []))
            seconds, share = float(message["seconds"]), float(message["share"])
            return Progress(step, steps, losses, seconds, share, previews)
        case "WARN":
            return Warn(str(message["text"]))
        case "ERROR":
            raise JobError(*(str(message[part]) for part in ("what", "why", "cure")))
        case "DONE":
            if "sheet" in message:
                return Compared(Path(message["sheet"]))
            textures, reliefs = _files(message["textures"]), _files(message.get("reliefs", []))
            if not textures:
                raise ValueError("a result without textures")
            height = float(message.get("relief_height", 0.0))
            return Done(textures, Path(message["report"]), reliefs, height)
        case other:
            raise ValueError(f"unknown type {other!r}")


def _files(names: list[str]) -> tuple[Path, ...]:
    if not isinstance(names, list):
        raise TypeError(f"{names!r} is no list of files")
    return tuple(Path(name) for name in names)
