"""Side by side: the results in their order, torch's threads shared out, and errors too."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.side_by_side import MOST, side_by_side

CPU = torch.device("cpu")
WAIT = 20  # seconds, at most


@pytest.fixture(params=[1, 2, 5])
def threads(request) -> Iterator[int]:
    """So many threads of torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def new_threads_of_torch() -> int:
    """How many torch uses for a thread that has not existed so far."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join(WAIT)
    return found[0]


@given(st.lists(st.integers()))
@hypothesis_settings(max_examples=25, deadline=None)
def test_the_results_in_their_order(items) -> None:
    assert list(side_by_side(lambda item: item + 1, items, CPU)) == [i + 1 for i in items]


@pytest.mark.timeout(60)
def test_as_many_at_once_as_torch_has_threads(threads) -> None:
    """Each call waits until so many are under way, or for ever if they are not."""
    count = min(threads, MOST)
    meeting = threading.Barrier(count)

    def work(_item: int) -> int:
        meeting.wait(WAIT)
        return torch.get_num_threads()

    shares = list(side_by_side(work, range(3 * count), CPU))
    assert shares == [threads // count] * 3 * count


def test_torch_has_its_threads_again_afterwards(threads) -> None:
    list(side_by_side(lambda item: item, range(3), CPU))
    assert torch.get_num_threads() == threads
    assert new_threads_of_torch() == threads


@pytest.mark.timeout(60)
def test_items_are_asked_for_as_results_are(threads) -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            asked.append(number)
            yield number

    with closing(side_by_side(lambda item: item, numbers(), CPU)) as results:
        assert [next(results), next(results)] == [0, 1]
        assert len(asked) <= 2 + min(threads, MOST)


@pytest.mark.timeout(60)
def test_what_one_raises_is_raised_in_its_turn(threads) -> None:
    def work(item: int) -> int:
        if item == 2:
            raise MemoryError("full")
        return item

    results = side_by_side(work, range(9), CPU)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(MemoryError, match="full"):
        next(results)
    assert torch.get_num_threads() == threads


@pytest.mark.timeout(60)
def test_when_it_is_closed_its_threads_have_ended(threads) -> None:
    results = side_by_side(lambda item: item, range(100), CPU)
    next(results)
    results.close()
    assert not any(t.name.startswith("side by side") for t in threading.enumerate())
    assert new_threads_of_torch() == threads


def test_a_gpu_works_at_one_after_the_other() -> None:
    here = threading.current_thread()
    who = side_by_side(lambda _item: threading.current_thread(), range(4), torch.device("cuda"))
    assert list(who) == [here] * 4
