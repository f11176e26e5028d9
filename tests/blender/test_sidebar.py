"""The tabs Style in a real Blender with a window: their buttons are found and clicked."""

from tests.blender.test_window import play, result, scene

__all__ = ["play", "scene"]


def test_buttons_that_are_clicked(play):
    found, _lines = result(play("case_sidebar"))
    with_map = [[], ["Style"], [], ["Style"]]
    assert found == {
        "unwrapped": with_map,
        "in_edit_mode": [*with_map, ["Style"], True],
        "in_local_view": with_map,
        "painted": {"started": True, "unchanged": True, "engines": [], "folders": []},
    }


def test_the_image_editor(play):
    found, _lines = result(play("case_image"))
    assert found == {
        "cancelled": {"shown": "waves.png", "unchanged": True, "engines": [], "folders": []},
        "painted": {
            "done": "waves.png style", "undone": None, "gone": True, "again": True,
        },
    }  # fmt: skip
