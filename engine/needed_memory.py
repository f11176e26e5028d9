"""How much memory a run needs, foretold from its sizes.

Sums of what each part of a run holds at once, beyond what the process has with torch and its job
loaded. The factors were measured on a processor; a GPU holds the same tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .backbone import CHANNELS, CONVOLUTIONS
from .critic import LARGEST_PICTURE
from .field import COARSEST, RATIO
from .held_out import SIDE as HELD_OUT_SIDE
from .job import Job
from .plans import count_views, finest_voxel
from .report import NEAR
from .samples import SIDE
from .schedule import CLOSE_COVERED, Scale, schedule
from .span import span_of

SEEN_BY_MANY = 4  # the mean outline of what is convex is this part of its surface (Cauchy 1841)
CORNERS = 4.7  # of all lattices, for each of the finest voxels

# Bytes, each with what it is for.
WEIGHT = 6  # a parameter, and what reading it leaves behind
FACE = 300  # a face while it is rasterized
SAMPLE, SAMPLING = 21, 130  # a sample in the atlas, and while it is made
CORNER, CORNERING = 90, 15  # a corner with its optimiser's state, and while it is found
SETTLED = 12  # a corner's value as it was when whole views began to settle them
COLOR, MIPS = 12, 16  # a texel, and with its mip levels
POINT, LOOKUP = 102, 68  # a surface point of a planned view, and in each of its lattices
FRAME = 18  # a pixel of a planned view: how the network looks at it
REGION = 16  # the same for each style
CONTENT = 32  # a pixel of a whole view whose content target's features are kept
SEEN, SEEN_BY_STYLE = 5000, 500  # a pixel that goes through the network and back
STEP = 40e6  # a step besides
DESCRIBED = 1400  # a pixel of a style picture that goes through the network
RESIZED = 24  # a pixel of a whole style picture while it is resized
OCTAVES = 160  # a pixel of a style picture whose finest octaves are told apart
BLOCK = 120e6  # what is baked at once, in each part
COVER = 6  # a texel while margins are filled
MEASURED, MEASURING = 100e6, 165e6  # the views that are measured, and each while it is
WRITTEN = 7  # a texel while its file is written


@dataclass(frozen=True)
class Sizes:
    """What the memory of a run depends on.

    Attributes:
        view: larger side of the largest views, in pixels.
        planned: pixels of the views planned at once.
        whole: pixels of all whole views of a scale.
        covered: share of a view that shows the mesh, 0-1.
        lattices: that a view looks up.
        picture: pixels of a style picture that the network sees at once.
        resized: pixels of that picture, whole.
        judged: pixels of a style picture that the network sees at once, in the measures' size.
        near: pixels of a whole one where speckle is measured.
        styles: pictures.
        samples: points on which the field is built.
        voxels: of the finest lattice, along the surface.
        faces: of the mesh.
        weights: parameters of the network.
        originals: texels of all images that the mesh shows.
        textures: texels of all results.
        largest: texels of the largest of these.
        relief: bytes of a texel's relief.
        at_once: parts of the textures and views of the measures that are under way at once.
    """

    view: int
    planned: int
    whole: int
    covered: float
    lattices: int
    picture: int
    resized: int
    judged: int
    near: int
    styles: int
    samples: int
    voxels: int
    faces: int
    weights: int
    originals: int
    textures: int
    largest: int
    relief: int
    at_once: int

    @classmethod
    def of(
        cls,
        job: Job,
        pictures: Sequence[Tensor],
        network: str,
        notch: int,
        *,
        places: int = 1,
        at_once: int = 1,
    ) -> Sizes:
        """Those of a run at that notch of `schedule`.

        Args:
            job: validated.
            pictures: (3, H, W) of each of its styles.
            network: name of the backbone.
            notch: of `schedule`.
            places: views of a step that the process paints; it plans one for each, at least.
            at_once: as of `side_by_side`, of the device.
        """
        scales = schedule(job.settings, notch=notch)
        extent, area = _extent_and_area(job)
        unit, strokes = max(scale.unit for scale in scales), job.settings.strokes(extent)
        texels = [math.prod(shape) for shape in job.texture_shapes]
        samples = min(sum(texels), SIDE**2)
        mesh = (torch.from_numpy(each) for each in (job.mesh.vertices, job.mesh.faces))
        finest = max(span_of(job.views, *mesh) * finest_voxel(job, unit), math.sqrt(area / samples))
        outline = area / extent**2 / (1 if job.views else SEEN_BY_MANY)
        near = CLOSE_COVERED if any(scale.zoom > 1 for scale in scales) else 0.0
        reliefs = {"NONE": 0, "BUMP": 4, "NORMAL": 12}
        return cls(
            view=max(scale.size for scale in scales),
            planned=max(min(max(s.together, places), _cameras(job, s)) * s.size**2 for s in scales),
            whole=max((_cameras(job, s) * s.size**2 for s in scales if s.zoom == 1), default=0),
            covered=max(min(outline, 1.0), near),
            lattices=1 + max(0, math.ceil(math.log(extent * COARSEST / finest, RATIO))),
            picture=max(_piece(each, unit * strokes) for each in pictures),
            resized=max(_whole(each, unit * strokes) for each in pictures),
            judged=max(_piece(each, HELD_OUT_SIDE * strokes) for each in pictures),
            near=max(_whole(each, HELD_OUT_SIDE * NEAR * strokes) for each in pictures),
            styles=len(pictures),
            samples=samples,
            voxels=round(area / finest**2),
            faces=len(job.mesh.faces),
            weights=_parameters(network),
            originals=sum(math.prod(image.shape[:2]) for image in job.originals),
            textures=sum(texels),
            largest=max(texels),
            relief=reliefs[job.settings.relief],
            at_once=at_once,
        )


def needed(sizes: Sizes) -> int:
    """Bytes that a run needs at the most, beyond what there is before its preparation."""
    return round(max(parts(sizes).values()))


def parts(sizes: Sizes) -> dict[str, float]:
    """Bytes that each part of a run needs at the most."""
    corners = CORNERS * sizes.voxels
    held = (
        WEIGHT * sizes.weights
        + FACE * sizes.faces
        + MIPS * sizes.originals
        + SAMPLE * sizes.samples
        + CORNER * corners
    )
    prepared = held + SAMPLING * sizes.samples + CORNERING * corners
    point = POINT + LOOKUP * sizes.lattices
    plans = sizes.planned * (sizes.covered * point + FRAME + REGION * sizes.styles)
    settled = SETTLED * corners + MIPS * sizes.samples
    step = (SEEN + SEEN_BY_STYLE * sizes.styles) * sizes.view**2
    results = (COLOR + sizes.relief) * sizes.textures
    near = RESIZED * sizes.near + OCTAVES * min(sizes.near, LARGEST_PICTURE**2)
    measured = max(near, RESIZED * sizes.near / NEAR**2 + DESCRIBED * sizes.judged)
    views = MEASURED + MEASURING * sizes.at_once
    return {
        "preparing": prepared,
        "styles": prepared + STEP + RESIZED * sizes.resized + DESCRIBED * sizes.picture,
        "steps": held + settled + STEP + plans + CONTENT * sizes.whole + step,
        "baking": held + BLOCK * sizes.at_once + results + COVER * sizes.largest,
        "measuring": held + views + measured + results + (MIPS - COLOR) * sizes.textures,
        "writing": held + results + WRITTEN * sizes.largest,
    }


def _extent_and_area(job: Job) -> tuple[float, float]:
    """Largest side of the mesh's bounding box, and its area; world units."""
    corners = job.mesh.vertices.astype(np.float64)[job.mesh.faces]  # (F, 3, 3)
    edges = corners[:, 1:] - corners[:, :1]
    areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=-1) / 2
    return float(np.ptp(corners, axis=(0, 1)).max()), float(areas.sum())


def _cameras(job: Job, scale: Scale) -> int:
    """Cameras of a scale, at most."""
    whole = scale.steps * scale.views
    return min(whole, count_views(job)) if scale.zoom == 1 else whole


def _piece(picture: Tensor, unit: float) -> int:
    """Pixels of a picture (3, H, W) that are described at once when its short side is `unit`."""
    return round(math.prod(min(side, LARGEST_PICTURE) for side in _sides(picture, unit)))


def _whole(picture: Tensor, unit: float) -> int:
    """Pixels of a picture (3, H, W) when its short side is `unit`."""
    return round(math.prod(_sides(picture, unit)))


def _sides(picture: Tensor, unit: float) -> tuple[float, float]:
    """Height and width of a picture (3, H, W) when its short side is `unit`."""
    height, width = picture.shape[1:]
    factor = unit / min(height, width)
    return height * factor, width * factor


def _parameters(network: str) -> int:
    """Of all convolutions of that network, 3 x 3 each."""
    total, before = 0, 3
    for count, channels in zip(CONVOLUTIONS[network], CHANNELS, strict=True):
        for _ in range(count):
            total, before = total + 9 * before * channels + channels, channels
    return total
