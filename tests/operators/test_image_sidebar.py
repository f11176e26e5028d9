"""The tab Style of the Image Editor: what it shows and offers in each state."""

import bpy
import numpy as np
import pytest
from style_transfer_3d.operators import image_editors, messages, preview, running, settings
from style_transfer_3d.operators.on_image import OnImage
from style_transfer_3d.operators.recipe import RECIPE
from style_transfer_3d.operators.running import Run
from style_transfer_3d.panels.problem import image_problem

from tests.operators.image_editor import open_editor
from tests.operators.layouts import Panel
from tests.operators.run_requests import given_ones
from tests.operators.scenes import ENGINE_PYTHON, HANGS, dump, new_image, stand_in, stripes

START, CANCEL, KEEP = (
    f"{kind}.style_transfer{end}"
    for kind, end in (("image", ""), ("object", "_cancel"), ("object", "_keep"))
)
PREVIEW = np.linspace(0, 1, 8 * 12 * 4, dtype=np.float32).reshape(8, 12, 4)
PREVIEW[..., 3] = 1


@pytest.fixture
def editor(scene, style, monkeypatch):
    """An Image Editor in which all is ready for a run."""
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", ENGINE_PYTHON)
    scene.style_transfer_3d.style = str(style)
    with open_editor(new_image("photo", stripes(64, 96))) as space:
        yield space


def draw(name=""):
    """What the panel, or one of its sub-panels, draws."""
    return Panel.draw(getattr(bpy.types, f"IMAGE_PT_style_transfer{name and '_' + name}"))


def test_ready(editor):
    assert draw().buttons() == {START: ("Paint photo", True)}
    assert draw().texts() == ""
    assert draw("result") is None


def test_no_image(editor):
    editor.image = None
    assert draw().buttons() == {START: ("Paint", False)}
    assert draw().texts() == "Image: none is shown. Open one in the Image Editor"


def test_what_else_is_in_the_way(editor, monkeypatch):
    group = bpy.context.scene.style_transfer_3d
    group.views = "CAMERAS"  # which a picture has no use for
    assert image_problem(bpy.context) is None
    group.style = "/no/such.png"
    assert "there is no such file" in draw().texts()
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", "/no/python")
    assert "'/no/python'" in draw().texts()


def test_every_setting_is_in_one_place(editor):
    places = [p for name in ("", "strokes", "advanced") for p in draw(name).props()]
    names = {name.partition("[")[0] for name in places}
    assert len(places) == len(set(places))
    assert names | {"more_styles"} == set(settings.NAMES) - set(settings.OF_OBJECTS)
    operator = bpy.ops.image.style_transfer.get_rna_type().properties.keys()
    assert set(operator) >= names | {"more_styles"}
    assert not set(operator) & set(settings.OF_OBJECTS)


def test_a_result(editor):
    editor.image[RECIPE] = '{"report": {"style_distance": 0.5}}'
    assert draw("result").texts() == "photo From Picture 0.50 (0: the same)"


@pytest.fixture
def run(editor, scene, style, tmp_path, monkeypatch):
    stand_in(tmp_path, HANGS, monkeypatch)

    def begin(_context, request):
        return OnImage(editor.image, image_editors.number(editor), request)

    operator = given_ones(scene.style_transfer_3d)
    with Run(operator, bpy.context, begin, watched=True) as run:
        running.state(bpy.context).begin()
        yield run


def test_a_run(run):
    state = running.state(bpy.context)
    state.hear(messages.Progress(3, 10, {"style": 0.5}, seconds=30.0, share=0.25))
    panel = draw()
    assert "Painting photo" in panel.texts()
    assert ("progress", 0.25, "Step 3/10, 1:30 left", True) in panel.drawn
    assert set(panel.buttons()) == {CANCEL, KEEP}
    assert not any(panel.props().values())


def test_the_preview_gives_way_to_the_original(editor, run):
    photo = editor.image
    before = dump()
    for pixels in (PREVIEW, PREVIEW.repeat(2, 0).repeat(2, 1)):
        run.subject.show([pixels])
        assert editor.image.name == preview.NAME
        assert tuple(editor.image.size) == tuple(photo.size)
        found = np.array(editor.image.pixels[:]).reshape(64, 96, 4)
        assert np.allclose(found[4::8, 4::8], PREVIEW, atol=1 / 255)
    run.close()
    assert editor.image == photo
    assert dump() == before


def test_the_preview_leaves_another_image_alone(editor, run):
    other = editor.image = new_image("other", stripes(64, 64))
    run.subject.show([PREVIEW])
    assert editor.image == other


def test_the_original_is_deleted_meanwhile(editor, run):
    run.subject.show([PREVIEW])
    bpy.data.images.remove(bpy.data.images["photo"])
    run.subject.show([PREVIEW])
    run.close()
    assert editor.image is None
