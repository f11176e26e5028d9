"""The job type for Flamenco: its settings, and the tasks that it makes of a job."""

import re
import sys
from dataclasses import asdict
from functools import cache
from itertools import chain
from pathlib import Path

import bpy
import dukpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from style_transfer_3d.engine.settings import CHOICES, RANGES, Settings
from style_transfer_3d.operators import command

from tests.operators.scenes import (
    add_cube,
    add_material,
    painter,
    save_png,
    stand_in,
    stripes,
)

FLAMENCO = Path(__file__).with_name("flamenco.js")
SCRIPT = Path(__file__).parents[2] / "examples" / "flamenco" / "style_transfer_3d.js"
# What Flamenco's AvailableJobSetting has, and of which kind.
KEYS = {
    "key": str, "type": str, "subtype": str, "choices": list, "propargs": dict, "label": str,
    "description": str, "default": (str, int, float, bool), "eval": str, "evalInfo": dict,
    "visible": str, "required": bool, "editable": bool,
}  # fmt: skip
TYPES = {"string": str, "int32": int, "float": (int, float), "bool": bool}
SUBTYPES = {"file_path", "dir_path", "hashed_file_path"}
VISIBLE = {"visible", "hidden", "submission", "web"}
SAVED = re.compile(r"Saved: '(.*)'")  # how a worker finds the pictures to show
JOB = {
    "objects": "Spot; Cube", "style_path": "/styles", "styles": "wave.jpg; night.png",
    "preset": "DRAFT", "style_weight": 2.5, "content_weight": 0.05, "texture_size": 64, "seed": 3,
    "device": "CPU", "output_path": "/out/{timestamp}", "blendfile": "/scene.blend",
}  # fmt: skip


def evaluate(expression, **values):
    """What `expression` is in a fresh engine, in strict mode, which is Flamenco's."""
    parts = ('"use strict";', FLAMENCO.read_text(), SCRIPT.read_text(), expression)
    return dukpy.evaljs("\n".join(parts), **values)


def compiled(**changes):
    return evaluate("compiled(dukpy.job)", job={**JOB, **changes})


def words_of(task):
    """The arguments of the task's only command, after the extension's own name."""
    (one,) = task["commands"]
    arguments = one["parameters"]["args"]
    return arguments[arguments.index("--command") + 2 :]


def parsed(task):
    """What the extension's own command line takes them for."""
    return vars(parser().parse_args(words_of(task)))


@cache
def parser():
    return command.make_parser()


@pytest.fixture(scope="module")
def job_type():
    return evaluate("JOB_TYPE")


@pytest.fixture
def evals(job_type, scene):
    """The value of a setting, found as Flamenco's add-on does; takes its key and others' values."""

    class Values:
        pass

    def find(key, **others):
        (expression,) = (s["eval"] for s in job_type["settings"] if s["key"] == key)
        values = Values()
        vars(values).update(others)
        names = {
            "bpy": bpy, "C": bpy.context, "jobname": "job", "Path": Path, "settings": values,
            "abspath": lambda path: Path(bpy.path.abspath(str(path))).absolute(),
            "last_n_dir_parts": lambda n: Path(*Path("/a/b/c").parts[-n:]) if n else Path(),
        }  # fmt: skip
        return eval(expression, {}, names)

    return find


def test_settings_have_flamencos_shape(job_type):
    assert set(job_type) == {"label", "description", "settings"}
    keys = [setting["key"] for setting in job_type["settings"]]
    assert len(set(keys)) == len(keys)
    for one in job_type["settings"]:
        assert set(one) <= set(KEYS), one
        for name, value in one.items():
            assert isinstance(value, KEYS[name]), (one, name)
        assert one["key"].isidentifier()
        assert one["type"] in TYPES
        if "default" in one:
            assert isinstance(one["default"], TYPES[one["type"]])
        assert one.get("subtype", "dir_path") in SUBTYPES
        assert one.get("visible", "visible") in VISIBLE
        if "choices" in one:
            assert one["type"] == "string"
            assert one["default"] in one["choices"]
        if "eval" in one:
            compile(one["eval"], one["key"], "eval")
        if not one.get("editable", True):
            assert "eval" in one or "default" in one
        assert one.get("evalInfo", {}).keys() <= {"showLinkButton", "description"}


def test_settings_are_the_engines(job_type):
    engine, shared = asdict(Settings()), set()
    for one in job_type["settings"]:
        if (name := one["key"]) not in engine:
            continue
        shared.add(name)
        assert one["default"] == engine[name]
        assert one.get("choices", []) == list(CHOICES.get(name, []))
        low, high = RANGES.get(name, (None, None))
        limits = one.get("propargs", {})
        assert (limits.get("min"), limits.get("max")) == (low, high)
    assert {"preset", "style_weight", "content_weight", "texture_size", "seed"} <= shared


def test_a_task_for_each_object_and_picture():
    tasks = compiled()["tasks"]
    assert [(*parsed(task)["object"], parsed(task)["style"]) for task in tasks] == [
        (name, f"/styles/{style}")
        for name in ("Spot", "Cube")
        for style in ("wave.jpg", "night.png")
    ]
    assert tasks[0]["name"] == "Spot in the style of wave.jpg"
    assert {task["type"] for task in tasks} == {"blender"}
    parameters = tasks[0]["commands"][0]["parameters"]
    assert (parameters["exe"], parameters["exeArgs"]) == ("{blender}", "{blenderArgs}")
    assert parameters["blendfile"] == "/scene.blend"


def test_the_command_takes_every_argument():
    taken = parsed(compiled()["tasks"][0])
    folder = "/out/2026-01-31_235959"
    assert taken == {
        "object": ["Spot"], "image": None, "style": "/styles/wave.jpg", "preset": "DRAFT",
        "style_weight": 2.5, "content_weight": 0.05, "texture_size": 64, "seed": 3,
        "device": "CPU", "output": f"{folder}/Spot_wave.png",
        "report": Path(f"{folder}/Spot_wave.json"), "save": False,
    }  # fmt: skip
    command.check_comparison(taken, None)


def test_the_jobs_page_tells_the_real_folder():
    assert compiled()["settings"]["output_path"] == "/out/2026-01-31_235959"


names = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters=";"), min_size=1, max_size=6
).filter(lambda name: name == name.strip())


@settings(max_examples=30)
@given(objects=st.lists(names, min_size=1, max_size=4), styles=st.lists(names, min_size=1))
def test_any_names_give_files_that_differ(objects, styles):
    """Whatever is in a name, a task paints that object, into a file of its own."""
    objects = [*objects, "-x", "a/b", "a:b", "A_B"]
    tasks = compiled(objects=";".join(objects), styles=";".join(styles))["tasks"]
    assert len(tasks) == len(set(objects)) * len(set(styles))
    taken = [parsed(task) for task in tasks]
    assert {*chain.from_iterable(one["object"] for one in taken)} == set(objects)
    files = {one["output"].lower() for one in taken}
    assert len(files) == len(tasks)
    assert {file.count("/") for file in files} == {3}


@pytest.mark.parametrize("key", ["objects", "styles", "output_path"])
def test_an_empty_setting_is_refused(key):
    with pytest.raises(dukpy.JSRuntimeError, match=f"Setting {key} is empty"):
        compiled(**{key: ""})


def test_values_that_flamenco_finds(evals, tmp_path):
    add_cube("Left")
    right = add_cube("Right")
    bpy.ops.object.light_add()
    for obj in bpy.context.scene.objects:
        obj.select_set(True)
    assert sorted(evals("objects").split("; ")) == ["Left", "Right"]
    right.select_set(False)
    assert evals("objects") == "Left"
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    assert evals("styles", style_folder=str(tmp_path)) == "a.jpg; b.PNG"
    assert evals("styles", style_folder="") == ""
    assert evals("style_path", style_folder=str(tmp_path)) == str(tmp_path)
    found = evals("output_path", output_root=str(tmp_path), add_path_components=2)
    assert found == str(tmp_path / "b" / "c" / "job" / "{timestamp}")


def test_a_task_paints_and_tells_the_worker(scene, style, tmp_path, monkeypatch, capfd):
    """Its two parts one after the other, as Blender runs them."""
    texture = save_png(tmp_path / "painted.png", stripes(16, 16))
    stand_in(tmp_path, painter(texture, {"style_distance": 0.125}), monkeypatch)
    add_material(add_cube("Spot"), "m")
    (task,) = compiled(
        objects="Spot", styles=style.name, style_path=str(style.parent),
        output_path=str(tmp_path / "not there yet" / "{timestamp}"),
    )["tasks"]  # fmt: skip
    arguments = task["commands"][0]["parameters"]["args"]
    assert arguments[0] == "--python-expr"
    assert arguments[2:4] == ["--command", command.NAME]
    monkeypatch.setattr(sys, "argv", ["blender", "-b", "-y", "/scene.blend", *arguments])
    exec(arguments[1], {})
    capfd.readouterr()
    assert command.run(arguments[4:]) == 0
    stem = tmp_path / "not there yet" / "2026-01-31_235959" / "Spot_stripes"
    saved = SAVED.findall(capfd.readouterr().out)
    assert saved == [f"{stem}.json", f"{stem}.png"]  # a worker shows the last
    assert Path(saved[-1]).read_bytes() == texture.read_bytes()
