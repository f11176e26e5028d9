"""Every setting has one default and one range, in Blender and in the engine."""

from contextlib import suppress
from dataclasses import fields
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.engine.settings import Settings
from style_transfer_3d.operators import settings
from style_transfer_3d.operators.request import read_request

from tests.operators.run_requests import given_ones


def properties(owner="operator"):
    if owner == "operator":
        return bpy.ops.object.style_transfer.get_rna_type().properties
    return bpy.context.scene.style_transfer_3d.bl_rna.properties


@pytest.mark.parametrize("owner", ["operator", "scene"])
def test_defaults_are_the_engines(owner):
    for f in fields(Settings):
        if f.name in settings.NAMES:
            # Blender stores its numbers as float32.
            default = np.float32(f.default) if isinstance(f.default, float) else f.default
            found = properties(owner)[f.name]
            array = getattr(found, "is_array", False)
            assert (tuple(found.default_array) if array else found.default) == default


@pytest.mark.parametrize("name", settings.NAMES)
def test_each_has_a_tooltip(name):
    description = properties()[name].description
    assert description
    assert not description.endswith(".")  # Blender adds it


@pytest.mark.parametrize("name", settings.NAMES)
def test_ranges_are_the_engines(name):
    found = properties()[name]
    if found.type == "ENUM":
        for choice in found.enum_items.keys() if name in vars(Settings()) else ():
            Settings(**{name: choice}).validate()
    elif found.type in {"INT", "FLOAT"} and name in vars(Settings()):
        for edge, beyond in ((found.hard_min, -1), (found.hard_max, 1)):
            others = (1.0,) * (found.array_length - 1)
            value, worse = ((e, *others) if others else e for e in (edge, edge + beyond))
            Settings(**{name: value}).validate()
            with pytest.raises(JobError):
                Settings(**{name: worse}).validate()


def test_what_is_not_given_comes_from_the_scene(scene, tmp_path):
    group = scene.style_transfer_3d
    group.style, group.seed, group.texture_size = "/scene.png", 5, 256
    operator = SimpleNamespace(
        properties=SimpleNamespace(is_property_set=lambda name: name == "seed"), seed=0
    )
    request = read_request(operator, scene)
    assert (request.settings.seed, request.settings.texture_size) == (0, 256)
    assert request.styles[0].file.name == "scene.png"
    assert request.output is None


def test_no_style(scene):
    with pytest.raises(JobError, match="Style picture: none is chosen"):
        read_request(given_ones(scene.style_transfer_3d), scene)


@pytest.mark.parametrize("name", ["style", "output", "weights_file"])
def test_double_slash_before_and_after_the_file_is_saved(scene, tmp_path, name):
    group = scene.style_transfer_3d
    group.style = "/style.png"
    setattr(group, name, "//here.png")
    with pytest.raises(JobError, match="is not saved yet"):
        read_request(given_ones(group), scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    request = read_request(given_ones(group), bpy.context.scene)
    found = {
        "weights_file": request.settings.weights_file,
        "style": request.styles[0].file,
        "output": request.output,
    }[name]
    assert str(found) == str(tmp_path / "here.png")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "style_weight": st.floats(),
            "content_weight": st.floats(),
            "texture_size": st.integers(-(2**31), 2**31 - 1),
            "steps": st.integers(-(2**31), 2**31 - 1),
            "seed": st.integers(-(2**31), 2**31 - 1),
            "view_count": st.integers(-(2**31), 2**31 - 1),
            "layer_weights": st.tuples(*[st.floats()] * 5),
        },
    )
)
def test_any_number_gives_a_valid_request_or_a_clear_error(values):
    scene = bpy.context.scene
    operator = given_ones(scene.style_transfer_3d, style="/style.png", **values)
    for name in values:  # as Blender hands them over: clamped to their range
        setattr(operator, name, getattr(scene.style_transfer_3d, name))
    with suppress(JobError):
        read_request(operator, scene).settings.validate()
