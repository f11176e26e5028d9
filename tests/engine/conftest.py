"""What all tests of the engine share."""

import os

# As the worker sets it: threads that wait are not to take the processor from another engine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from engine import held_out, report
from engine.backbone import BUNDLED, Backbone, Weights
from engine.critic import LAYERS
from engine.settings import PRESETS
from tests.engine import few_views
from tests.engine.jobs import TINY

settings.register_profile("no hurry", deadline=None)  # a busy machine is no failure
settings.load_profile("no hurry")


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    """The bundled network."""
    return Backbone(Weights("VGG16", BUNDLED), LAYERS)


@pytest.fixture
def pictures(tmp_path):
    """Blue upright stripes, and orange dots."""
    y, x = np.mgrid[:96, :96]
    stripes = np.where((x // 6 % 2)[..., None], (30, 60, 200), (200, 220, 255))
    dots = np.where(
        ((x % 16 - 8) ** 2 + (y % 16 - 8) ** 2 < 20)[..., None], (60, 20, 0), (250, 150, 30)
    )
    files = []
    for name, pixels in (("stripes", stripes), ("dots", dots)):
        files.append(tmp_path / f"{name}.png")
        Image.fromarray(pixels.astype(np.uint8)).save(files[-1])
    return files


@pytest.fixture
def tiny(monkeypatch) -> None:
    """The preset DRAFT is TINY."""
    monkeypatch.setitem(PRESETS, "DRAFT", TINY)


@pytest.fixture
def few_small_views(monkeypatch) -> None:
    """What is measured is seen in as few and small views as in `few_views`."""
    monkeypatch.setattr(held_out, "VIEWS", few_views.VIEWS)
    for module in (held_out, report):
        monkeypatch.setattr(module, "SIDE", few_views.SIDE)
