"""The add-on from its source, under its own name, in the bpy of this Python."""

import importlib.util
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
from hypothesis import settings

from tests.operators.scenes import (
    ENGINE_PYTHON,
    add_cube,
    add_material,
    new_image,
    quoted,
    save_png,
    stand_in_python,
    stripes,
)

settings.register_profile("no hurry", deadline=None)  # a busy machine is no failure
settings.load_profile("no hurry")

# What a shell runs in the background ignores SIGINT, and so would the engines that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[2]


def _load():
    """Import the folder as `style_transfer_3d`, as Blender would from a repository."""
    name = "style_transfer_3d"
    spec = importlib.util.spec_from_file_location(
        name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


_ADDON = _load()


def leave_old_bpy(status):
    """End the process at once in the bpy module of 4.2, which often crashes at its own end.

    It frees its panels after Python is gone; Blender itself frees them before.
    """
    if bpy.app.version < (4, 5, 0):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def pytest_sessionfinish(session, exitstatus):
    session.config.add_cleanup(lambda: leave_old_bpy(int(exitstatus)))


@pytest.fixture(scope="session", autouse=True)
def addon():
    _ADDON.register()
    yield _ADDON
    _ADDON.unregister()


@pytest.fixture(autouse=True)
def scene(addon, monkeypatch):
    """An empty file; the engine runs in this Python unless a test says otherwise."""
    monkeypatch.delenv("STYLE_TRANSFER_3D_PYTHON", raising=False)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return bpy.context.scene


@pytest.fixture
def cube(scene):
    """A cube with an image, active."""
    obj = add_cube()
    add_material(obj, "m", new_image("artist", stripes(32, 32)))
    return obj


@pytest.fixture
def style(tmp_path):
    """A picture to learn from: 64 x 48 texels of colored stripes."""
    return save_png(tmp_path / "stripes.png", stripes(48, 64))


@pytest.fixture
def chosen_style(scene, style):
    """`style` is the one that the scene's settings name."""
    scene.style_transfer_3d.style = str(style)


@pytest.fixture
def texture(tmp_path):
    """What the engine has painted: a file of 16 x 16 texels."""
    return save_png(tmp_path / "texture.png", stripes(16, 16))


@pytest.fixture
def python_with_torch(scene, monkeypatch):
    """The real engine runs, also where Blender's Python has no torch."""
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", ENGINE_PYTHON)


@pytest.fixture
def few_views(python_with_torch, tmp_path, monkeypatch):
    """The real engine runs and measures what it painted by few small views."""
    module = f"{quoted(ENGINE_PYTHON)} -s -X utf8 -m tests.engine.few_views"
    stand_in_python(tmp_path, f'shift 5; exec {module} "$@"', monkeypatch)  # -s … -m engine


@pytest.fixture
def started_offline(monkeypatch):
    """Blender as `blender --offline-mode` starts it."""
    app = SimpleNamespace(
        online_access=False, online_access_override=True, background=bpy.app.background
    )
    stand_in = SimpleNamespace(app=app, context=bpy.context)
    monkeypatch.setattr("style_transfer_3d.operators.task.bpy", stand_in)
