"""A mesh that is painted in several textures: a tile each, or an object each."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import JobError
from engine.job import Job, Style
from engine.mesh import Mesh
from engine.preview import Preview
from engine.relief import Relief
from engine.report import measure
from engine.run import Wishes, run
from engine.samples import LEAST, SIDE, sample_sizes
from engine.seams import seam_ratio
from engine.settings import Settings
from engine.stylize import prepare
from engine.surface import Surface
from tests.engine.meshes import cube, mesh_of, plane

CPU = torch.device("cpu")
SHORT = Settings(texture_size=64, steps=2, view_count=2, preset="DRAFT", start="ORIGINAL")
RED, BLUE = (np.full((1, 1, 3), color, np.float32) for color in ((0.8, 0.2, 0.2), (0.2, 0.2, 0.8)))


def side_by_side(first: Mesh, second: Mesh) -> Mesh:
    """Two meshes as one, with a material and a texture each."""
    count = len(first.faces), len(second.faces)
    return mesh_of(
        [*first.vertices, *(second.vertices + np.float32((4, 0, 0)))],
        [*first.faces, *(second.faces + len(first.vertices))],
        [*first.uvs, *second.uvs],
        np.repeat((0, 1), count),
        np.repeat((0, 1), count),
    )


@pytest.fixture
def two_cubes(tmp_path) -> Job:
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "style.png")
    mesh, shapes = side_by_side(cube(), cube()), ((64, 64), (32, 48))
    return Job(mesh, Style(tmp_path / "style.png"), SHORT, (RED, BLUE), shapes=shapes)


def test_each_texture_has_the_look_of_its_own_faces(two_cubes) -> None:
    job = replace(two_cubes, settings=replace(SHORT, style_weight=0.0, content_weight=1.0))
    painting = prepare(job, [torch.rand(3, 48, 48)], CPU)
    for number, (shape, color) in enumerate(zip(job.texture_shapes, (RED, BLUE), strict=True)):
        baked = painting.bake(shape, number)
        assert tuple(baked.shape) == (*shape, 3)
        assert np.abs(baked.numpy() - color).max() < 0.02


def test_a_texture_whose_uvs_are_points_has_the_look_of_its_faces(two_cubes) -> None:
    """As a palette's: of two colors here, each on half of the second cube."""
    mesh = two_cubes.mesh
    uvs = mesh.uvs.copy()
    uvs[12:18], uvs[18:] = (0.3, 0.3), (0.7, 0.3)
    palette = np.float32([[(0.2, 0.2, 0.8), (0.4, 0.6, 0.8)]])
    settings = replace(SHORT, style_weight=0.0, content_weight=1.0)
    job = replace(
        two_cubes, mesh=replace(mesh, uvs=uvs), settings=settings, originals=(RED, palette)
    )
    painting = prepare(job, [torch.rand(3, 48, 48)], CPU)
    assert not len(painting.original.surface.texels(1, (32, 48)).texel)
    baked = painting.bake((32, 48), 1).numpy()
    assert np.abs(baked - (0.3, 0.4, 0.8)).max() < 0.06
    relief = Relief.of(painting)
    level = relief.bake_normals((32, 48), lambda _share: None, 1)
    assert (level - torch.tensor((0.5, 0.5, 1.0))).abs().max() < 0.02
    assert not painting.bake((32, 48), 2).any()  # a texture without faces


def test_the_paint_does_not_know_where_a_texture_ends(two_cubes) -> None:
    """The same painting, of a surface whose sides lie in one texture, then in three."""
    job = replace(two_cubes, mesh=cube(), shapes=(), originals=(RED,))
    painting = prepare(job, [torch.rand(3, 48, 48)], CPU)
    for values in painting.field.values:
        values.data.normal_(generator=torch.Generator().manual_seed(1))
    surface = painting.original.surface
    parts = replace(surface, textures=torch.arange(12) // 4)
    apart = replace(painting, original=replace(painting.original, surface=parts))
    relief = Relief.of(painting)
    relief_apart = replace(relief, painting=apart)
    for number in range(3):
        texel = parts.texels(number, (64, 64)).texel
        assert len(texel)
        for whole, part in (
            (painting.bake((64, 64)), apart.bake((64, 64), number)),
            (
                relief.bake_heights((64, 64), lambda _share: None),
                relief_apart.bake_heights((64, 64), lambda _share: None, number),
            ),
        ):
            assert (whole - part).flatten(0, 1)[texel].abs().max() < 1e-4


def test_faces_that_share_texels_in_two_textures_share_no_paint(two_cubes) -> None:
    """The cubes' UVs are the same; only within a texture would that be an overlap."""
    painting = prepare(two_cubes, [torch.rand(3, 48, 48)], CPU)
    surface, atlas = painting.original.surface, painting.atlas
    face = torch.arange(24)
    middle = surface.points(face, torch.full((24, 3), 1 / 3))
    uv = surface.uvs.mean(1)
    assert atlas.resolve(surface.textures, uv, middle).equal(middle)
    assert not atlas.resolve(torch.zeros_like(surface.textures), uv, middle).equal(middle)


def test_mirrored_uvs_share_paint_in_each_of_many_textures(two_cubes) -> None:
    """Squares side by side, the right half of each mirrored on the left one."""
    square, count = plane(2), 5
    left = 2 * np.minimum(square.uvs[..., :1], 1 - square.uvs[..., :1])
    uvs = np.concatenate((left, square.uvs[..., 1:]), -1)
    at = [np.float32((2 * x, 2 * y, 0)) for x in range(count) for y in range(count)]
    faces, corners = len(square.faces), len(square.vertices)
    mesh = mesh_of(
        np.concatenate([square.vertices + place for place in at]),
        np.concatenate([square.faces + corners * n for n in range(len(at))]),
        np.tile(uvs, (len(at), 1, 1)),
        textures=np.repeat(np.arange(len(at)), faces),
    )
    job = replace(two_cubes, mesh=mesh, originals=(RED,), shapes=((64, 64),) * len(at))
    painting = prepare(job, [torch.rand(3, 48, 48)], CPU)
    surface = painting.original.surface
    face = torch.arange(len(surface.faces)).repeat_interleave(9)
    bary = torch.rand(len(face), 3, generator=torch.Generator().manual_seed(0))
    bary /= bary.sum(1, keepdim=True)
    points = surface.points(face, bary)
    middle = torch.from_numpy(np.stack(at))[surface.textures[face]]
    found = painting.atlas.resolve(surface.textures[face], surface.uvs_at(face, bary), points)
    right = (points - middle)[:, 0] > 0.3
    mirrored = (points - middle) * torch.tensor((-1.0, 1.0, 1.0)) + middle
    assert (found - mirrored)[right].norm(dim=1).max() < 0.05
    own = points[:, 0] < middle[:, 0]
    assert found[own].equal(points[own])


def test_samples_are_as_dense_on_all() -> None:
    small = mesh_of(plane().vertices / 4, plane().faces, plane().uvs)
    surface = Surface.of(side_by_side(plane(), small), CPU)
    sizes = sample_sizes(surface, [(4096, 4096), (4096, 4096)])
    assert sizes[0] / sizes[1] == pytest.approx(4, rel=0.01)
    assert sum(size**2 for size in sizes) == pytest.approx(SIDE**2, rel=0.01)
    assert sample_sizes(surface, [(16, 32), (4096, 4096)])[0] == 32
    assert sample_sizes(Surface.of(cube(), CPU), [(4096, 4096)]) == [SIDE]
    tiny = mesh_of(plane().vertices / 1000, plane().faces, plane().uvs)
    surface = Surface.of(side_by_side(plane(), tiny), CPU)
    assert sample_sizes(surface, [(4096, 4096)] * 2)[1] == LEAST


def test_an_edge_between_two_textures_is_a_seam() -> None:
    """Two triangles of a square; their UVs agree, the colors of their textures do not."""
    square = plane()
    surface = Surface.of(replace(square, textures=np.array((0, 1))), CPU)
    grey, white = torch.full((32, 32, 3), 0.5), torch.ones(32, 32, 3)
    assert seam_ratio(surface, [[grey], [white]]) == 1.0  # no other edge to compare with
    finer = plane(2)
    surface = Surface.of(replace(finer, textures=(finer.faces[:, 0] > 2).astype(np.int64)), CPU)
    noisy = [image + 0.01 * torch.rand(32, 32, 3) for image in (grey, white)]
    assert seam_ratio(surface, [[image] for image in noisy]) > 20
    assert seam_ratio(surface, [[noisy[0]], [noisy[0]]]) < 2


@pytest.mark.usefixtures("few_small_views")
def test_measures_and_previews_are_of_all_textures(two_cubes, backbone, tmp_path) -> None:
    painting = prepare(two_cubes, [torch.rand(3, 48, 48)], CPU)
    originals = [torch.from_numpy(color).expand(64, 64, 3) for color in (RED, BLUE)]
    assert measure(painting, originals, backbone, 1.0)["content_distance"] < 1e-3
    assert measure(painting, originals[::-1], backbone, 1.0)["content_distance"] > 0.01
    files = Preview(painting, two_cubes.texture_shapes, tmp_path).due(0.0)
    shapes = [np.load(file, allow_pickle=False).shape for file in files]
    assert shapes == [(64, 64, 4), (32, 48, 4)]


@pytest.mark.usefixtures("few_small_views")
def test_a_run_leaves_a_file_for_each(two_cubes, tmp_path) -> None:
    settings = replace(SHORT, relief="NORMAL")
    replace(two_cubes, settings=settings).save(tmp_path / "job")
    told: list[dict] = []
    run(tmp_path / "job", told.append, Wishes())
    done = told[-1]
    assert [Path(file).name for file in done["textures"]] == ["texture.png", "texture_1.png"]
    assert [Path(file).name for file in done["reliefs"]] == ["relief.png", "relief_1.png"]
    for files in (done["textures"], done["reliefs"]):
        assert [Image.open(file).size for file in files] == [(64, 64), (48, 32)]


@pytest.mark.usefixtures("few_small_views")
def test_textures_are_kept_if_measuring_fails(two_cubes, tmp_path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("engine.run.measure", fail)
    two_cubes.save(tmp_path / "job")
    with pytest.raises(JobError):
        run(tmp_path / "job", lambda _message: None, Wishes())
    left = sorted(file.name for file in (tmp_path / "job" / "result").iterdir())
    assert left == ["texture.png", "texture_1.png"]


@pytest.mark.parametrize("textures", [-1, 2])
def test_a_texture_that_is_not_there(two_cubes, textures) -> None:
    mesh = replace(two_cubes.mesh, textures=np.full(24, textures))
    with pytest.raises(JobError, match=rf"textures {textures} to {textures} of 2"):
        replace(two_cubes, mesh=mesh).validate()
