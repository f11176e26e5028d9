"""Made ahead: the same items in their order, no more of them than asked for, and errors too."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.ahead import ahead

WAIT = 20  # seconds, at most


@given(st.lists(st.integers()), st.integers(1, 5))
@hypothesis_settings(max_examples=25, deadline=None)
def test_the_same_items_in_their_order(items, count) -> None:
    assert list(ahead(iter(items), count)) == items


@pytest.mark.timeout(60)
@pytest.mark.parametrize("count", [1, 3])
def test_the_next_are_made_while_one_is_used_and_no_more(count) -> None:
    made: list[int] = []
    enough = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if len(made) == count + 1:
                enough.set()
            yield number

    with closing(ahead(numbers(), count)) as items:
        assert next(items) == 0
        assert enough.wait(WAIT)  # nothing else is asked for
        assert made == list(range(count + 1))
    assert len(made) == count + 1


@pytest.mark.timeout(60)
def test_what_making_one_raises_is_raised_in_its_turn() -> None:
    def numbers() -> Iterator[int]:
        yield 0
        yield 1
        raise MemoryError("full")

    items = ahead(numbers(), 5)
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(MemoryError, match="full"):
        next(items)


@pytest.mark.timeout(60)
def test_when_it_is_closed_its_thread_has_ended() -> None:
    def threads() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]

    items = ahead(iter(range(100)), 2)
    next(items)
    assert threads()
    items.close()
    assert not threads()
