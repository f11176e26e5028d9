"""Close-ups are chosen to see the surface, and as much of it as they can."""

import torch

from engine.surface import Surface, shoot
from engine.views import orbit_cameras, sphere_directions
from engine.windows import choose_windows
from tests.engine.meshes import cube, sphere


def chosen(mesh, count):
    surface = Surface.of(mesh, torch.device("cpu"))
    cameras = orbit_cameras(surface.used_vertices, sphere_directions(12, seed=0), 64)
    return surface, choose_windows(surface, cameras, zoom=2, side=32, count=count)


def share_seen(surface, windows) -> float:
    """Of the area of the faces that show in any of the windows, in all."""
    a, b, c = surface.vertices[surface.faces].unbind(1)
    area = torch.linalg.cross(b - a, c - a).norm(dim=-1)
    seen = torch.cat([shoot(surface, window).face for window in windows]).unique()
    return float(area[seen].sum() / area.sum())


def test_few_windows_see_nearly_all_of_the_surface() -> None:
    surface, windows = chosen(sphere(24, 48), 60)
    assert len(windows) == 60
    assert share_seen(surface, windows[:30]) > 0.65
    assert share_seen(surface, windows) > 0.92


def test_the_best_windows_come_first_and_none_is_empty_or_chosen_twice() -> None:
    surface, windows = chosen(cube(), 1000)
    covered = [len(shoot(surface, window).pixel) for window in windows]
    assert covered[0] > 0.9 * 32**2
    assert min(covered) > 0
    matrices = torch.stack([(w.projection @ w.world_to_camera).flatten() for w in windows])
    assert len(matrices.unique(dim=0)) == len(windows)
