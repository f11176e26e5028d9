"""Adam for what a step sees: as torch's where all is seen, at rest where nothing is."""

import pytest
import torch
from torch import Tensor

from engine.adam import BETAS, Gradient, VisitedAdam


def random_values(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, 3, generator=generator)


def of_rows(values: Tensor, grad: Tensor, *rows: int) -> Gradient:
    chosen = torch.tensor(rows or range(len(grad)), dtype=torch.int32)
    return Gradient(chosen, values[chosen.long()], grad[chosen.long()], [len(chosen)])


def test_it_is_adam_where_every_step_sees_all() -> None:
    mine, other = random_values(0), random_values(0).requires_grad_()
    visited, adam = VisitedAdam(mine), torch.optim.Adam([other], lr=0.1, betas=BETAS)
    for step in range(20):
        other.grad = random_values(step + 1) + other.detach()
        visited.step(of_rows(mine, random_values(step + 1) + mine), [0.1])
        adam.step()
    assert (mine - other).abs().max() < 1e-5


def test_what_is_not_seen_rests_and_is_then_as_if_nothing_had_happened() -> None:
    values, late = random_values(0), random_values(0)
    visited, starting = VisitedAdam(values), VisitedAdam(late)
    for step in range(50):
        visited.step(of_rows(values, random_values(step + 1), 0, 1, 2, 4, 5), [0.1])
    assert [bool(rests) for rests in visited.unmoved()] == [False] * 3 + [True] + [False] * 2
    assert values[3].equal(random_values(0)[3])
    for step in range(3):
        for held, optimizer in ((values, visited), (late, starting)):
            optimizer.step(of_rows(held, random_values(step + 100)), [0.1])
    assert (values[3] - late[3]).abs().max() < 1e-6
    assert (values[2] - late[2]).abs().max() > 0.1


def test_each_part_has_its_rate_and_without_gradient_stays() -> None:
    values = torch.zeros(12, 3)
    first, second, third = values.split(4)
    grad = torch.cat((torch.ones(4, 3), torch.full((4, 3), -7.0)))
    asked = Gradient(torch.arange(8), values[:8], grad, [4, 4])
    VisitedAdam(values).step(asked, [0.5, 0.25, 1.0])
    assert (first + 0.5).abs().max() < 1e-6
    assert (second - 0.25).abs().max() < 1e-6
    assert not third.any()


def test_it_goes_on_from_what_it_kept_if_that_is_of_as_many_values() -> None:
    values, again = random_values(0), random_values(0)
    visited, other = VisitedAdam(values), VisitedAdam(again)
    visited.step(of_rows(values, random_values(1), 0, 3), [0.1])
    other.step(of_rows(again, random_values(1), 0, 3), [0.1])
    other = VisitedAdam(again)
    other.restore(visited.kept().clone())
    for held, optimizer in ((values, visited), (again, other)):
        optimizer.step(of_rows(held, random_values(2)), [0.1])
    assert values.equal(again)
    with pytest.raises(ValueError, match="5 rows"):
        other.restore(visited.kept()[1:])
