"""A picture as a job: a plane of its own aspect, seen straight on by one camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..engine.job import Job, Style, View
from ..engine.mesh import Mesh
from .request import Request

_CORNERS = np.array(((0, 0), (1, 0), (1, 1), (0, 1)), np.float32)  # u right, v up
_FACES = np.array(((0, 1, 2), (0, 2, 3)), np.int64)
_NEAR, _FAR = 0.5, 1.5  # from the camera, which stands at 1 before the plane


def flat_request(request: Request, size: int) -> Request:
    """What of `request` there is to a picture whose larger side is `size` pixels.

    That is all but what only a mesh has: regions, a relief, a shape to hold on to, a size in the
    scene, earlier results that give way.
    """
    return replace(
        request,
        styles=tuple(replace(style, region="") for style in request.styles),
        protect="",
        replace=False,
        settings=replace(
            request.settings,
            texture_size=size,
            relief="NONE",
            stroke_length=0.0,
            content_source="TEXTURE",
        ),
    )


def flat_job(pixels: np.ndarray, request: Request) -> Job:
    """Paint `pixels` (H, W, 3), as `Job.originals` has them; the result has as many texels.

    `request` is a `flat_request`.

    The plane lies in XZ, its larger side 1 long, and is seen along +Y, so that nothing of it is
    hidden, foreshortened or cut off.
    """
    height, width = pixels.shape[:2]
    sides = np.array((width, height), np.float32) / max(width, height)
    flat = (_CORNERS - 0.5) * sides  # (4, 2)
    mesh = Mesh(
        vertices=np.stack((flat[:, 0], np.zeros(4, np.float32), flat[:, 1]), -1),
        faces=_FACES,
        uvs=_CORNERS[_FACES],
        materials=np.zeros(len(_FACES), np.int64),
        textures=np.zeros(len(_FACES), np.int64),
    )
    size = max(width, height)
    first, *others = (Style(style.file, style.weight) for style in request.styles)
    return Job(
        mesh,
        first,
        request.settings,
        (pixels,),
        (straight_on(width / size, height / size),),
        more_styles=tuple(others),
        shapes=((height, width),),
    )


def straight_on(width: float, height: float) -> View:
    """An orthographic camera before the plane y = 0 that sees just `width` x `height` of it."""
    world_to_camera = np.array(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, -1), (0, 0, 0, 1)))
    depth = _FAR - _NEAR
    projection = np.diag((2 / width, 2 / height, -2 / depth, 1.0))
    projection[2, 3] = -(_FAR + _NEAR) / depth
    return View(
        name="straight on",
        world_to_camera=world_to_camera.astype(np.float32),
        projection=projection.astype(np.float32),
        aspect=width / height,
    )
