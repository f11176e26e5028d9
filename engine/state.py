"""All of a run that changes from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .adam import VisitedAdam
from .backbone import Backbone
from .critic import Critic
from .painting import Painting
from .settings import Settings
from .team import Team

SAME_CELL = 0.99  # of a voxel's side, from which on another is as large: machines round


class State:
    """Where a run is: at its start, or where an earlier one was that kept its state.

    Args:
        settings: of the job.
        painting: of `prepare`; its field is part of the state.
        backbone: with the LAYERS of `critic`.
        views: that a step sees.
        notch: of `schedule`.

    Attributes:
        optimizer: of the field's values.
        critic: judges the views.
        order: draws the order of the steps' first views.
        views: that a step sees; an earlier run's stay what they were.
        notch: of `schedule`; an earlier run's was the same or needed more memory.
        done: steps.
        seconds: that these took.
        vgg_seconds: of these, in the backbone and the losses on its features.
        content: the loss, as last judged.
    """

    def __init__(
        self,
        settings: Settings,
        painting: Painting,
        backbone: Backbone,
        views: int = 1,
        notch: int = 0,
    ) -> None:
        self.seed, self.views, self.notch = settings.seed, views, notch
        self.field = painting.field
        self.optimizer = VisitedAdam(self.field.table)
        self.critic = Critic(settings, painting, backbone)
        self.order = torch.Generator().manual_seed(settings.seed)
        self.done = 0
        self.seconds = self.vgg_seconds = self.content = 0.0
        self._before_scale = self._generators()
        self._settled = self.field.table[:0]
        self._restored: dict[str, Any] | None = None

    def start_scale(
        self,
        unit: float,
        layers: tuple[str, ...],
        memory: float,
        team: Team,
        *,
        settles: bool,
    ) -> None:
        """As `Critic.start_scale`; for the scale that a restored state is in, go on with it.

        `memory` is of one view: steps that see several keep less.
        """
        generator = self.critic.generator
        told = team.first(generator.get_state().numpy().tobytes())
        generator.set_state(torch.frombuffer(bytearray(told), dtype=torch.uint8))
        self._before_scale = self._generators()
        self.critic.start_scale(unit, layers, memory**self.views, settles=settles)
        if self._restored is not None:
            self.critic.restore(self._restored)
            self._restored = None

    def settled(self) -> torch.Tensor:
        """The field's values (M, 3) as they were when whole views began to settle them: now, or
        when an earlier run came so far."""
        if not len(self._settled):
            self._settled = self.field.table.clone()
        return self._settled

    def orders(self, scale: int) -> list[torch.Generator]:
        """What draws, for each of a step's views, the order of its cameras at that scale."""
        places = range(1, self.views)
        return [self.order, *(_seeded(self.seed, 0, scale, place) for place in places)]

    def drawing(self, place: int) -> torch.Generator:
        """What draws pixels of the view at that place of the next step.

        The first view's goes on from step to step. The others' are new each time, so that a
        process need not know what another has drawn.
        """
        return self.critic.generator if place == 0 else _seeded(self.seed, 1, self.done, place)

    def settle(self) -> None:
        """Clear what no step has moved: a start from noise is not for what no view has seen."""
        self.field.clear(self.field.parted(self.optimizer.unmoved()))

    def kept(self) -> dict[str, Any]:
        """What `restore` needs: numbers and tensors, not copied, in dicts and lists.

        The generators are those from before the scale, whose targets and views are drawn again.
        """
        return {
            "done": self.done,
            "views": self.views,
            "notch": self.notch,
            "seconds": self.seconds,
            "vgg_seconds": self.vgg_seconds,
            "content": self.content,
            "generators": self._before_scale,
            "field": self.field.kept(),
            "optimizer": self.field.parted(self.optimizer.kept()),
            "settled": self._settled,
            "critic": self._restored or self.critic.kept(),
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Go where the state was that gave `kept`, before the first scale is started."""
        self.done, self.views, self.content = kept["done"], kept["views"], kept["content"]
        self.seconds, self.vgg_seconds = kept["seconds"], kept["vgg_seconds"]
        field, optimizer = _served(kept["field"], kept["optimizer"], self.field.lattices[-1].cell)
        self.field.restore(field)
        self.optimizer = VisitedAdam(self.field.table)
        self.optimizer.restore(torch.cat(optimizer))
        rows = len(self.field.table)
        self._settled = kept["settled"][:rows].to(self.field.table.device)
        if len(self._settled) not in (0, rows):
            raise ValueError(f"settled from {len(self._settled)} values, not from {rows}")
        for generator, drawn in zip((self.order, self.critic.generator), kept["generators"],
                                    strict=True):  # fmt: skip
            generator.set_state(drawn)
        self._before_scale = kept["generators"]
        self._restored = kept["critic"] if self.done else None

    def _generators(self) -> list[torch.Tensor]:
        return [self.order.get_state(), self.critic.generator.get_state()]


def _served(
    field: dict[str, Any], optimizer: list[torch.Tensor], finest: float
) -> tuple[dict[str, Any], list[torch.Tensor]]:
    """What was kept of both, without lattices that no step has moved and none will.

    Those are finer than `finest`, in world units: smaller views do not look them up.
    """
    cells = [cell for cell, *_ in field["lattices"]]
    moved = [bool((memory[:, -1] > 0).any()) for memory in optimizer]
    used = max(
        (n + 1 for n in range(len(cells)) if moved[n] or cells[n] > SAME_CELL * finest), default=1
    )
    if used == len(cells):
        return field, optimizer
    untouched = field["values"][used - 1].clone()
    untouched[optimizer[used - 1][:, -1] > 0] = torch.nan  # equal to no value: it has moved
    lists = {name: field[name][:used] for name in ("lattices", "values")}
    return {**lists, "untouched": untouched}, optimizer[:used]


def _seeded(*numbers: int) -> torch.Generator:
    """A generator of the processor whose draws have nothing to do with those of other numbers."""
    (seed,) = np.random.SeedSequence(numbers).generate_state(1)
    return torch.Generator().manual_seed(int(seed))
