"""A comparison in a real Blender with a window."""

from tests.blender.test_window import play, result, scene

__all__ = ["play", "scene"]


def test_a_cancelled_comparison_and_a_finished_one(play):
    found, _lines = result(play("case_compare"))
    assert found["cancelled"].pop("size")[0] > 1000
    assert found == {
        "cancelled": {
            "shown": "waves.png", "unchanged": True, "engine_gone": True, "folders": [],
        },
        "finished": {
            "shown": "Cube sheet", "new": ["Cube sheet"], "engines": [], "folders": [],
        },
    }  # fmt: skip
