"""object.style_transfer_compare: with the real engine, with stand-ins, and what it refuses."""

import json
import shutil

import bpy
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import command, compare_settings, preview
from style_transfer_3d.operators.compare import Comparing
from style_transfer_3d.operators.image_pixels import pixels
from style_transfer_3d.operators.recipe import RECIPE
from style_transfer_3d.operators.running import Run

from tests.operators.calling import refusal_of
from tests.operators.layouts import Panel
from tests.operators.run_requests import given_ones
from tests.operators.scenes import (
    HANGS,
    dump,
    job_folders,
    new_image,
    save_png,
    shown_image,
    stand_in,
    stripes,
)

pytestmark = pytest.mark.usefixtures("python_with_torch")

SHORT = {"steps": 2, "view_count": 4, "device": "CPU", "backbone": "VGG16"}


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """A stand-in for the engine that tells of this sheet, and keeps its job folder's files."""
    sheet = save_png(tmp_path / "drawn.png", stripes(16, 24))
    script = f"""
        import json, pathlib, shutil, sys
        folder = pathlib.Path(sys.argv[-1])
        shutil.copytree(folder, {str(tmp_path / "job")!r})
        pathlib.Path({str(tmp_path / "arguments")!r}).write_text(" ".join(sys.argv[1:-1]))
        (folder / "result").mkdir()
        shutil.copyfile({str(sheet)!r}, folder / "result" / "sheet.png")
        print(json.dumps({{"type": "DONE", "sheet": str(folder / "result" / "sheet.png")}}))
    """
    stand_in(tmp_path, script, monkeypatch)
    return sheet


def compare(style, **properties):
    return bpy.ops.object.style_transfer_compare(style=str(style), **{**SHORT, **properties})


def error_of(style, **properties):
    return refusal_of(lambda: compare(style, **properties))


def variants(tmp_path):
    return json.loads((tmp_path / "job" / "variants.json").read_text())["variants"]


def settings_of_job(tmp_path):
    return json.loads((tmp_path / "job" / "job.json").read_text())["settings"]


@pytest.mark.timeout(300)
def test_the_command_with_the_real_engine(cube, style, tmp_path, capfd):
    sheet = tmp_path / "sheet.png"
    options = {**SHORT, "style": style, "compare": "SEEDS", "columns": 2, "rows": 1, "sheet": sheet}
    arguments = [f"--{k.replace('_', '-')}={v}" for k, v in options.items()]
    assert command.run(["--object", "Cube", *arguments]) == 0
    said = capfd.readouterr().out
    for words in ("Step 4/4", f"Saved: '{sheet}'", "The sheet is image 'Cube sheet'"):
        assert words in said
    image = bpy.data.images["Cube sheet"]
    assert image.size[0] > image.size[1] > 600
    assert pixels(image).std() > 0.01
    assert shown_image(cube.active_material).name == "artist"


def test_the_sheet_is_one_new_image_and_nothing_else_changes(cube, style, drawn, tmp_path):
    *before, images, active = dump()
    assert compare(style) == {"FINISHED"}
    *after, images_after, active_after = dump()
    assert before[1:] == after[1:]  # the node trees and the slots
    assert active == active_after
    assert set(images_after) - set(images) == {"Cube sheet"}
    image = bpy.data.images["Cube sheet"]
    assert image.packed_file
    assert image.use_fake_user
    assert tuple(image.size) == (24, 16)
    assert (tmp_path / "arguments").read_text().split()[-1] == "--compare"
    labels = [v["label"] for v in json.loads(image[RECIPE])["variants"]]
    assert len(labels) == 9
    assert labels == [v["label"] for v in variants(tmp_path)]
    assert not job_folders()


def test_every_cell_is_a_draft(cube, scene, style, drawn, tmp_path):
    group = scene.style_transfer_3d
    group.preset, group.texture_size, group.seed, group.content_weight = "HIGH", 4096, 3, 0.25
    assert compare(style, compare="SEEDS", columns=2, rows=1) == {"FINISHED"}
    found = settings_of_job(tmp_path)
    assert (found["preset"], found["texture_size"], found["steps"]) == ("DRAFT", 512, 2)
    assert found["content_weight"] == 0.25
    assert [v["changes"] for v in variants(tmp_path)] == [{"seed": 3}, {"seed": 4}]


def test_the_scenes_comparison_counts_where_nothing_is_given(cube, scene, style, drawn, tmp_path):
    group = scene.style_transfer_3d_compare
    group.compare, group.columns, group.rows = "SEEDS", 1, 2
    assert compare(style) == {"FINISHED"}
    assert len(variants(tmp_path)) == 2


def test_the_textures_output_is_not_the_sheets(cube, scene, style, drawn, tmp_path):
    scene.style_transfer_3d.output = str(tmp_path / "texture.png")
    assert compare(style, sheet=str(tmp_path / "sheet.png")) == {"FINISHED"}
    assert not (tmp_path / "texture.png").exists()
    assert (tmp_path / "sheet.png").read_bytes() == drawn.read_bytes()


def test_a_second_sheet_into_the_same_file(cube, style, drawn, tmp_path):
    """There is no Replace; what the refusal names can be done."""
    sheet = str(tmp_path / "sheet.png")
    assert compare(style, sheet=sheet) == {"FINISHED"}
    text = error_of(style, sheet=sheet)
    assert "the file of image 'Cube sheet'. Choose another file, or delete that image" in text
    bpy.data.images.remove(bpy.data.images["Cube sheet"])
    shutil.rmtree(tmp_path / "job")
    assert compare(style, sheet=sheet) == {"FINISHED"}


@pytest.fixture
def folder(style, tmp_path):
    """A folder with the style picture, two others, and what is none, or hidden."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("b.png", "a.PNG", "z.png", "._a.jpg"):
        shutil.copyfile(style, folder / name)
    (folder / "notes.txt").write_text("my notes")
    (folder / "old.png").mkdir()
    return folder


def test_the_pictures_beside_the_style(cube, folder, drawn, tmp_path):
    assert compare(folder / "z.png", compare="STYLES") == {"FINISHED"}
    assert [v["style"] for v in variants(tmp_path)] == ["z.png", "a.PNG", "b.png"]


def test_a_folder_of_pictures_more_than_cells(cube, style, folder, drawn, tmp_path, capfd):
    assert compare(style, compare="STYLES", pictures=str(folder), columns=2, rows=1) == {"FINISHED"}
    assert [v["style"] for v in variants(tmp_path)] == ["a.PNG", "b.png"]
    assert "3 pictures: only the first 2 are compared" in capfd.readouterr().out


def test_a_list_of_pictures(cube, style, folder, drawn, tmp_path):
    listed = f"{folder / 'z.png'}; {style};"
    assert compare(style, compare="STYLES", pictures=listed) == {"FINISHED"}
    assert [v["style"] for v in variants(tmp_path)] == ["z.png", style.name]


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"compare": "STYLES", "pictures": "{empty}"}, "the folder holds no picture (.png, .jpg"),
        ({"compare": "STYLES", "pictures": "/nowhere"}, "the folder cannot be read (No such file"),
        ({"compare": "STYLES", "pictures": "{style};/n.png"}, "'/n.png': there is no such file"),
        ({"compare": "STYLES", "pictures": "//here"}, "which is not saved yet"),
        ({"content_weight": 0.0}, "Setting content_weight: it is 0"),
        ({"style_weight": 1e6}, "the last weights would be 2e+06 and 12.8, and 1e+06 is the most"),
        ({"compare": "SEEDS", "seed": 2**31 - 1}, "Setting seed: 2147483648 is not within"),
        ({"sheet": "{empty}/sheet.txt"}, "does not end with .png"),
        ({"sheet": "{style}"}, "it is the style picture"),
    ],
)
def test_each_refusal_is_one_line(cube, style, tmp_path, properties, words):
    (tmp_path / "empty").mkdir()
    given = {
        k: v.format(empty=tmp_path / "empty", style=style) if isinstance(v, str) else v
        for k, v in properties.items()
    }
    assert words in error_of(style, **given)


def test_a_sheet_over_one_of_the_pictures_is_refused(cube, style, folder):
    sheet = str(folder / "b.png")
    text = error_of(style, compare="STYLES", pictures=str(folder), sheet=sheet)
    assert "it is the style picture" in text


@pytest.mark.timeout(300)
def test_a_picture_that_the_engine_cannot_read(cube, folder):
    (folder / "c.png").write_text("my notes")
    text = error_of(folder / "z.png", compare="STYLES")
    assert "Style picture 'c.png': it is not a picture" in text


def test_a_cancelled_comparison_leaves_nothing(cube, style, tmp_path, monkeypatch):
    stand_in(tmp_path, "import os; os.kill(os.getpid(), 2); input()", monkeypatch)
    before = dump()
    assert compare(style) == {"CANCELLED"}
    assert dump() == before
    assert not job_folders()


@pytest.fixture
def editor():
    """An Image Editor that shows an image of the artist's."""
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.ui_type = "IMAGE_EDITOR"
    area.spaces.active.image = new_image("reference", stripes(8, 8))
    return area.spaces.active


def test_the_sheet_is_shown_in_the_image_editor(cube, style, drawn, editor):
    assert compare(style) == {"FINISHED"}
    assert editor.image == bpy.data.images["Cube sheet"]


def test_the_sheet_so_far_gives_way_to_what_it_covered(cube, style, drawn, editor):
    before = dump()
    for _ in range(2):
        preview.show_sheet(drawn)
        assert tuple(editor.image.size) == (24, 16)
        assert preview.is_shown()
    assert len(bpy.data.images) == len(before[0]["images"]) + 1
    preview.clear()
    assert dump() == before
    assert editor.image.name == "reference"


def test_the_sheet_so_far_over_nothing(cube, style, drawn, editor):
    editor.image = None
    preview.show_sheet(drawn)
    preview.clear()
    assert editor.image is None


def test_without_an_image_editor_the_sheet_so_far_is_not_shown(cube, drawn):
    preview.show_sheet(drawn)
    assert not preview.is_shown()


def command_error(capfd, *arguments):
    capfd.readouterr()
    assert command.run(["--object", "Cube", *arguments]) == 1
    (line,) = [line for line in "".join(capfd.readouterr()).splitlines() if line]
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--columns", "2"), "Option --columns: it is for a comparison"),
        (("--compare", "SEEDS", "--columns", "9"), "Option --columns: 9 is not within 1 to 5"),
        (("--compare", "WEIGHTS", "--spread", "nan"), "Option --spread: nan is not within 1.1"),
        (("--compare", "WEIGHTS", "--texture-size", "64"), "Option --texture-size: a comparison"),
        (("--compare", "WEIGHTS", "--report", "/tmp/r.json"), "Option --report: a comparison"),
        (("--compare", "COLORS"), "argument --compare: invalid choice: 'COLORS'"),
    ],
)
def test_the_command_refuses_in_one_line(cube, capfd, arguments, words):
    assert words in command_error(capfd, *arguments)


def test_the_command_helps_with_every_option(cube, capfd):
    with pytest.raises(SystemExit):
        command.run(["--help"])
    text = capfd.readouterr().out
    for name in compare_settings.COMPARE_NAMES:
        assert f"--{name} " in text


@pytest.mark.parametrize("name", compare_settings.COMPARE_NAMES)
def test_each_has_a_tooltip_and_the_same_range_in_both_places(scene, name):
    operator = bpy.ops.object.style_transfer_compare.get_rna_type().properties[name]
    group = scene.style_transfer_3d_compare.bl_rna.properties[name]
    assert operator.description == group.description != ""
    assert not operator.description.endswith(".")
    assert operator.default == group.default


def test_what_no_draft_has_is_not_offered():
    properties = bpy.ops.object.style_transfer_compare.get_rna_type().properties
    assert not set(compare_settings.LEFT_OUT) & set(properties.keys())
    assert {"style", "seed", "views", "layer_weights"} <= set(properties.keys())


def draw():
    return Panel.draw(bpy.types.VIEW3D_PT_style_transfer_compare)


BUTTON = "object.style_transfer_compare"


def test_the_panel(cube, scene, style):
    assert draw().buttons()[BUTTON] == ("Paint the Sheet", False)
    scene.style_transfer_3d.style = str(style)
    group = scene.style_transfer_3d_compare
    for kind, shown in (("WEIGHTS", {"spread"}), ("SEEDS", set()), ("STYLES", {"pictures"})):
        group.compare = kind
        panel = draw()
        assert panel.buttons() == {BUTTON: ("Paint the Sheet", True)}
        assert set(panel.props()) == {"compare", "columns", "rows", "sheet"} | shown
        assert "9 drafts" in panel.texts()


def test_the_panel_rests_while_something_is_painted(cube, scene, style, tmp_path, monkeypatch):
    scene.style_transfer_3d.style = str(style)
    stand_in(tmp_path, HANGS, monkeypatch)
    operator = given_ones(scene.style_transfer_3d)

    def begin(context, _request):
        return Comparing(context, compare_settings.read_comparison(operator, context.scene))

    with Run(operator, bpy.context, begin, watched=True):
        panel = draw()
        assert not any(panel.props().values())
        assert panel.buttons()[BUTTON][1] is False
        with pytest.raises(JobError, match="it is being painted at the moment"):
            Run(operator, bpy.context, begin, watched=True)
    assert not job_folders()
