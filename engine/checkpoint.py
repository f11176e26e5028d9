"""The state of a run in a file, so that another run of the same job goes on from there."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import asdict, fields
from itertools import cycle
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from .contents import UNLOADABLE, check_packed
from .errors import JobError
from .job import Job
from .mesh import Mesh
from .messages import Send
from .settings import is_number
from .state import State
from .whole import part_of, whole

VERSION = 11  # of what is kept and of what the steps do; older files are of no use to a newer run
GAP = 30.0  # seconds between two checkpoints, at least
SHARE = 0.02  # of the run's time that checkpoints may take
ELSEWHERE = ("device", "weights_file")  # settings that may change from machine to machine
LARGE = 1e12  # beyond what is counted or measured of a run


class Checkpoint:
    """`checkpoint.pt` in the folder of a job's result.

    Args:
        folder: where the file is, or will be.
        job: whose run it is.
        network: name of the backbone.
        send: takes messages.

    Attributes:
        job: `digest_of` the job.
    """

    def __init__(self, folder: Path, job: Job, network: str, send: Send) -> None:
        self._file = folder / "checkpoint.pt"
        self.job = digest_of(job, network)
        self._send = send
        self._next = time.perf_counter() + GAP
        self._failed = False

    def notch(self) -> int:
        """That of the state in the file, which smaller views may have painted; 0 without one."""
        try:
            kept = _read(self._file)
            return max(0, int(kept["notch"])) if kept["job"] == self.job else 0
        except UNLOADABLE:
            return 0

    def resume(self, state: State) -> None:
        """Put `state` where the file says; what is not this job's is ignored with a WARN."""
        if not self._file.exists():
            return
        try:
            kept = _read(self._file)
        except UNLOADABLE as error:
            self._warn(f"it is ignored, for it cannot be read ({type(error).__name__})")
            return
        if kept.get("job") != self.job:
            self._warn("it is ignored, for another job left it")
            return
        if not _is_like(kept, {"job": self.job, **state.kept()}):
            self._warn("it is ignored, for it holds something else than the state of a run")
            return
        try:
            state.restore(kept)
        except UNLOADABLE as error:
            raise JobError(
                f"Checkpoint {str(self._file)!r}",
                f"it holds no state that a run can go on from ({error})",
                "Delete it and run the job again",
            ) from error
        self._send({"type": "STATUS", "text": f"Going on after step {state.done}"})

    def due(self, state: State) -> None:
        """Write `state`, unless it is too early."""
        began = time.perf_counter()
        if began >= self._next:
            self._next = began + GAP
            self.write(state)
            self._next = max(self._next, began + (time.perf_counter() - began) / SHARE)

    def write(self, state: State) -> None:
        """Write `state`; if that fails, WARN the first time: a run can do without."""
        try:
            with whole(self._file) as part, part.open("wb") as stream:
                torch.save({"job": self.job, **state.kept()}, stream)
        except (OSError, RuntimeError) as error:
            with suppress(OSError):
                part_of(self._file).unlink()
            if not self._failed:
                self._warn(f"it cannot be written ({error})")
            self._failed = True

    def remove(self) -> None:
        """Delete the file, whose run has its result; if it stays, that does no harm."""
        for file in (self._file, part_of(self._file)):
            with suppress(OSError):
                file.unlink()

    def _warn(self, what: str) -> None:
        text = " ".join(f"Checkpoint {str(self._file)!r}: {what}".splitlines())
        self._send({"type": "WARN", "text": text})


def digest_of(job: Job, network: str) -> str:
    """A hash, in hexadecimal, of all that decides what a run of `job` paints with `network`."""
    settings = {k: v for k, v in asdict(job.settings).items() if k not in ELSEWHERE}
    told = (
        VERSION, network, settings, job.texture_shapes,
        [(style.sha256, style.weight) for style in job.styles],
        [view.aspect for view in job.views],
    )  # fmt: skip
    arrays = [
        *(getattr(job.mesh, field.name) for field in fields(Mesh)),
        *(matrix for view in job.views for matrix in (view.world_to_camera, view.projection)),
        *(style.region for style in job.styles),
        job.protected,
        *job.originals,
    ]
    digest = hashlib.sha256(repr(told).encode())
    for array in arrays:
        digest.update(b"none" if array is None else f"{array.dtype}{array.shape}".encode())
        digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()


def _is_like(kept: Any, like: Any) -> bool:
    """Whether what was read is of the kind of `like`: keys, types, and shapes but for the first
    dimension and the lengths of lists, which grow during a run."""
    match like:
        case dict():
            return (
                isinstance(kept, dict)
                and kept.keys() == like.keys()
                and all(_is_like(kept[key], like[key]) for key in like)
            )
        case list():
            return isinstance(kept, list) and (
                not like or all(_is_like(one, other) for one, other in zip(kept, cycle(like)))
            )
        case torch.Tensor():
            return (
                isinstance(kept, torch.Tensor)
                and (kept.dtype, kept.layout) == (like.dtype, like.layout)
                and kept.shape[1:] == like.shape[1:]
                and kept.ndim == like.ndim
            )
        case int() | float():
            return is_number(kept) and 0 <= kept < LARGE
    return type(kept) is type(like)


def _read(file: Path) -> dict[str, Any]:
    """What `Checkpoint.write` wrote; raises one of UNLOADABLE if it is not whole.

    torch does not look at the checksums in its files, so that a flipped bit would be painted.
    """
    check_packed(file)
    with ZipFile(file) as archive:
        if archive.testzip() is not None:
            raise BadZipFile
    kept = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(kept, dict):
        raise TypeError
    return kept
