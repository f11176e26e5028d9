"""All of a run that changes from step to step."""

from __future__ import annotations

from typing import Any

import torch

from .adam import VisitedAdam
from .backbone import Backbone
from .critic import Critic
from .painting import Painting
from .settings import Settings


class State:
    """Where a run is: at its start, or where an earlier one was that kept its state.

    Args:
        settings: of the job.
        painting: of `prepare`; its field is part of the state.
        backbone: with the LAYERS of `critic`.

    Attributes:
        optimizer: of the field's values.
        critic: judges the views.
        order: draws the order of the views.
        done: steps.
        seconds: that these took.
        vgg_seconds: of these, in the backbone and the losses on its features.
        content: the loss, as last judged.
    """

    def __init__(self, settings: Settings, painting: Painting, backbone: Backbone) -> None:
        self.field = painting.field
        self.optimizer = VisitedAdam(list(self.field.values))
        self.critic = Critic(settings, painting, backbone)
        self.order = torch.Generator().manual_seed(settings.seed)
        self.done = 0
        self.seconds = self.vgg_seconds = self.content = 0.0
        self._before_scale = self._generators()
        self._restored: dict[str, Any] | None = None

    def start_scale(self, unit: float, layers: tuple[str, ...]) -> None:
        """As `Critic.start_scale`; for the scale that a restored state is in, go on with it."""
        self._before_scale = self._generators()
        self.critic.start_scale(unit, layers)
        if self._restored is not None:
            self.critic.restore(self._restored)
            self._restored = None

    def settle(self) -> None:
        """Clear what no step has moved: a start from noise is not for what no view has seen."""
        self.field.clear(self.optimizer.unmoved())

    def kept(self) -> dict[str, Any]:
        """What `restore` needs: numbers and tensors, not copied, in dicts and lists.

        The generators are those from before the scale, whose targets and views are drawn again.
        """
        return {
            "done": self.done,
            "seconds": self.seconds,
            "vgg_seconds": self.vgg_seconds,
            "content": self.content,
            "generators": self._before_scale,
            "field": self.field.kept(),
            "optimizer": self.optimizer.kept(),
            "critic": self.critic.kept(),
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Go where the state was that gave `kept`, before the first scale is started."""
        self.done, self.content = kept["done"], kept["content"]
        self.seconds, self.vgg_seconds = kept["seconds"], kept["vgg_seconds"]
        self.field.restore(kept["field"])
        self.optimizer.restore(kept["optimizer"])
        for generator, drawn in zip((self.order, self.critic.generator), kept["generators"],
                                    strict=True):  # fmt: skip
            generator.set_state(drawn)
        self._restored = kept["critic"]

    def _generators(self) -> list[torch.Tensor]:
        return [self.order.get_state(), self.critic.generator.get_state()]
