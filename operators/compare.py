"""object.style_transfer_compare: drafts side by side on one sheet, to choose from by eye."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import bpy

from ..engine.errors import JobError
from . import image_editors, preview
from .compare_settings import (
    CompareProperties,
    CompareRequest,
    DraftProperties,
    read_comparison,
)
from .messages import Compared, Done, Message
from .on_objects import OnObjects
from .output_checks import check_output
from .recipe import RECIPE
from .request import Request
from .running import Run
from .stylize import OnObjectsOperator
from .write_back import load_one


class Comparing(OnObjects):
    """The variants of the selected meshes, as a run's subject; they keep their look.

    Raises:
        JobError: if one of them cannot be painted.
    """

    options = ("--compare",)

    def __init__(self, context: bpy.types.Context, asked: CompareRequest) -> None:
        super().__init__(context, replace(asked.base, output=None, output_as_given=""))
        self._request, self._comparison = asked.base, asked.comparison
        self.warnings = (*self.warnings, *asked.warnings)
        self._first = asked.base.styles[0].file
        if asked.base.output:
            pictures = [style.file for style in asked.base.styles]
            pictures += [variant.style for variant in asked.comparison.variants if variant.style]
            check_output(asked.base.output, pictures)

    def save(self, folder: Path) -> None:
        """Write the job and its variants."""
        self._comparison.jobs(self.job)
        super().save(folder)
        try:
            self._comparison.save(folder)
        except OSError as error:
            raise JobError(
                "Pictures",
                f"they cannot be copied to {str(folder)!r} ({error.strerror})",
                "Free some space there, or choose pictures that can be read",
            ) from error

    def preview(self, files: Sequence[Path]) -> None:
        """Show the sheet so far in the Image Editor; one that cannot be read is left out."""
        (file,) = files
        with suppress(RuntimeError):
            preview.show_sheet(file)

    def deliver(self, done: Done | Compared, sha256s: list[str]) -> list[str]:
        """Keep the sheet as an image and show it, if an Image Editor is open."""
        assert isinstance(done, Compared)
        self.image = load_one(f"{self.name} sheet", done.sheet, self._request)
        self.image[RECIPE] = self._recipe()
        self.image.use_fake_user = True
        image_editors.show_first(self.image)
        return []

    def _recipe(self) -> str:
        """What each cell was made with, as JSON; files without their folders."""
        variants = [
            {**asdict(variant), "style": (variant.style or self._first).name}
            for variant in self._comparison.variants
        ]
        return json.dumps({"columns": self._comparison.columns, "variants": variants})


class OBJECT_OT_style_transfer_compare(DraftProperties, CompareProperties, OnObjectsOperator):
    """Runs as object.style_transfer does: modal from the button, blocking elsewhere."""

    bl_idname = "object.style_transfer_compare"
    bl_label = "Compare Styles"
    bl_description = (
        "Paint drafts of the selected meshes with other weights, seeds or pictures, and show them "
        "side by side on one sheet in the Image Editor; they keep their look"
    )

    def begin(self, context: bpy.types.Context, _request: Request) -> Comparing:
        """The selected meshes, and what differs."""
        assert context.scene
        return Comparing(context, read_comparison(self, context.scene))

    def _hear(self, run: Run, message: Message) -> None:
        super()._hear(run, message)
        if isinstance(run.subject, Comparing) and isinstance(message, Compared):
            self.report({"INFO"}, f"The sheet is image {run.subject.image.name!r}")


def register() -> None:
    """Make the operator known to Blender."""
    bpy.utils.register_class(OBJECT_OT_style_transfer_compare)


def unregister() -> None:
    """Take the operator back."""
    bpy.utils.unregister_class(OBJECT_OT_style_transfer_compare)
