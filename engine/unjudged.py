"""Styles that no view shows enough of to be learned from: the artist is told."""

from __future__ import annotations

from .critic import LEAST_SHARE, Critic
from .job import Job
from .messages import Send


def tell_unjudged(job: Job, critic: Critic, send: Send) -> None:
    """Send a WARN for each style that counts and that `critic` has judged in no view so far."""
    if not job.settings.style_weight:
        return
    for style, judged in zip(job.styles, critic.judged, strict=True):
        if style.weight and not judged:
            text = (
                f"Style picture {style.file.name!r}: its region is under {LEAST_SHARE:.0%} of every"
                " view so far, so nothing was learned from it. Enlarge the region, or paint from"
                " cameras that show more of it"
            )
            send({"type": "WARN", "text": text})
