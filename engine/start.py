"""Where a run starts: at its first step or at its checkpoint, and all processes at the same."""

from __future__ import annotations

from io import BytesIO

import torch

from .checkpoint import Checkpoint
from .errors import JobError
from .job import Job
from .messages import Send
from .plans import count_views
from .state import State
from .team import Team


def views_of_step(job: Job, asked: int, team: Team) -> int:
    """How many views a step of a new run sees: one for each process, at least.

    Args:
        job: has whole views, of which a step sees each once at most.
        asked: views, at least.
        team: does the step.
    """
    return min(max(asked, team.size), count_views(job))


def start(state: State, checkpoint: Checkpoint, team: Team, send: Send) -> None:
    """Put `state`, which is at its first step, where the first process finds the checkpoint.

    Another process may not see the same file, nor count the same corners in its lattices.

    Raises:
        JobError: if another process has another job.
    """
    if team.rank == 0:
        checkpoint.resume(state)
    if team.size == 1:
        return
    job = checkpoint.job.encode()
    if team.first(job) != job:
        raise JobError(
            f"Process {team.rank}",
            "its job or its backbone is not that of process 0",
            "Give all machines the same job folder and the same weights, or choose VGG16",
        )
    kept = BytesIO()
    if team.rank == 0:
        torch.save(state.kept(), kept)
    told = team.first(kept.getvalue())
    if team.rank:
        state.restore(torch.load(BytesIO(told), map_location="cpu", weights_only=True))
    if state.views < team.size:
        idle = f"{team.size - state.views} of {team.size} processes have nothing to do"
        views = f"{state.views} view" if state.views == 1 else f"{state.views} views"
        send({"type": "WARN", "text": f"{idle}: a step of this run sees {views}"})
