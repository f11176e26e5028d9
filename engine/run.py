"""One job from its folder to its result, on the device that there is."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from .backbone import Backbone, Weights, find_weights
from .checkpoint import Checkpoint
from .critic import LAYERS
from .errors import JobError
from .job import Job
from .messages import Send
from .painting import Painting
from .picture import read_picture, write_heights, write_picture
from .preview import Preview
from .relief import Relief
from .report import measure
from .start import start, views_of_step
from .state import State
from .stylize import Progress, optimise, prepare
from .team import ALONE, Team

CPU_ALLOCATOR = "DefaultCPUAllocator"  # who says in torch that the memory is full


class Cancelled(Exception):
    """The run was asked to stop."""


@dataclass(frozen=True)
class Wishes:
    """What may be asked of a run from outside while it goes on.

    Attributes:
        cancel: stop before the next step, without a result.
        finish: be content with the steps done so far.
    """

    cancel: threading.Event = field(default_factory=threading.Event)
    finish: threading.Event = field(default_factory=threading.Event)

    def of_first(self, team: Team) -> tuple[bool, bool]:
        """Whether the first process is asked to cancel, and whether to finish."""
        cancel, finish = team.first(bytes((self.cancel.is_set(), self.finish.is_set())))
        return bool(cancel), bool(finish)


def run(
    folder: Path,
    send: Send,
    wishes: Wishes,
    *,
    previews: bool = False,
    views: int = 1,
    team: Team = ALONE,
) -> None:
    """Do the job in `folder` and write `result/texture.png` and `result/report.json` there.

    With `result/relief.png`, if the settings ask for a relief. Until then `result/checkpoint.pt`
    keeps how far it is; a run that finds it there goes on from it.

    Args:
        folder: of `Job.save`.
        send: takes messages; their kinds are those of the design.
        wishes: set from outside.
        previews: whether PROGRESS messages name a preview file now and then.
        views: that each step of a new run sees, at least; there is one for each process.
        team: shares the steps; its first process alone bakes, measures and writes, and the
            wishes are those that it is told of.

    Raises:
        JobError: if the job cannot be done.
        Cancelled: if that was wished.
    """
    job = Job.load(folder)
    pictures = [read_picture(style.file) for style in job.styles]
    device = team.device(choose_device(job.settings.device))
    weights = find_weights(job.settings.backbone, job.settings.weights_file)
    result = folder / "result"
    with writing_to(result):
        result.mkdir(exist_ok=True)
    send({"type": "STATUS", "text": f"Preparing views ({weights.name} on {device})"})
    began = time.perf_counter()
    with enough_memory(device):
        backbone = Backbone(weights, LAYERS).to(device)
        swift = backbone.swift()
        painting = prepare(job, pictures, device)
        preview = Preview(painting, job.texture_shapes, result) if previews else None
        state = State(job.settings, painting, swift, views_of_step(job, views, team))
        checkpoint = Checkpoint(result, job, weights.name, send)
        start(state, checkpoint, team, send)
        began -= state.seconds
        for progress in optimise(job, painting, swift, state, team):
            if team.rank == 0:
                checkpoint.due(state)
            with writing_to(result):
                shown = preview.due(progress.share) if preview else ()
            send(progress_message(progress, shown))
            cancel, finish = wishes.of_first(team)
            if cancel:
                if team.rank == 0:
                    checkpoint.write(state)
                raise Cancelled
            if finish:
                state.settle()
                break
        team.part()
        if team.rank:
            return
        textures = []
        for number, shape in enumerate(job.texture_shapes):
            tell = _teller("Baking the texture", send, wishes)
            textures.append(painting.bake(shape, number, tell))
            stop_if(wishes.cancel)
        relief = _Baked.of(painting, job, send, wishes)
        stop_if(wishes.cancel)
        tell = _teller("Measuring the result", send, wishes)
        strokes = job.settings.strokes(painting.original.surface.extent)
        measures = measure(painting, textures, backbone, strokes, job.views, tell)
        stop_if(wishes.cancel)
    report = {**measures, **_costs(state, time.perf_counter() - began, weights, device)}
    with writing_to(result):
        painted = _write_all(write_picture, textures, result, "texture")
        relief_told = relief.write(result) if relief else {}
        _write_text(result / "report.json", json.dumps(report, indent=1))
    checkpoint.remove()
    told = {"textures": painted, "report": str(result / "report.json"), **relief_told}
    send({"type": "DONE", **told})


@dataclass(frozen=True)
class _Baked:
    """A relief as textures, how one is written, and how high it is in world units."""

    images: list[Tensor]
    writer: Callable[[Tensor, Path], None]
    height: float

    @classmethod
    def of(cls, painting: Painting, job: Job, send: Send, wishes: Wishes) -> _Baked | None:
        """What the settings ask for, if anything."""
        if job.settings.relief == "NONE":
            return None
        tell = _teller("Baking the relief", send, wishes)
        tell(0)
        relief = Relief.of(painting)
        bump = job.settings.relief == "BUMP"
        bake = relief.bake_heights if bump else relief.bake_normals
        images = [bake(shape, tell, number) for number, shape in enumerate(job.texture_shapes)]
        return cls(images, write_heights if bump else write_picture, relief.height)

    def write(self, folder: Path) -> dict[str, object]:
        """Write it, and give what the message DONE tells of it."""
        files = _write_all(self.writer, self.images, folder, "relief")
        return {"reliefs": files, "relief_height": self.height}


def _write_all(
    writer: Callable[[Tensor, Path], None], images: Sequence[Tensor], folder: Path, name: str
) -> list[str]:
    """Write `name`.png, `name`_1.png and so on, and give their paths."""
    files = [folder / f"{name}{f'_{n}' if n else ''}.png" for n in range(len(images))]
    for image, file in zip(images, files, strict=True):
        writer(image, file)
    return [str(file) for file in files]


def _teller(what: str, send: Send, wishes: Wishes) -> Callable[[float], None]:
    """What takes the share of `what` that is done: it tells that, or ends the run if wished."""

    def tell(share: float) -> None:
        stop_if(wishes.cancel)
        send({"type": "STATUS", "text": f"{what}: {share:.0%}"})

    return tell


def choose_device(name: str) -> torch.device:
    """The device called 'AUTO', 'CPU', 'CUDA' (also AMD's ROCm) or 'MPS'.

    AUTO leaves MPS out: it lacks float64, which lattices and rasterizer count on.

    Raises:
        JobError: if it is not there.
    """
    there = {
        "AUTO": True,
        "CPU": True,
        "CUDA": torch.cuda.is_available(),
        "MPS": torch.backends.mps.is_available(),
    }
    if not there[name]:
        raise JobError(
            f"Device {name}",
            "torch does not find it on this machine",
            "Choose device AUTO or CPU, or install a torch that is made for it",
        )
    if name == "AUTO":
        name = "CUDA" if there["CUDA"] else "CPU"
    return torch.device(name.lower())


def stop_if(wish: threading.Event) -> None:
    """Raise Cancelled if `wish` is set."""
    if wish.is_set():
        raise Cancelled


def progress_message(progress: Progress, previews: Sequence[Path]) -> dict[str, object]:
    """The message about a step, and the previews that came with it."""
    return {
        "type": "PROGRESS",
        "step": progress.step,
        "steps": progress.steps,
        "share": round(progress.share, 4),
        "losses": progress.losses,
        "seconds": round(progress.seconds, 3),
        "previews": [str(file) for file in previews],
    }


def _costs(
    state: State, seconds: float, weights: Weights, device: torch.device
) -> dict[str, object]:
    """What the run took, with what it went on from, and what it ran on."""
    return {
        "seconds": round(seconds, 3),
        "seconds_per_step": round(state.seconds / state.done, 4) if state.done else 0.0,
        "vgg_share": round(state.vgg_seconds / state.seconds, 4) if state.done else 0.0,
        "peak_memory_mb": round(_peak_memory(device) / 2**20, 1),
        "steps": state.done,
        "views_per_step": state.views,
        "backbone": weights.name,
        "device": str(device),
    }


def _peak_memory(device: torch.device) -> int:
    """Bytes: of the device where torch counts them, else of this process; 0 if nobody does."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _write_text(file: Path, text: str) -> None:
    part = file.with_name(file.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Tell as a JobError what goes wrong when `folder` is written to."""
    try:
        yield
    except OSError as error:
        raise JobError(
            f"Result folder {str(folder)!r}",
            f"it cannot be written to ({error.strerror or error})",
            "Free some space there, or choose a folder that you may write to",
        ) from error


@contextmanager
def enough_memory(device: torch.device) -> Iterator[None]:
    """Tell as a JobError that the memory of `device` is full."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _is_full(error):
            raise
        said = str(error).splitlines() or ["no room for Python"]
        larger = "" if device.type == "cpu" else ", or device CPU"
        raise JobError(
            f"Device {device}",
            f"its memory is full ({said[0]})",
            f"Choose a faster preset or a smaller texture{larger}, or close other programs",
        ) from error


def _is_full(error: RuntimeError | MemoryError) -> bool:
    """Whether there was too little memory; torch has a name for that on GPUs only."""
    named = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return named or CPU_ALLOCATOR in str(error)
