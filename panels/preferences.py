"""The add-on's preferences: which Python runs the engine, PyTorch, VGG-19's weights."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from ..engine.errors import JobError
from ..operators import engine_python, environment, fetch_weights, install, wheels
from ..operators.task import Task, is_started_offline
from .layouts import NAMES_SHARE
from .text import draw_text


class StyleTransferPreferences(bpy.types.AddonPreferences):
    """What belongs to this machine and not to a scene."""

    bl_idname = engine_python.ROOT_PACKAGE

    engine_python: StringProperty(
        name="Engine Python",
        description="A Python on this machine that has PyTorch and is to paint. Leave it empty "
        "for the one that Install PyTorch makes",
        subtype="FILE_PATH",
    )
    build: EnumProperty(
        name="Build",
        description="Which PyTorch is installed: it decides what can compute the paint",
        items=[
            ("AUTO", "Automatic", wheels.KINDS["AUTO"]),
            ("CPU", "Processor", wheels.KINDS["CPU"]),
            ("CUDA", "NVIDIA (CUDA)", wheels.KINDS["CUDA"]),
            ("ROCM", "AMD (ROCm)", wheels.KINDS["ROCM"]),
        ],
    )
    weights_file: StringProperty(
        name="VGG-19 File",
        description="The weights of VGG-19 where they are on this machine already (torchvision's "
        "file). Leave it empty for those that Fetch VGG-19 gets",
        subtype="FILE_PATH",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """PyTorch, which nothing works without, before the weights, which are a refinement."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_offline(layout)

        box = layout.box()
        box.label(text="PyTorch, which computes the paint")
        _draw_python(box)
        box.prop(self, "build")
        draw_task(box, install.INSTALL, "wm.style_transfer_3d_install", _install_text())
        if engine_python.private_folder().exists() and not Task.current:
            _button(box).operator("wm.style_transfer_3d_remove")
        box.prop(self, "engine_python")

        box = layout.box()
        box.label(text="VGG-19, which sees strokes and shapes better than the bundled VGG-16")
        _draw_weights(box)
        draw_task(box, fetch_weights.FETCH, "wm.style_transfer_3d_fetch_vgg19", _fetch_text())
        box.prop(self, "weights_file")


def draw_offline(layout: bpy.types.UILayout) -> None:
    """Say that nothing can be downloaded, and offer what mends it, if a setting does."""
    if bpy.app.online_access:
        return
    box = layout.box()
    if is_started_offline():
        text = "Blender was started in offline mode: start it without --offline-mode"
        draw_text(box, text, icon="INTERNET_OFFLINE")
        return
    box.label(text="Blender is kept offline", icon="INTERNET_OFFLINE")
    assert bpy.context.preferences
    row = box.row()
    row.use_property_split = False
    row.prop(bpy.context.preferences.system, "use_online_access")


def draw_task(
    layout: bpy.types.UILayout, name: str, operator: str, text: str, *, indented: bool = True
) -> None:
    """The button that starts a task; its progress while it is going; why it failed the last time.

    Args:
        layout: where it goes.
        name: the task's.
        operator: what starts it.
        text: on the button.
        indented: whether there are fields, and the button stands below them, not below their
            names; else it is as wide as a sidebar.
    """
    task = Task.current
    if task and task.name == name:
        if not indented:  # in a sidebar, where the bar is too short for it
            draw_text(layout, task.status)
        row = layout.row(align=True)
        row.progress(factor=task.share, text=task.status if indented else "")
        row.operator("wm.style_transfer_3d_cancel", text="", icon="X")
        return
    row = _button(layout) if indented else layout.row()
    row.enabled = bpy.app.online_access and not task
    row.operator(operator, text=text)
    if name in Task.failures:
        draw_text(layout, Task.failures[name], icon="ERROR")


def _button(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A row for a button below the fields, not below their names."""
    split = layout.split(factor=NAMES_SHARE)
    split.label()
    return split.row()


def _install_text() -> str:
    return "Install PyTorch Again" if engine_python.private_folder().exists() else install.INSTALL


def _fetch_text() -> str:
    there = engine_python.fetched_vgg19().is_file()
    return "Fetch VGG-19 Again (575 MB)" if there else "Fetch VGG-19 (575 MB)"


def _draw_python(layout: bpy.types.UILayout) -> None:
    """Which Python paints, or why none does."""
    try:
        found = engine_python.find()
    except engine_python.NotInstalled as error:
        if not Task.is_going(install.INSTALL) and install.INSTALL not in Task.failures:
            draw_text(layout, str(error), icon="ERROR")
    except JobError as error:
        draw_text(layout, str(error), icon="ERROR")
    else:
        folder = engine_python.private_folder()
        if found.path == str(environment.python_in(folder)):
            draw_text(layout, f"Installed: {environment.description(folder)}", icon="CHECKMARK")
        else:
            draw_text(layout, f"Paints with {found.origin} ({found.path})", icon="CHECKMARK")


def _draw_weights(layout: bpy.types.UILayout) -> None:
    """Which weights are used."""
    weights = engine_python.vgg19_weights()
    if weights is None:
        draw_text(layout, "Not fetched: VGG-16 is used, unless torchvision has VGG-19", icon="INFO")
    elif not weights.is_file():
        draw_text(layout, f"There is no file {str(weights)!r}", icon="ERROR")
    elif weights == engine_python.fetched_vgg19():
        draw_text(layout, "VGG-19 is here and is used", icon="CHECKMARK")
    else:
        draw_text(layout, "The file named here is used", icon="CHECKMARK")


def register() -> None:
    """Make the preferences known to Blender."""
    bpy.utils.register_class(StyleTransferPreferences)


def unregister() -> None:
    """Take the preferences back."""
    bpy.utils.unregister_class(StyleTransferPreferences)
