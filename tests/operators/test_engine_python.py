"""Which Python is found, with files and folders that really are so."""

import json
import os
import sys
import time
from types import SimpleNamespace

import bpy
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import engine_python, environment
from style_transfer_3d.operators.engine_python import NotInstalled, find
from style_transfer_3d.operators.needs import PACKAGES
from style_transfer_3d.operators.worker import PYTHON_VARIABLE


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty user folder."""
    monkeypatch.setattr(engine_python, "user_folder", lambda *, create=False: tmp_path)
    return tmp_path


@pytest.fixture
def chosen(monkeypatch):
    """The add-on's preferences, in which nothing is set."""
    found = SimpleNamespace(engine_python="", weights_file="", build="AUTO")
    monkeypatch.setattr(engine_python, "preferences", lambda: found)
    return found


@pytest.fixture
def bare(monkeypatch):
    """Blender's own Python without torch: with an empty folder for what is installed."""
    monkeypatch.setattr("site.getsitepackages", list)


def make_program(path, mode=0o755):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def make_environment(folder, **changes):
    """What a whole private environment looks like from outside."""
    make_program(environment.python_in(folder / "engine"))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    marker = {"base": os.path.realpath(sys.executable), "version": version, "says": "PyTorch 2"}
    (folder / "engine" / environment.MARKER).write_text(json.dumps(marker | changes))
    return str(environment.python_in(folder / "engine"))


def test_the_order(folder, chosen, monkeypatch):
    monkeypatch.setattr(environment, "has_package", lambda name: True)
    assert find() == engine_python.EnginePython(sys.executable, "Blender's own Python")
    private = make_environment(folder)
    assert find().path == private
    named = make_program(folder / "named")
    monkeypatch.setenv(PYTHON_VARIABLE, str(named))
    assert (find().path, PYTHON_VARIABLE in find().origin) == (str(named), True)
    chosen.engine_python = str(make_program(folder / "chosen"))
    assert (find().path, "preferences" in find().origin) == (chosen.engine_python, True)


@pytest.mark.parametrize("missing", PACKAGES)
def test_blenders_own_must_have_all(monkeypatch, missing):
    monkeypatch.setattr(environment, "has_package", lambda name: name != missing)
    with pytest.raises(NotInstalled, match="a Python there that has torch, torchvision, numpy and"):
        find()


def test_one_may_be_named_without_its_folder(monkeypatch, folder):
    make_program(folder / "bin" / "python_of_mine")
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv(PYTHON_VARIABLE, "python_of_mine")
    assert find().path == str(folder / "bin" / "python_of_mine")


@pytest.mark.parametrize("who", ["preferences", "environment"])
def test_one_that_cannot_run_is_refused(who, folder, chosen, monkeypatch):
    def why(path):
        if who == "preferences":
            chosen.engine_python = str(path)
        else:
            monkeypatch.setenv(PYTHON_VARIABLE, str(path))
        with pytest.raises(JobError) as caught:
            find()
        assert not isinstance(caught.value, NotInstalled)
        assert repr(str(path)) in caught.value.what
        assert ("preferences" if who == "preferences" else PYTHON_VARIABLE) in caught.value.cure
        return caught.value.why

    assert why(folder / "none") == "there is no such file"
    assert why(make_program(folder / "plain", 0o644)) == "it is not executable"
    assert why(folder) == "it is a folder"
    assert why("~nobody_of_that_name/python") == "there is no such file"


def test_a_program_is_looked_for_by_its_text(folder, chosen, monkeypatch):
    """On Windows, Python 3.11 looks for nothing else."""
    chosen.engine_python = str(make_program(folder / "chosen"))
    asked = []
    monkeypatch.setattr(engine_python.shutil, "which", lambda name: asked.append(name) or name)
    find()
    assert asked == [chosen.engine_python]


def test_without_torch_the_install_button_mends_it(bare):
    with pytest.raises(NotInstalled, match="Press Install PyTorch"):
        find()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / environment.MARKER).unlink(), "not finished"),
        (lambda f: (f / environment.MARKER).write_text("{}"), "damaged"),
        (lambda f: (f / environment.MARKER).write_text("[1, 2"), "damaged"),
        (lambda f: environment.python_in(f).unlink(), "is missing"),
        (lambda f: make_environment(f.parent, base="/no/python"), "'/no/python'"),
        (lambda f: make_environment(f.parent, version="3.7"), "made for Python 3.7"),
    ],
)
def test_a_broken_private_environment_is_not_used(damage, words, folder, bare):
    make_environment(folder)
    assert find().path.startswith(str(folder))
    damage(folder / "engine")
    with pytest.raises(NotInstalled) as caught:
        find()
    assert words in caught.value.why
    assert caught.value.cure == "Install it again"


def test_it_is_fast_enough_to_be_asked_whenever_a_panel_is_drawn(folder, bare):
    """Where it takes longest: a broken environment, and no torch."""
    (folder / "engine").mkdir()
    times = []
    for _ in range(100):
        begun = time.perf_counter()
        with pytest.raises(NotInstalled):
            find()
        times.append(time.perf_counter() - begun)
    assert sorted(times)[50] < 1e-3


def test_it_notices_at_once_what_is_installed(folder, bare):
    with pytest.raises(NotInstalled):
        find()
    make_environment(folder)
    assert find().path.startswith(str(folder))
    assert environment.description(folder / "engine") == "PyTorch 2"


def test_a_package_is_found_without_importing_it():
    before = set(sys.modules)
    assert environment.has_package("pytest")
    assert not environment.has_package("no_such_package")
    assert not environment.has_package("torch") or "torch" not in set(sys.modules) - before


def test_vgg19_weights(folder, chosen):
    assert engine_python.vgg19_weights() is None
    fetched = folder / "vgg19_features.pt"
    fetched.touch()
    assert engine_python.vgg19_weights() == fetched
    chosen.weights_file = "/no/vgg19.pth"
    assert str(engine_python.vgg19_weights()) == "/no/vgg19.pth"
    chosen.weights_file = "~nobody_of_that_name/vgg19.pth"
    assert not engine_python.vgg19_weights().is_file()


def test_the_preferences_are_those_of_the_add_on():
    assert engine_python.preferences() is None
    addon = bpy.context.preferences.addons.new()
    addon.module = "style_transfer_3d"
    try:
        found = engine_python.preferences()
        found.engine_python = "/no/python"
        with pytest.raises(JobError, match="'/no/python'"):
            find()
    finally:
        bpy.context.preferences.addons.remove(addon)


def test_the_user_folder(monkeypatch, tmp_path):
    monkeypatch.undo()
    folder = engine_python.user_folder()
    assert folder.name == "style_transfer_3d"
    assert str(folder).startswith(bpy.utils.user_resource("DATAFILES"))
    (tmp_path / "file").touch()
    monkeypatch.setattr(bpy.utils, "user_resource", lambda *_, **__: str(tmp_path / "file" / "x"))
    with pytest.raises(JobError, match="it cannot be made"):
        engine_python.user_folder(create=True)
