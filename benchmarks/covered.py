"""How much of what VGG sees is mesh."""

from __future__ import annotations

from engine.plans import cameras_of
from engine.schedule import schedule
from engine.sight import Sight
from engine.surface import Surface, shoot

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
            mask = shoot(surface, camera).mask
            crops = Sight(mask, [], scale.layers).crops
            weight = scale.steps / len(cameras)
            seen = sum((c.bottom - c.top) * (c.right - c.left) for c in crops)
            counted[scale.zoom == 1][0] += weight * float((mask > 0).sum())
            counted[scale.zoom == 1][1] += weight * seen
    seen, pixels = (sum(part) for part in zip(*counted.values(), strict=True))
    what = f"covered share of VGG's pixels, {subject.name}, {PRESET}"
    made = [Row(what, [seen / pixels], at_least=0.65)]
    for name, whole in (("whole views", True), ("close-ups", False)):
        if counted[whole][1]:
            made.append(Row(f"{what}: {name}", [counted[whole][0] / counted[whole][1]]))
    return made
