"""Under a studio's OCIO configuration, in which color spaces have other names than Blender's."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.operators.conftest import ROOT
from tests.operators.scenes import save_png, stripes

CHILD = "import tests.operators.conftest, tests.operators.studio_colors"
NEW_NAMES = {r"Non-Color": "Studio Raw", r"(?<=: )sRGB(?=[,}\n])": "Studio Texture"}


@pytest.fixture
def studio(tmp_path):
    """Blender's own configuration, with other names for the spaces of data and of pictures."""
    own = Path(bpy.utils.system_resource("DATAFILES"), "colormanagement")
    text = (own / "config.ocio").read_text()
    for old, new in {**NEW_NAMES, r"\n *aliases: .*": ""}.items():
        text, count = re.subn(old, new, text)
        assert count
    for folder in ("luts", "filmic"):
        (tmp_path / folder).symlink_to(own / folder)
    (tmp_path / "config.ocio").write_text(text)
    return tmp_path / "config.ocio"


def test_a_relief_is_data_there_and_pictures_are_read(studio, tmp_path):
    files = [
        save_png(tmp_path / "texture.png", stripes(16, 16)),
        save_png(tmp_path / "relief.png", np.full((16, 16, 3), 0.25, np.float32)),
    ]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, files)],
        cwd=ROOT, env={**os.environ, "OCIO": str(studio)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("relief") == pytest.approx(0.25, abs=0.005)
    assert found.pop("read") <= 0.5 / 255 + 1e-4
    spaces = ["Studio Raw", "Studio Texture"]
    assert found == {"said": [], "spaces": spaces, "is_data": [True, False]}
