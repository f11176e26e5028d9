"""A flat picture being painted: an image of Blender's, and the editor that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import bpy
import numpy as np

from ..engine.errors import JobError
from ..engine.settings import RANGES
from . import image_editors, preview
from .flat_job import flat_job, flat_request
from .image_files import with_alphas
from .image_pixels import no_pixels, opacity, pixels
from .messages import Compared, Done
from .output_checks import check_outputs
from .recipe import make_recipe
from .request import Request
from .running import Subject
from .targets import Target
from .write_back import load

LARGEST_PREVIEW = 2048  # pixels on a side; a larger one would hold Blender up


def refusal(image: bpy.types.Image | None) -> JobError | None:
    """Why `image` cannot be painted, as far as it is quick to know; None if it can."""
    if image is None:
        return JobError("Image", "none is shown", "Open one in the Image Editor")
    what = f"Image {image.name!r}"
    if image.source == "VIEWER":
        cure = "Save it (Image > Save As), open the file and paint that"
        return JobError(what, "it is a render result, which is different every time", cure)
    if image.source in {"MOVIE", "SEQUENCE"}:
        kind = "a movie" if image.source == "MOVIE" else "an image sequence"
        return JobError(what, f"it is {kind}", "Save one of its frames and paint that")
    if image.source == "TILED":
        return JobError(what, "it has UDIM tiles, which cannot be painted yet", "Choose another")
    width, height = image.size
    if not width * height:
        return no_pixels(image, "choose another")
    low, high = RANGES["texture_size"]
    if min(width, height) < low or max(width, height) > high:
        cure = f"Scale it (Image > Resize) or cut it to sides of {low} to {high} pixels"
        return JobError(what, f"it has {width} x {height} pixels", cure)
    return None


class OnImage(Subject):
    """A flat picture, as a run's subject; the result is a new image of the same size.

    Args:
        image: the original, which is only read.
        editor: number of the Image Editor that shows it, as of `image_editors.number`; None
            where there is none.
        request: what was asked for.

    Raises:
        JobError: if it cannot be painted.
    """

    kind = "image"

    def __init__(self, image: bpy.types.Image | None, editor: int | None, request: Request) -> None:
        why = refusal(image)
        if why:
            raise why
        assert image
        self.name: str = image.name
        self._request = flat_request(request, max(image.size))
        check_outputs(self._request, [Target(self.name)], may_replace=False)
        self.job = flat_job(pixels(image), self._request)
        self._alpha = opacity(image)
        self._uid, self._editor = image.session_uid, editor

    def show(self, previews: Sequence[np.ndarray]) -> None:
        """Show a preview in the editor, for as long as that shows the original."""
        image = self._image()
        if image:
            (pixels,) = previews
            (shape,) = self.job.texture_shapes
            if max(shape) <= LARGEST_PREVIEW:  # where the original was, to the pixel
                pixels = enlarged(pixels, shape)
            preview.show_in_editor(self._editor, image, pixels)

    def deliver(self, done: Done | Compared, sha256s: list[str]) -> list[str]:
        """Make the new image and show it in the editor; see `running.Subject`."""
        assert isinstance(done, Done)
        recipe = make_recipe(self._request, sha256s, {"image": self.name}, done.report)
        textures = with_alphas(done.textures, (self._alpha,))
        painted = load(Target(self.name), replace(done, textures=textures), recipe, self._request)
        result = painted.image
        result.use_fake_user = True  # nothing else holds it when no editor shows it any more
        image_editors.put(self._editor, self._image(), result)
        return []

    def _image(self) -> bpy.types.Image | None:
        """The original as it is now, whatever it is called; None if it was deleted."""
        return next((i for i in bpy.data.images if i.session_uid == self._uid), None)


def enlarged(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`pixels` (h, w, C), each repeated so that they are of `shape`, (H, W, C)."""
    rows, columns = (
        np.arange(new) * old // new for new, old in zip(shape, pixels.shape[:2], strict=True)
    )
    return pixels[rows[:, None], columns]
