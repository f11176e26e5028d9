"""How views are judged: running descriptions of the style, and content that is not too faint."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.backbone import Backbone
from engine.critic import CONTENT_LAYER, Critic
from engine.losses import gram
from engine.painting import Painting, Plan
from engine.picture import read_picture
from engine.plans import cameras_of, plans_of
from engine.report import content_strength
from engine.schedule import Scale
from engine.stylize import prepare
from engine.team import ALONE
from tests.engine.jobs import job_of

CPU = torch.device("cpu")
UNIT = 64
MEMORY = 0.75


def plans(job, painting: Painting) -> Iterator[Plan]:
    """Whole views of the job."""
    scale = Scale(UNIT, 1, steps=4)
    cameras = cameras_of(job, painting.original.surface, scale)
    orders = [torch.Generator().manual_seed(0)]
    turns = plans_of(painting, scale, cameras, orders, ALONE)
    return (plan for turn in turns for plan in turn.values())


def begin(job, network: Backbone, *layers: str) -> tuple[Painting, Critic]:
    """A critic that judges by these layers."""
    painting = prepare(job, [read_picture(style.file) for style in job.styles], CPU)
    critic = Critic(job.settings, painting, network)
    critic.start_scale(UNIT, layers, MEMORY, settles=False)
    return painting, critic


def noise(seed: int) -> Tensor:
    """A picture (1, 3, H, W) of a view."""
    return torch.rand(1, 3, UNIT, UNIT, generator=torch.Generator().manual_seed(seed))


def test_the_running_gram_goes_a_part_of_the_way_to_each_view(pictures, backbone) -> None:
    layer, draws = "relu1_1", torch.Generator()
    job = job_of(pictures)
    painting, critic = begin(job, backbone, layer)
    plan = next(plans(job, painting))
    seen = [noise(seed) * share for seed, share in enumerate((1.0, 0.3, 0.6, 0.1))]
    first, second, third, fourth = (
        gram(plan.sight.features(backbone, image, (layer,))[layer], plan.sight.coverage[layer])
        for image in seen
    )
    (target,) = critic.targets

    critic.judge(seen[0], plan, draws)
    critic.end_step(critic.shown())
    assert torch.allclose(target.running[0], first, rtol=1e-5)

    critic.judge(seen[1], plan, draws)
    critic.end_step(critic.shown())
    expected = MEMORY * first + (1 - MEMORY) * second
    assert torch.allclose(target.running[0], expected, rtol=1e-4)
    assert (expected - second).norm() > 0.1 * second.norm()

    for image in seen[2:]:  # in one step
        critic.judge(image, plan, draws)
    critic.end_step(critic.shown())
    expected = MEMORY * expected + (1 - MEMORY) * (third + fourth) / 2
    assert torch.allclose(target.running[0], expected, rtol=1e-4)


def test_a_view_is_judged_by_the_running_gram_and_has_its_own_gradient(pictures, backbone) -> None:
    layer, draws = "relu1_1", torch.Generator()
    job = job_of(pictures, layer_weights=(1.0, 0.0, 0.0, 0.0, 0.0))
    painting, critic = begin(job, backbone, layer)
    critic.strangeness = 0.0
    plan = next(plans(job, painting))
    critic.judge(noise(0), plan, draws)
    critic.end_step(critic.shown())
    (target,) = critic.targets
    image = noise(1).requires_grad_()
    losses = critic.judge(image, plan, draws)
    (wanted,) = target.wanted
    (running,) = target.present
    expected = (running - wanted).square().sum() / wanted.square().sum()
    assert float(losses.style.detach()) == pytest.approx(float(expected), rel=1e-4)
    losses.style.backward()
    again = noise(1).requires_grad_()
    features = plan.sight.features(backbone, again, (layer,))
    newest = gram(features[layer], plan.sight.coverage[layer])
    newest.backward(2 * (running - wanted) / wanted.square().sum())
    assert (image.grad - again.grad).norm() < 1e-3 * again.grad.norm()


def test_what_is_fainter_than_the_style_is_no_more_than_the_style(pictures, backbone) -> None:
    """A look of one color: relative to itself, any paint at all would be far from it."""
    grey = (np.full((1, 1, 3), 0.5, np.float32),)
    job = job_of(pictures, originals=grey, content_source="TEXTURE")
    painting, critic = begin(job, backbone, "relu1_1", CONTENT_LAYER)
    plan, image = next(plans(job, painting)), noise(0)
    floor = content_strength(painting.aims, UNIT, backbone)
    assert critic.strength == pytest.approx(floor, rel=1e-4)
    found, target = (
        plan.sight.features(backbone, picture, (CONTENT_LAYER,))[CONTENT_LAYER]
        for picture in (image, painting.content(plan))
    )
    mask = plan.sight.coverage[CONTENT_LAYER]
    own = float((target.square().sum(1) * mask).sum() / mask.sum())
    assert own < 0.8 * floor
    away = float(((found - target).square().sum(1) * mask).sum() / mask.sum())
    losses = critic.judge(image, plan, torch.Generator())
    assert float(losses.content) == pytest.approx(away / floor, rel=1e-3)
