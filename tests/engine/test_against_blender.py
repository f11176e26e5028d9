"""The engine's picture of a textured mesh against Blender's own: all conventions at once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.original import Original
from engine.surface import Surface, shoot
from engine.views import Camera
from tests.engine.blender_script import run_script
from tests.engine.meshes import mesh_of

SCRIPT = Path(__file__).with_name("cycles_render.py")
CPU = torch.device("cpu")
CLOSE = 2 / 255  # mean absolute difference that counts as equal


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> dict[str, np.ndarray]:
    """What Blender has and what it shows."""
    folder = tmp_path_factory.mktemp("cycles")
    run_script(SCRIPT, folder, timeout=150)
    with np.load(folder / "scene.npz") as arrays:
        return dict(arrays)


def engine_picture(scene: dict[str, np.ndarray], texture: np.ndarray) -> np.ndarray:
    """(H, W, 4) in 0-1: the engine's colors over black, and its alpha."""
    mesh = mesh_of(scene["vertices"], scene["faces"], scene["uvs"])
    surface = Surface.of(mesh, CPU)
    original = Original.of(surface, [torch.from_numpy(np.float32(texture))], "TEXTURE")
    camera = Camera(
        torch.from_numpy(np.float32(scene["world_to_camera"])),
        torch.from_numpy(np.float32(scene["projection"])),
        scene["picture"].shape[:2],
    )
    shot = shoot(surface, camera)
    colors = original.albedo(shot.face, shot.bary, shot.footprint)
    image = shot.image(colors, torch.zeros(3))[0].permute(1, 2, 0)
    return torch.cat((image, shot.mask[..., None]), -1).numpy()


def away_from_outlines(*alphas: np.ndarray) -> np.ndarray:
    """Pixels that all cover, two pixels from any that one does not."""
    inside = np.logical_and.reduce([alpha > 0.999 for alpha in alphas])
    for _ in range(2):
        padded = np.pad(inside, 1)
        height, width = inside.shape
        inside = np.logical_and.reduce(
            [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
        )
    return inside


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Mean absolute difference of colors where both cover."""
    inside = away_from_outlines(ours[..., 3], theirs[..., 3])
    assert inside.sum() > 1500
    return float(np.abs(ours[..., :3] - theirs[..., :3])[inside].mean())


def test_colors_are_blenders(scene) -> None:
    assert difference(engine_picture(scene, scene["texture"]), scene["picture"]) <= CLOSE


@pytest.mark.parametrize(
    "turn",
    [
        lambda t: t[::-1],
        lambda t: t[:, ::-1],
        lambda t: t.swapaxes(0, 1),
        lambda t: t[..., ::-1],
        lambda t: np.roll(t, 4, 0),
        lambda t: np.roll(t, 4, 1),
        lambda t: t**2.2,
    ],
    ids=["flipped v", "flipped u", "turned", "BGR", "shifted v", "shifted u", "linear"],
)
def test_the_comparison_sees_what_it_is_for(scene, turn) -> None:
    texture = np.ascontiguousarray(turn(scene["texture"]))
    assert difference(engine_picture(scene, texture), scene["picture"]) > 2 * CLOSE


def test_outlines_are_blenders(scene) -> None:
    """The pixels that both cover in part, and how much of them."""
    alpha = engine_picture(scene, scene["texture"])[..., 3]
    assert np.abs(alpha - scene["picture"][..., 3]).mean() < 1 / 255
    assert np.abs(alpha.sum() / scene["picture"][..., 3].sum() - 1) < 2e-3
