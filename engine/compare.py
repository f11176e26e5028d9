"""The variants of a job, painted one after the other, on one sheet to choose from by eye."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from .backbone import Backbone, find_weights
from .critic import LAYERS
from .free_memory import enough_memory
from .job import Job
from .messages import Send
from .original import Original, headlight, normals
from .painting import Painting
from .picture import read_picture
from .run import Wishes, choose_device, progress_message, stop_if, writing_to
from .schedule import schedule
from .sheet import BACKGROUND, CELL, Cell, draw_sheet, thumbnail, write_sheet
from .state import State
from .stylize import Progress, optimise, prepare
from .surface import Shot, Surface, shoot
from .variants import Comparison
from .views import Camera, framed, orbit_cameras

TURN, RISE = math.radians(-35), 0.45  # three quarters from the front (-Y), from above
FORM = 0.5  # how much of the headlight's shading is seen over the paint


@dataclass(frozen=True)
class Stage:
    """What all cells show: one view of the mesh, with the shading (N,) that tells its form."""

    shot: Shot
    shade: Tensor

    @classmethod
    def of(cls, job: Job, surface: Surface) -> Stage:
        """The job's first camera, or three quarters from above where it has none."""
        camera = stage_camera(job, surface)
        shot = shoot(surface, camera)
        light = headlight(
            shot, normals(surface, shot.face, shot.bary), camera.position.to(shot.point)
        )
        return cls(shot, 1 - FORM + FORM * light)

    @torch.no_grad()
    def before(self, original: Original) -> Tensor:
        """The mesh as it was, (3, H, W)."""
        return self._image(original.albedo(self.shot.face, self.shot.bary, self.shot.footprint))

    @torch.no_grad()
    def painted(self, painting: Painting) -> Tensor:
        """The mesh as it is painted so far, (3, H, W)."""
        ground = painting.ground(self.shot.face, self.shot.bary, self.shot.footprint)
        paint = painting.field.evaluate(painting.points(self.shot))
        return self._image(painting.colors(ground, paint))

    def _image(self, colors: Tensor) -> Tensor:
        background = colors.new_tensor(BACKGROUND) / 255
        return self.shot.image(colors * self.shade[:, None], background)[0]


def stage_camera(job: Job, surface: Surface) -> Camera:
    """Where the cells are seen from, with a frame of at most CELL pixels a side."""
    if job.views:
        return framed(job.views[0], surface.used_vertices.cpu(), CELL)
    direction = torch.tensor([[math.sin(TURN), -math.cos(TURN), RISE]])
    direction = torch.nn.functional.normalize(direction, dim=-1)
    return orbit_cameras(surface.used_vertices.cpu(), direction, CELL)[0]


def compare(folder: Path, send: Send, wishes: Wishes, *, previews: bool = False) -> None:
    """Paint the variants in `folder` and write `result/sheet.png` there.

    Args:
        folder: of `Job.save` and `Comparison.save`.
        send: takes messages, as of `run`; a PROGRESS tells of all variants together.
        wishes: set from outside; `finish` leaves the variants out that are not begun.
        previews: whether PROGRESS messages name a file that shows the sheet so far.

    Raises:
        JobError: if one of the variants cannot be painted.
        Cancelled: if that was wished.
    """
    job, comparison = Job.load(folder), Comparison.load(folder)
    jobs = comparison.jobs(job)
    pictures = [thumbnail(read_picture(each.style.file)) for each in jobs]
    device = choose_device(job.settings.device)
    weights = find_weights(job.settings.backbone, job.settings.weights_file)
    result = folder / "result"
    with writing_to(result):
        result.mkdir(exist_ok=True)
    send({"type": "STATUS", "text": f"Preparing views ({weights.name} on {device})"})
    with enough_memory(device):
        surface = Surface.of(job.mesh, device)
        images = [torch.from_numpy(i).to(device) for i in job.originals]
        original = Original.of(surface, images, "TEXTURE")
        stage = Stage.of(job, surface)
        one_style = not any(variant.style for variant in comparison.variants)
        references = [Cell("original", stage.before(original))]
        if one_style:
            references.append(Cell(job.style.file.name, pictures[0]))
        cells = [
            Cell(variant.label, None, None if one_style else picture)
            for variant, picture in zip(comparison.variants, pictures, strict=True)
        ]
        backbone = Backbone(weights, LAYERS).to(device).swift()
        total = _Total(jobs)
        shown: tuple[Path, ...] = ()
        for number, each in enumerate(jobs):
            stop_if(wishes.cancel)
            styles = [read_picture(style.file) for style in each.styles]
            painting = prepare(each, styles, device)
            state = State(each.settings, painting, backbone)
            for progress in optimise(each, painting, backbone, state):
                send(progress_message(total.after(number, progress), shown))
                shown = ()
                stop_if(wishes.cancel)
                if wishes.finish.is_set():
                    state.settle()
                    break
            cells[number] = replace(cells[number], picture=stage.painted(painting))
            if wishes.finish.is_set():
                break
            if previews and number + 1 < len(jobs):
                file = result / f"sheet_{number % 2}.png"
                with suppress(OSError):  # the sheet at the end is what counts
                    write_sheet(draw_sheet(references, cells, comparison.columns), file)
                    shown = (file,)
    sheet = result / "sheet.png"
    with writing_to(result):
        write_sheet(draw_sheet(references, cells, comparison.columns), sheet)
    send({"type": "DONE", "sheet": str(sheet)})


class _Total:
    """The progress of all `jobs` together, each as much work as the others."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._steps = [sum(scale.steps for scale in schedule(job.settings)) for job in jobs]
        self._began = time.perf_counter()

    def after(self, number: int, progress: Progress) -> Progress:
        """All of it, when the job of that number is as far as `progress` tells."""
        return replace(
            progress,
            step=sum(self._steps[:number]) + progress.step,
            steps=sum(self._steps),
            share=(number + progress.share) / len(self._steps),
            seconds=time.perf_counter() - self._began,
        )
