"""The rasterizer alone."""

from __future__ import annotations

import math

import torch

from engine.nearest import visible
from engine.rasterizer import rasterize

from .children import run_child
from .mitsuba_rays import LeftOutError, Tracer
from .subject import Options, Subject
from .table import Row
from .timing import ratios, side_by_side, times

SIDE = 512  # pixels
MANY_SIDE = 1024
FACES_PER_PIXEL = 8
LEAST_WEIGHT = 1e-4  # of a face that softness still counts


def rows(subject: Subject, options: Options) -> list[Row]:
    """Hard and soft on the subject, and a million faces."""
    camera = subject.camera(options.side(SIDE))
    faces = torch.from_numpy(subject.mesh.faces)
    clip = camera.clip(torch.from_numpy(subject.mesh.vertices))

    def hard() -> torch.Tensor:
        return rasterize(clip, faces, camera.size).pix_to_face

    def nearest() -> torch.Tensor:
        return visible(clip, faces, camera.size)[0]

    sigma = (2 / camera.size[0]) ** 2  # a pixel's side, squared
    blur = sigma * math.log(1 / LEAST_WEIGHT)

    def soft() -> torch.Tensor:
        return rasterize(
            clip, faces, camera.size, faces_per_pixel=FACES_PER_PIXEL, blur_radius=blur
        ).pix_to_face

    what = f"{subject.name} ({len(faces)} faces) at {SIDE}²"
    goes = 3 * options.repeats
    made = [
        Row(f"rasterizing {what}, K = 1", [1000 * t for t in times(hard, goes)], "ms", at_most=40)
    ]
    alone = [1000 * t for t in times(nearest, goes)]
    made.append(
        Row(f"{what}, the nearest face and where on it alone, as views have it", alone, "ms")
    )
    over = f"rasterizing {what}, K = 1, over Mitsuba 3's primary rays"
    try:
        tracer = Tracer(subject.mesh, camera)
        alike = float((hard()[..., 0].numpy() == tracer.faces()).mean())
        ours, theirs = side_by_side(hard, tracer.trace, goes)
        note = f"they see the same face in {alike:.2%} of the pixels"
        made.append(Row(over, ratios(ours, theirs), at_most=3, note=note))
    except LeftOutError as error:
        made.append(Row(over, (), at_most=3, note=str(error)))
    soft_times = times(soft, options.repeats)
    made.append(Row(f"soft, K = {FACES_PER_PIXEL}, {what}", soft_times, "s", at_most=0.3))
    return [*made, *_a_million_faces(options)]


def _a_million_faces(options: Options) -> list[Row]:
    count = 1_000_000 // options.shrink**2
    told = run_child("many_faces", count, options.side(MANY_SIDE), options.repeats)
    what = f"rasterizing 1,000,000 faces at {MANY_SIDE}², K = 1"
    return [
        Row(f"{what}, time", told["seconds"], "s", at_most=1),
        Row(f"{what}, extra memory", [told["bytes"] / 1e9], "GB", at_most=1.5),
    ]
