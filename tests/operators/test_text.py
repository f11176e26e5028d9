"""Texts that Blender would cut off."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from style_transfer_3d.panels.text import wrap


def test_an_example():
    text = "Mesh of 'Cube': it has no UV map"
    assert wrap(text, 16, len) == ["Mesh of 'Cube':", "it has no UV map"]
    assert wrap("/a/very/long/path", 6, len) == ["/a/ver", "y/long", "/path"]
    assert wrap(" \n ", 10, len) == []


WIDE = set("mwMW")


def measure(text):
    return sum(2.0 if letter in WIDE else 1.0 for letter in text)


@given(st.text(), st.floats(0, 60))
def test_nothing_is_lost_and_nothing_too_wide(text, width):
    lines = wrap(text, width, measure)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert line
        assert measure(line) <= width or len(line) == 1


@given(st.lists(st.text("abm", min_size=1, max_size=5)), st.floats(10, 60))
def test_lines_are_filled(words, width):
    lines = wrap(" ".join(words), width, measure)
    assert " ".join(lines).split() == words
    for line, following in pairwise(lines):
        assert measure(f"{line} {following.split()[0]}") > width
