"""Which notch of the schedule a run takes, so that it fits the memory of its device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from .errors import JobError
from .free_memory import free_bytes
from .job import Job
from .messages import Send
from .needed_memory import Sizes, needed
from .schedule import Limits, notches
from .settings import RANGES
from .side_by_side import at_once
from .team import Team, processes_here


def choose_notch(
    job: Job,
    pictures: Sequence[Tensor],
    network: str,
    device: torch.device,
    least: int,
    team: Team,
    send: Send,
    *,
    places: int,
) -> int:
    """The first notch of `schedule` that is foretold to fit, the same for all of the team.

    Args:
        job: validated.
        pictures: (3, H, W) of each of its styles.
        network: name of the backbone.
        device: where to work; where it does not say what it has left, all fits.
        least: that a checkpoint was painted at: a run does not go up again.
        team: whose processes may have more or less memory each.
        send: takes a WARN if the notch is not the first one.
        places: views of a step that this process paints.

    Raises:
        JobError: if none fits.
    """
    limits = notches(job.settings)
    least = min(least, len(limits) - 1)
    own, why = least, "the run goes on as it began"
    free = _free(device)
    if free is not None:
        parts = at_once(device)
        sizes = wanted = Sizes.of(job, pictures, network, own, places=places, at_once=parts)
        while needed(sizes) > free:
            own += 1
            if own == len(limits):
                raise _nothing_fits(sizes, job.settings.texture_size, free, device)
            sizes = Sizes.of(job, pictures, network, own, places=places, at_once=parts)
        if own > least:
            why = f"about {_gb(needed(wanted))} are needed and {_gb(free)} are free"
    (notch,) = team.most([own])
    if notch:
        if notch > own:
            why = "another process has less of it, or began so"
        text = f"Memory of {device}: {why}: {less(limits[0], limits[notch])}"
        send({"type": "WARN", "text": text})
    return notch


def less(before: Limits, now: Limits) -> str:
    """In words, what is less `now`."""
    told = []
    if now.largest < before.largest:
        told.append(f"views of {now.largest} pixels instead of {before.largest}")
    if now.together < before.together:
        told.append(f"{now.together} views planned at once instead of {before.together}")
    return ", ".join(told)


def _free(device: torch.device) -> int | None:
    """Bytes for this process; those that share a processor's memory get as much each."""
    free = free_bytes(device)
    return free // processes_here() if free is not None and device.type == "cpu" else free


def _nothing_fits(sizes: Sizes, texture: int, free: int, device: torch.device) -> JobError:
    """What would fit instead of `sizes`, whose larger side of a texture is `texture` texels."""
    smaller, side = [], texture // 2
    while side >= RANGES["texture_size"][0]:
        share = (side / texture) ** 2
        textures, largest = round(sizes.textures * share), round(sizes.largest * share)
        if needed(replace(sizes, textures=textures, largest=largest)) <= free:
            smaller.append(f"Choose a texture size of {side} at most")
            break
        side //= 2
    if needed(replace(sizes, picture=0, resized=0, judged=0, near=0)) <= free:
        smaller.append("Choose a smaller stroke size, or a style picture that is less long")
    if device.type != "cpu":
        smaller.append("Choose device CPU")
    cure = ", or ".join([*smaller, "close other programs"])
    return JobError(
        f"Memory of {device}",
        f"about {_gb(needed(sizes))} are needed at the least and {_gb(free)} are free",
        cure[0].upper() + cure[1:],
    )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
