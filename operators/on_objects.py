"""Mesh objects being painted: found again and given their textures, whatever happened meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import bpy
import numpy as np

from . import preview
from .export import export
from .image_files import with_alphas
from .messages import Compared, Done
from .output_checks import check_outputs
from .read_mesh import fingerprint
from .recipe import make_recipe
from .request import Request
from .running import Subject
from .selection import selection
from .write_back import write_back


class OnObjects(Subject):
    """The selected meshes, as a run's subject.

    Raises:
        JobError: if one of them cannot be painted.
    """

    kind = "object"

    def __init__(self, context: bpy.types.Context, request: Request) -> None:
        chosen = selection(context)
        self.name: str = chosen.name
        made = export(chosen.meshes, context, request)
        check_outputs(request, made.targets)
        self.job, self.warnings = made.job, (*chosen.warnings, *made.warnings)
        self._request, self._targets, self._alphas = request, made.targets, made.alphas
        self._fingerprints = {
            obj.session_uid: fingerprint(obj, request.uv_map) for obj in chosen.meshes
        }

    def show(self, previews: Sequence[np.ndarray]) -> None:
        """Show previews, one for each texture of the job, on the objects."""
        for number, target in enumerate(self._targets):
            preview.show(number, target, [previews[texture] for texture in target.textures])

    def deliver(self, done: Done | Compared, sha256s: list[str]) -> list[str]:
        """Put the finished textures on the objects; see `running.Subject`."""
        assert isinstance(done, Done)
        recipes = [
            make_recipe(
                self._request,
                sha256s,
                {"uv_map": ", ".join(target.uv_maps), "views": self._request.views},
                done.report,
            )
            for target in self._targets
        ]
        textures = with_alphas(done.textures, self._alphas)
        warnings = write_back(
            self._targets, replace(done, textures=textures), recipes, self._request
        )
        return [*warnings, *self._changed()]

    def _changed(self) -> list[str]:
        return [
            f"Mesh of {obj.name!r} has changed meanwhile: the texture fits its earlier UVs"
            for obj in bpy.data.objects
            if obj.session_uid in self._fingerprints
            and obj.type == "MESH"
            and fingerprint(obj, self._request.uv_map) != self._fingerprints[obj.session_uid]
        ]
