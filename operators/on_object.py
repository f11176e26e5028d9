"""A mesh object being painted: found again and given its texture, whatever happened meanwhile."""

from __future__ import annotations

import bpy
import numpy as np

from . import preview, worker
from .export import export, fingerprint
from .running import Subject
from .settings import Request
from .write_back import check_outputs, load, make_recipe, write_back


class OnObject(Subject):
    """The active object, as a run's subject.

    Raises:
        JobError: if it cannot be painted.
    """

    kind = "object"

    def __init__(self, context: bpy.types.Context, request: Request) -> None:
        check_outputs(request)
        obj = context.object
        assert obj
        self.name: str = obj.name
        made = export(obj, context, request)
        self.job, self.warnings = made.job, made.warnings
        self._request, self._slots, self._uv_map = request, made.slots, made.uv_map
        self._uid = obj.session_uid
        self._fingerprint = fingerprint(obj)

    def show(self, pixels: np.ndarray) -> None:
        """Show a preview on the object."""
        obj = self._object()
        if obj:
            preview.show(obj, self._slots, pixels)

    def deliver(self, done: worker.Done | worker.Compared, sha256s: list[str]) -> list[str]:
        """Put the finished texture on the object; see `running.Subject`."""
        assert isinstance(done, worker.Done)
        made_on = {"uv_map": self._uv_map, "views": self._request.views}
        recipe = make_recipe(self._request, sha256s, made_on, done.report)
        obj = self._object()
        if obj:
            written = write_back(obj, self._slots, done, recipe, self._request)
            changed = obj.mode == "OBJECT" and fingerprint(obj) != self._fingerprint
            text = f"Mesh of {obj.name!r} has changed meanwhile: the texture fits its earlier UVs"
            return [*written.warnings, *([text] if changed else [])]
        painted = load(self.name, done, recipe, self._request)
        for image in filter(None, (painted.image, painted.relief)):
            image.use_fake_user = True
        kept = f"its texture is kept as image {painted.image.name!r}"
        return [f"Object {self.name!r} is gone; {kept}"]

    def _object(self) -> bpy.types.Object | None:
        """The object as it is now, whatever it is called; None if it was deleted."""
        return next((o for o in bpy.data.objects if o.session_uid == self._uid), None)
