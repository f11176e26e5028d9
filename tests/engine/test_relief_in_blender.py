"""Bump and normal map in Blender's own light, beside a plane that truly is in relief."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.picture import write_heights, write_picture
from engine.relief import Relief
from engine.surface import Surface
from tests.engine.blender_script import run_script
from tests.engine.meshes import plane
from tests.engine.paintings import level_ground
from tests.engine.reliefs import painting_of, placed, quiet, turned, wave

SCRIPT = Path(__file__).with_name("cycles_relief.py")
COUNT = 200  # quads along each side of the plane
SIDE = 512  # texels of its maps
PLACEMENTS = {
    "as it is": np.eye(2),
    "stretched, turned and mirrored": np.diag((0.95, 0.6)) @ turned(90) @ np.diag((1, -1)),
}


@pytest.fixture(scope="module", params=PLACEMENTS.values(), ids=PLACEMENTS.keys())
def pictures(request, tmp_path_factory) -> dict[str, np.ndarray]:
    """The plane as Cycles shows it: flat, with a bump, with a normal map, and truly in relief."""
    folder = tmp_path_factory.mktemp("relief")
    mesh = placed(plane(size=1.0), request.param)
    painting = painting_of(plane(size=1.0), wave, size=256, finest=0.004)
    surface = Surface.of(mesh, torch.device("cpu"))
    relief = Relief.of(replace(painting, original=replace(painting.original, surface=surface)))
    write_heights(relief.bake_heights((SIDE, SIDE), quiet), folder / "bump.png")
    write_picture(relief.bake_normals((SIDE, SIDE), quiet), folder / "normal.png")
    y, x = np.mgrid[: COUNT + 1, : COUNT + 1] / COUNT
    vertices = np.stack((x - 0.5, y - 0.5, 0 * x), -1).reshape(-1, 3)
    uvs = (np.stack((x, y), -1).reshape(-1, 2) - 0.5) @ request.param.T + 0.5
    points = torch.from_numpy(vertices).float()
    heights = relief.heights(points, level_ground(points)).double().numpy() - 0.5
    first = (np.arange(COUNT)[:, None] * (COUNT + 1) + np.arange(COUNT)).ravel()
    np.savez(
        folder / "plane.npz",
        vertices=vertices,
        displaced=vertices + heights[:, None] * (0, 0, relief.height),
        quads=np.stack((first, first + 1, first + COUNT + 2, first + COUNT + 1), -1),
        uvs=uvs,
        height=relief.height,
    )
    run_script(SCRIPT, folder, timeout=250)
    with np.load(folder / "pictures.npz") as arrays:
        return dict(arrays)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["bump", "normal"])
def test_it_brightens_on_the_side_that_real_relief_does(pictures, kind) -> None:
    real, found = (pictures[name] - pictures["flat"] for name in ("real", kind))
    assert real.std() > 0.03
    assert np.corrcoef(real.ravel(), found.ravel())[0, 1] > 0.85
    # And by as much.
    assert (real * found).mean() / (real * real).mean() == pytest.approx(1, abs=0.25)
