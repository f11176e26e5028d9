"""How much of what VGG sees is mesh."""

from __future__ import annotations

from engine.plans import cameras_of
from engine.rasterizer import rasterize
from engine.schedule import schedule
from engine.surface import Surface

from .subject import CPU, Options, Subject
from .table import Row

PRESET = "STANDARD"


def rows(subject: Subject, options: Options) -> list[Row]:
    """Over all steps of a run, and of those by themselves that see the whole mesh."""
    job = subject.job(preset=PRESET)
    surface = Surface.of(job.mesh, CPU)
    counted = {True: [0.0, 0.0], False: [0.0, 0.0]}  # whole views or not: covered, all
    for scale in schedule(job.settings):
        if scale.unit > options.side(1024):
            continue
        cameras = cameras_of(job, surface, scale)
        for camera in cameras:
            face = rasterize(camera.clip(surface.vertices), surface.faces, camera.size).pix_to_face
            weight = scale.steps / len(cameras)
            counted[scale.zoom == 1][0] += weight * float((face >= 0).sum())
            counted[scale.zoom == 1][1] += weight * face.numel()
    seen, pixels = (sum(part) for part in zip(*counted.values(), strict=True))
    what = f"covered share of VGG's pixels, {subject.name}, {PRESET}"
    made = [Row(what, [seen / pixels], at_least=0.65)]
    for name, whole in (("whole views", True), ("close-ups", False)):
        if counted[whole][1]:
            made.append(Row(f"{what}: {name}", [counted[whole][0] / counted[whole][1]]))
    return made
