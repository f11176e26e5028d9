"""One .blend with every kind of object that a run may meet, painted headless in a real Blender."""

import json

import pytest

from tests.blender.conftest import HERE

APART = ("Far", "Tiny")  # each the whole of a run, for beside others nothing of it is seen
QUICK = ("--preset", "DRAFT", "--steps", 2, "--texture-size", 64, "--views", "CAMERAS",
         "--device", "CPU")  # fmt: skip


@pytest.fixture(scope="module")
def folder(blender, tmp_path_factory):
    """A folder with all_cases.blend and style.png."""
    folder = tmp_path_factory.mktemp("all")
    code, lines = blender("-b", "--factory-startup", "--python-exit-code", 1,
                          "--python", HERE / "make_all_cases.py", "--", folder)  # fmt: skip
    assert code == 0, "\n".join(lines)
    return folder


def look(blender, folder):
    """What each object shows, by its name: for each slot an image or None."""
    code, lines = blender("-b", folder / "all_cases.blend", "--python-exit-code", 1,
                          "--python", HERE / "look_at_all_cases.py")  # fmt: skip
    assert code == 0, "\n".join(lines)
    (line,) = [line for line in lines if line.startswith("FOUND ")]
    return json.loads(line.removeprefix("FOUND "))


def paint(blender, folder, names):
    """Run the command on the objects `names` and save the file; what it warned of."""
    chosen = [word for name in names for word in ("--object", name)]
    code, lines = blender("-b", folder / "all_cases.blend", "-c", "style_transfer_3d", *chosen,
                          "--style", folder / "style.png", *QUICK, "--save")  # fmt: skip
    assert code == 0, "\n".join(lines)
    assert f"Saved: '{folder / 'all_cases.blend'}'" in lines
    assert not [line for line in lines if "Error" in line or "Traceback" in line]
    return [line.removeprefix("Warning: ") for line in lines if line.startswith("Warning: ")]


def test_all_in_one_run(blender, folder):
    """By cameras with a shift, a fit to the height, orthographic; pixels are not square."""
    before = look(blender, folder)
    chosen = [name for name in before if not name.startswith("Kept") and name not in APART]
    assert len(chosen) == 27
    warnings = paint(blender, folder, chosen)
    after = look(blender, folder)
    for name in ("Kept Twin", "Kept Sharer", *APART):
        assert after[name] == before[name]
    shown = {name: after[name] for name in chosen}
    for name, slots in shown.items():
        assert slots, name
        assert all(slot["painted"] and slot["size"] == [64, 64] for slot in slots), name
        assert all(slot["spread"] > 0.01 for slot in slots), name
    images = {name: [slot["image"] for slot in slots] for name, slots in shown.items()}
    assert images["Pair A"] == images["Pair B"] == ["shared style"]
    assert images["Twin A"] == images["Twin B"]
    assert images["Slots"] == ["slot style", "Slots style", "Slots style"]
    others = [images[n][0] for n in images if n not in {"Pair B", "Twin B"}]
    assert len(set(others)) == len(others)
    assert shown["Tiles"][0]["tiles"] == shown["Mixed Tiles"][0]["tiles"] == [1001, 1002, 1011]
    assert [n for n in shown if shown[n][0]["least"][3] < 0.5] == ["Cut Out"]
    for name, words in (("Overlapping", "mirrored"), ("Repeating", "outside 0-1")):
        assert [w for w in warnings if w.startswith(f"UV map of '{name}'") and words in w]


@pytest.mark.parametrize("name", APART)
def test_far_away_and_tiny(blender, folder, name):
    assert paint(blender, folder, [name]) == []
    after = look(blender, folder)
    assert after[name][0]["image"] == f"{name} style"
    assert after[name][0]["spread"] > 0.01
