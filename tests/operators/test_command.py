"""The headless command, called as Blender calls it: a list of arguments in, an exit code out."""

import json

import bpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.engine.settings import Settings
from style_transfer_3d.operators import command

from tests.operators.scenes import (
    add_cube,
    add_material,
    dump,
    painter,
    save_png,
    stand_in,
    stripes,
)

REPORT = {"style_distance": 0.125}


@pytest.fixture
def painting(tmp_path, monkeypatch):
    """A cube to paint, and a stand-in that paints it."""
    texture = save_png(tmp_path / "painted.png", stripes(16, 16))
    stand_in(tmp_path, painter(texture, REPORT), monkeypatch)
    add_material(add_cube(), "m")
    bpy.context.view_layer.objects.active = None
    return texture


def run(capfd, *arguments):
    """The exit code and the lines it said on both streams."""
    capfd.readouterr()
    code = command.run([str(argument) for argument in arguments])
    return code, "".join(capfd.readouterr()).splitlines()


def error_of(capfd, *arguments):
    """The only line of a refused command, which leaves everything as it was."""
    before = dump()
    code, lines = run(capfd, *arguments)
    assert code == 1
    assert dump() == before
    (line,) = [line for line in lines if line]
    assert line.startswith("Error: ")
    return line


def test_texture_report_and_blend_file(painting, style, tmp_path, capfd):
    blend, output, report = (tmp_path / f"it.{ending}" for ending in ("blend", "png", "json"))
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    code, lines = run(
        capfd, "--object", "Cube", "--style", style, "--texture-size", 64, "--preset", "DRAFT",
        "--seed", 4, "--output", output, "--report", report, "--save",
    )  # fmt: skip
    assert code == 0
    assert "Step 1/1, total 0.5, 1:01" in lines
    saved = [line for line in lines if line.startswith("Saved: '")]
    assert saved == [f"Saved: '{path}'" for path in (report, blend, output)]
    assert output.read_bytes() == painting.read_bytes()
    assert json.loads(report.read_text()) == REPORT
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    recipe = json.loads(bpy.data.images["Cube style"]["style_transfer_3d"])
    assert (
        recipe["settings"] | {"preset": "DRAFT", "seed": 4, "texture_size": 64}
        == (recipe["settings"])
    )


def test_packed_and_not_saved(painting, style, capfd):
    code, lines = run(capfd, "--object", "Cube", "--style", style)
    assert code == 0
    assert not [line for line in lines if line.startswith("Saved:")]
    assert bpy.data.images["Cube style"].packed_file


def test_relative_paths_start_where_the_shell_is(painting, style, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    code, lines = run(
        capfd, "--object", "Cube", "--style", style.name, "--output", "o.png", "--report", "r.json"
    )
    assert code == 0
    assert f"Saved: '{tmp_path}/o.png'" in lines
    assert f"Saved: '{tmp_path}/r.json'" in lines


def test_more_styles(painting, style, tmp_path, capfd):
    files = [save_png(tmp_path / f"{name}.png", stripes(64, 64)) for name in ("two", "three")]
    bpy.data.objects["Cube"].vertex_groups.new(name="Top").add([0, 1, 2, 3], 1.0, "REPLACE")
    code, _lines = run(
        capfd, "--object", "Cube", "--style", style, "--more-styles", files[0], "--more-styles",
        files[1], 0.5, "Top",
    )  # fmt: skip
    assert code == 0
    recipe = json.loads(bpy.data.images["Cube style"]["style_transfer_3d"])
    told = [(one["file"], one["weight"], one["region"]) for one in recipe["styles"]]
    assert told == [(style.name, 1.0, ""), ("two.png", 1.0, ""), ("three.png", 0.5, "Top")]


def test_the_scenes_settings_count_where_none_are_given(painting, scene, style, capfd):
    scene.style_transfer_3d.style, scene.style_transfer_3d.seed = str(style), 11
    code, _lines = run(capfd, "--object", "Cube")
    assert code == 0
    recipe = json.loads(bpy.data.images["Cube style"]["style_transfer_3d"])
    assert recipe["settings"]["seed"] == 11


def test_an_unknown_object_names_the_nearest(painting, style, capfd):
    line = error_of(capfd, "--object", "Cubes", "--style", style)
    assert line == (
        "Error: Object 'Cubes': there is no such object in the scene 'Scene'. Choose 'Cube'"
    )


def test_an_unknown_object_in_an_empty_file(scene, capfd):
    assert "Open a .blend file that has a mesh" in error_of(capfd, "--object", "a", "--style", "b")


def test_not_a_mesh(scene, style, capfd):
    bpy.ops.object.light_add()
    line = error_of(capfd, "--object", "Point", "--style", style)
    assert line == "Error: Object 'Point': it is no mesh but a light. Select a mesh object"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "one of the arguments --object --image is required"),
        (("--object", "Cube", "--image", "i.png"), "not allowed with argument --object"),
        (("--image", "/nowhere.png"), "Image '/nowhere.png': there is no such file."),
        (("--image", "i.png", "--views", "SPHERE"), "Option --views: it is for meshes"),
        (("--image", "i.png", "--more-styles", "b", "1", "Sea"), "has no region 'Sea'"),
        (("--object", "Cube", "--more-styles", "b", "x"), "--more-styles b x: 'x' is not a number"),
        (
            ("--object", "Cube", "--more-styles", "a.png", "0.5", "Beach", "x"),
            "Option --more-styles: it got 4 words: 'a.png 0.5 Beach x'. Give FILE, or FILE WEIGHT,",
        ),
        (("--object", "Cube", "--more-styles", "b", "-1"), "-1.0 is not within 0 to 1e+06"),
        (("--object", "Cube", "--relief-strength", "5"), "--relief-strength: 5.0 is not within 0"),
        (("--object", "Cube", "--steps", "x"), "argument --steps: invalid int value: 'x'"),
        (("--object", "Cube", "--preset", "X"), "argument --preset: invalid choice: 'X'"),
        (("--object", "Cube", "--obj"), "unrecognized arguments: --obj"),
        (("--object", "Cube", "--steps", "-1"), "Setting steps: -1 is not within 0 to"),
        (("--object", "Cube", "--texture-size", "9000"), "9000 is not within 64 to 8192"),
        (("--object", "Cube", "--style-weight", "nan"), "nan is not within"),
        (("--object", "Cube", "--report", "/proc/r.json"), "nothing can be written"),
        (("--object", "Cube", "--report", "/nowhere/r.json"), "there is no folder"),
        (("--object", "Cube", "--report", "/tmp/r.txt"), "does not end with .json"),
        (("--object", "Cube", "--save"), "no .blend file is open"),
        (("--object", "Cube"), "Style picture: none is chosen"),
        (("--object", "Cube", "--style", "/nowhere.png"), "there is no such file"),
        (("--object", "Cube", "--style", "/s.png", "--output", "/proc/o.png"), "can be written"),
    ],
)
def test_each_refusal_is_one_line(painting, capfd, arguments, words):
    assert words in error_of(capfd, *arguments)


def test_a_cancelled_run_is_a_failed_one(painting, style, tmp_path, monkeypatch, capfd):
    stand_in(tmp_path, "import os; os.kill(os.getpid(), 2); input()", monkeypatch)
    code, lines = run(capfd, "--object", "Cube", "--style", style)
    assert code == 1
    assert lines == ["Warning: Style transfer cancelled: nothing was changed"]


def test_help_tells_every_setting(capfd):
    with pytest.raises(SystemExit) as end:
        command.run(["--help"])
    assert end.value.code == 0
    text = capfd.readouterr().out
    for name in command.NAMES:
        assert f"--{name.replace('_', '-')} " in text
    told = " ".join(text.split())
    assert "(64 to 8192)" in told
    assert "(0 to 2147483647)" in told
    assert "(-6.5 to 6.5 radians)" in told


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        ["style_weight", "content_weight", "texture_size", "steps", "seed", "device", "views"]
    ),
    value=st.text(max_size=5) | st.integers().map(str) | st.floats().map(str),
)
def test_any_value_is_taken_as_it_is_or_refused(scene, name, value):
    """Nothing that Blender would clamp, or silently take for something else, gets through."""
    arguments = ["--object", "Cube", f"--{name.replace('_', '-')}={value}"]
    try:
        options = vars(command.make_parser().parse_args(arguments))
        command.check(options, None, save=False)
    except JobError:
        return
    if name in vars(Settings()):
        taken = getattr(Settings(**{name: options[name]}), name)
        assert str(taken) == value.strip() or float(taken) == float(value)
