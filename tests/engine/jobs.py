"""Small jobs for tests, and what they are made of."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from PIL import Image

from engine.job import Job, Style, View
from engine.settings import Preset, Settings
from tests.engine.meshes import cube, plane

SIZE = 64  # texels on a side
STEPS = 6  # of `save_job`
TINY = Preset(scales=(32, 48), steps=(4, 4), close_ups=4, nearer=0, settling=2, views=3)


def look() -> np.ndarray:
    """(SIZE, SIZE, 3) soft patches in all colors, eight bits deep."""
    random = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
    patches = Image.fromarray(random).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.float32(np.asarray(patches)) / 255


def job_of(files, **changes) -> Job:
    """A plane in the style of the first of `files`; `changes` are of the job or its settings."""
    settings = Settings(
        preset="DRAFT", steps=24, texture_size=SIZE, view_count=4, backbone="VGG16", device="CPU"
    )
    job = Job(plane(4), Style(files[0]), settings, (look(),))
    names = {f.name for f in fields(Job)}
    job = replace(job, **{k: v for k, v in changes.items() if k in names})
    own = {k: v for k, v in changes.items() if k not in names}
    return replace(job, settings=replace(job.settings, **own))


def straight_on(name: str = "straight on") -> View:
    """An orthographic camera above the xy plane that looks down."""
    down = np.eye(4, dtype=np.float32)
    down[2, 3] = -2
    projection = np.diag(np.float32((1, 1, -0.5, 1)))
    projection[2, 3] = -1
    return View(name, down, projection, 1.0)


def save_job(folder: Path, views: tuple[View, ...] = (), **settings: object) -> Path:
    """A cube with a colorful texture, and a style picture of its own."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
    style = folder.parent / "style.png"
    coarse.resize((80, 64), Image.Resampling.BICUBIC).save(style)
    pixels = np.float32(coarse.resize((32, 32), Image.Resampling.BICUBIC)) / 255
    small = {"preset": "DRAFT", "steps": STEPS, "texture_size": 64, "device": "CPU"}
    chosen = Settings(**{**small, "backbone": "VGG16", "seed": 5, **settings})
    Job(cube(), Style(style), chosen, (pixels[..., ::-1].copy(),), views).save(folder)
    return folder
