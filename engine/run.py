"""One job from its folder to its result, on the device that there is."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .backbone import Backbone, find_weights
from .checkpoint import Checkpoint
from .choose_notch import choose_notch, less
from .critic import LAYERS
from .errors import JobError
from .free_memory import enough_memory, give_back, is_full, peak_bytes
from .job import Job
from .messages import Send
from .painting import Painting
from .picture import read_picture, write_heights, write_picture
from .preview import Preview
from .relief import Relief
from .report import measure
from .schedule import notches, schedule
from .start import start, views_of_step
from .state import State
from .stylize import Progress, optimise, prepare
from .team import ALONE, Team
from .unjudged import tell_unjudged
from .whole import whole


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

    With `result/relief.png`, if the settings ask for a relief. The report comes last: without one
    the run is not done, though its textures may be there, which are written before they are
    measured. Until then `result/checkpoint.pt` keeps how far it is; a run that finds it there goes
    on from it.

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
    with enough_memory(device):
        checkpoint = Checkpoint(result, job, weights.name, send)
        notch = choose_notch(
            job,
            pictures,
            weights.name,
            device,
            checkpoint.notch(),
            team,
            send,
            places=len(team.places(views_of_step(job, views, team))),
        )
        backbone = Backbone(weights, LAYERS).to(device)
        steps = _Steps(
            job=job,
            pictures=pictures,
            backbone=backbone.swift(),
            checkpoint=checkpoint,
            result=result,
            previews=previews,
            views=views,
            team=team,
            send=send,
            wishes=wishes,
        )
        painting, began, costs = steps.do(device, notch)
        team.part()
        if team.rank:
            return
        give_back()
        textures = []
        for number, shape in enumerate(job.texture_shapes):
            tell = _teller("Baking the texture", send, wishes)
            textures.append(painting.bake(shape, number, tell))
            stop_if(wishes.cancel)
        relief = _Baked.of(painting, job, send, wishes)
        stop_if(wishes.cancel)
        with writing_to(result):
            painted = _write_all(write_picture, textures, result, "texture", send)
            relief_told = relief.write(result, send) if relief else {}
        tell = _teller("Measuring the result", send, wishes)
        strokes = job.settings.strokes(painting.original.surface.extent)
        measures = measure(painting, textures, backbone, strokes, job.views, tell)
        stop_if(wishes.cancel)
        give_back()
    report = {
        **measures,
        **costs,
        "seconds": round(time.perf_counter() - began, 3),
        "peak_memory_mb": round(peak_bytes(device) / 2**20, 1),
        "backbone": weights.name,
        "device": str(device),
    }
    with writing_to(result), whole(result / "report.json") as part:
        part.write_text(json.dumps(report, indent=1), encoding="utf-8")
    checkpoint.remove()
    told = {"textures": painted, "report": str(result / "report.json"), **relief_told}
    send({"type": "DONE", **told})


class _Painted(NamedTuple):
    """What the steps leave, and no more: what they needed besides is given back."""

    painting: Painting
    began: float  # seconds on the clock of time.perf_counter, as if nothing had come between
    costs: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class _Steps:
    """The part of a run that is done once more, with less, where the memory is full.

    Attributes:
        result: folder of what is written.
        views: that a step of a new run sees, at least.
    """

    job: Job
    pictures: Sequence[Tensor]
    backbone: Backbone
    checkpoint: Checkpoint
    result: Path
    previews: bool
    views: int
    team: Team
    send: Send
    wishes: Wishes

    def do(self, device: torch.device, notch: int) -> _Painted:
        """Do them from that notch on, each time from the checkpoint, if there is one by then.

        Several processes would have to go down together, while the others may wait for the one
        whose memory is full: they do not.
        """
        settings = self.job.settings
        while True:
            try:
                return self._attempt(device, notch)
            except (RuntimeError, MemoryError) as error:
                last = notch + 1 == len(notches(settings))
                if not is_full(error) or last or self.team.size > 1:
                    raise
            give_back()
            before, now = notches(settings)[notch : notch + 2]
            text = f"The memory of {device} is full, so the run goes on with {less(before, now)}"
            self.send({"type": "WARN", "text": text})
            notch += 1

    def _attempt(self, device: torch.device, notch: int) -> _Painted:
        began, job, team = time.perf_counter(), self.job, self.team
        painting = prepare(job, self.pictures, device, notch)
        watched = Preview(painting, job.texture_shapes, self.result) if self.previews else None
        views = views_of_step(job, self.views, team)
        state = State(job.settings, painting, self.backbone, views, notch)
        start(state, self.checkpoint, team, self.send)
        began -= state.seconds
        # One that goes on has told, or has not seen all views of the scale.
        first = 0 if state.done else schedule(job.settings, views, notch)[0].steps
        for progress in optimise(job, painting, self.backbone, state, team):
            with writing_to(self.result):
                self.result.stat()  # one that is gone is told of now, not at the end
            if team.rank == 0:
                self.checkpoint.due(state)
            shown = watched.due(progress.share) if watched else ()
            self.send(progress_message(progress, shown))
            if progress.step == first:
                tell_unjudged(job, state.critic, self.send)
            cancel, finish = self.wishes.of_first(team)
            if cancel:
                if team.rank == 0:
                    self.checkpoint.write(state)
                raise Cancelled
            if finish:
                state.settle()
                break
        return _Painted(painting, began, _costs(state))


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

    def write(self, folder: Path, send: Send) -> dict[str, object]:
        """Write it, and give what the message DONE tells of it."""
        files = _write_all(self.writer, self.images, folder, "relief", send)
        return {"reliefs": files, "relief_height": self.height}


def _write_all(
    writer: Callable[[Tensor, Path], None],
    images: Sequence[Tensor],
    folder: Path,
    name: str,
    send: Send,
) -> list[str]:
    """Write `name`.png, `name`_1.png and so on, telling of each, and give their paths."""
    files = [folder / f"{name}{f'_{n}' if n else ''}.png" for n in range(len(images))]
    for image, file in zip(images, files, strict=True):
        send({"type": "STATUS", "text": f"Writing {file.name}"})
        writer(image, file)
    return [str(file) for file in files]


def _teller(what: str, send: Send, wishes: Wishes) -> Callable[[float], None]:
    """What takes the share of `what` that is done: it tells that, or ends the run if wished."""

    def tell(share: float) -> None:
        stop_if(wishes.cancel)
        send({"type": "STATUS", "text": f"{what}: {share:.0%}"})

    return tell


def choose_device(name: str) -> torch.device:
    """The device called 'AUTO', 'CPU' or 'CUDA' (also AMD's ROCm).

    Apple's MPS is none of them: it lacks float64, which lattices and rasterizer count on.

    Raises:
        JobError: if it is not there.
    """
    has_gpu = torch.cuda.is_available()
    if name == "CUDA" and not has_gpu:
        raise JobError(
            f"Device {name}",
            "torch does not find it on this machine",
            "Choose device AUTO or CPU, or install a torch that is made for it",
        )
    if name == "AUTO":
        name = "CUDA" if has_gpu else "CPU"
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


def _costs(state: State) -> dict[str, object]:
    """What the steps took, with those that the run went on from."""
    return {
        "seconds_per_step": round(state.seconds / state.done, 4) if state.done else 0.0,
        "vgg_share": round(state.vgg_seconds / state.seconds, 4) if state.done else 0.0,
        "steps": state.done,
        "views_per_step": state.views,
    }


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
