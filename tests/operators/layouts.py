"""Stands in for Blender's layout, which a Blender without a window never makes."""

from types import FunctionType, MethodType

import bpy


class Recorder:
    """Takes whatever a panel draws, as Blender's layout does, and remembers it.

    A property or an operator that is not there raises here as it would there.
    """

    def __init__(self, root=None, *, enabled=True):
        self._root = root or self
        self._enabled = enabled
        if root is None:
            self.drawn = []

    @property
    def enabled(self):
        return self._enabled

    @enabled.setter
    def enabled(self, value):
        self._enabled = bool(value) and self._enabled

    def _inner(self, **options):
        for name in options:
            assert name in {"align", "factor", "heading"}
        return Recorder(self._root, enabled=self._enabled)

    row = column = box = split = _inner

    def separator(self):
        pass

    def _note(self, kind, what, text=""):
        self._root.drawn.append((kind, what, text, self._enabled))

    def label(self, *, text="", icon="NONE", translate=True):
        self._note("label", text)

    def prop(self, data, name, *, text=None, expand=False, index=-1, placeholder="", icon="NONE"):
        known = data.bl_rna.properties[name]
        assert known.name
        assert known.description
        self._note("prop", name if index < 0 else f"{name}[{index}]", text)

    def prop_search(self, data, name, searched, collection):
        assert data.bl_rna.properties[name].description
        assert hasattr(searched, collection)
        self._note("prop", name)

    def prop_enum(self, data, name, value, *, text=""):
        assert value in data.bl_rna.properties[name].enum_items
        self._note("prop_enum", f"{name}={value}", text)

    def operator(self, name, *, text=None, icon="NONE", translate=True):
        category, function = name.split(".")
        known = getattr(getattr(bpy.ops, category), function).get_rna_type()
        assert known.description
        self._note("operator", name, known.name if text is None else text)
        return type("Properties", (), {})()

    def progress(self, *, factor, text):
        assert 0 <= factor <= 1
        self._note("progress", factor, text)

    def template_icon(self, icon, *, scale):
        assert icon
        self._note("template_icon", icon)

    def popover(self, *, panel, icon, text):
        assert hasattr(bpy.types, panel)
        self._note("popover", panel, text)

    def context_pointer_set(self, name, data):
        pass

    # What a test asks.

    def texts(self):
        """All that is said, in one line."""
        return " ".join(text or what for kind, what, text, _on in self.drawn if kind == "label")

    def buttons(self):
        """Operator -> (text, enabled)."""
        return {what: (text, on) for kind, what, text, on in self.drawn if kind == "operator"}

    def props(self):
        """Property -> enabled."""
        return {what: on for kind, what, _text, on in self.drawn if kind == "prop"}


class Panel:
    """Stands in for the panel, which Blender alone can make."""

    def __init__(self, kind):
        self.layout = Recorder()
        self._kind = kind

    def __getattr__(self, name):
        if name == "bl_idname" and not hasattr(self._kind, name):
            return self._kind.__name__
        found = getattr(self._kind, name)
        return MethodType(found, self) if isinstance(found, FunctionType) else found

    @classmethod
    def draw(cls, kind):
        """What a panel of this kind draws in the present context; None if it does not show."""
        if hasattr(kind, "poll") and not kind.poll(bpy.context):
            return None
        panel = cls(kind)
        kind.draw(panel, bpy.context)
        return panel.layout
