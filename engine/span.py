"""How much of the object the frames of views span, and so how long a pixel is on it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .barycentric import interpolate
from .job import View
from .nearest import visible
from .surface import pixel_size
from .views import MARGIN, framed

PROBE = 64  # larger side in pixels of the frames that are looked at for it


def span_of(views: Sequence[View], vertices: Tensor, faces: Tensor) -> float:
    """What the larger side of a frame spans on the object, world units; > 0.

    That is the object's largest side where views fit all of it. One that stands before a part
    spans less: then it is the least of what views span at the median depth of what they show, so
    that this over the side of a frame in pixels is how long a pixel is where it is shortest.

    Args:
        views: of the job; none stands for the sphere around the object.
        vertices: (V, 3) float32, world space.
        faces: (F, 3) int64.
    """
    used = vertices[faces.unique()]
    spans = [float((used.amax(0) - used.amin(0)).max())]
    for view in views:
        camera = framed(view, used.cpu(), PROBE)
        clip = camera.clip(vertices)
        pix_to_face, bary = visible(clip, faces, camera.size)
        seen = pix_to_face >= 0
        if bool(seen.any()):
            w = interpolate(clip[:, 3:][faces[pix_to_face[seen]]], bary[seen])
            spans.append(float(w.median()) * pixel_size(camera) * (PROBE - 2 * MARGIN))
    return min(spans)
