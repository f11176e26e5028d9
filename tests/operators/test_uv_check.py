"""What is told about UV maps before a run, against counting cell by cell."""

import re
import time

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from style_transfer_3d.engine.mesh import Mesh
from style_transfer_3d.operators.targets import Target
from style_transfer_3d.operators.uv_check import count_layers, uv_warnings

from tests.operators.readings import made_of
from tests.operators.scenes import add_cube

QUAD = np.array([[(0, 0), (1, 0), (1, 1)], [(0, 0), (1, 1), (0, 1)]], float)
SIDE = 16

number = st.integers(-150, 150).map(lambda n: n / 97)  # no multiple of half a cell but 0 and 1
triangles = st.lists(st.tuples(*[st.tuples(number, number)] * 3), min_size=1, max_size=5)


def mesh_of(uvs, vertices=None, textures=None):
    """Triangles as large as their UVs, unless `vertices` (F, 3, 3) say otherwise."""
    uvs = np.array(uvs, np.float32)
    flat = np.pad(uvs, ((0, 0), (0, 0), (0, 1))) if vertices is None else np.float32(vertices)
    count = len(uvs)
    return Mesh(
        flat.reshape(-1, 3),
        np.arange(3 * count).reshape(-1, 3),
        uvs,
        np.zeros(count, np.int64),
        np.zeros(count, np.int64) if textures is None else np.array(textures, np.int64),
    )


def told(uvs, **given):
    return uv_warnings(mesh_of(uvs, **given), [Target("Cube")])


def brute(uvs, side):
    """How many triangles, and copies of them that repeating brings here, have each cell's middle.

    And how far from an edge the nearest middle is.
    """
    counts, nearest = np.zeros((side, side), int), np.inf
    v, u = (np.mgrid[:side, :side] + 0.5) / side
    for a, b, c in uvs:
        area = (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]
        if abs(area) < 1e-12:
            continue
        for du in range(-3, 4):
            for dv in range(-3, 4):
                sides = np.array(
                    [
                        ((q - p)[0] * (v + dv - p[1]) - (q - p)[1] * (u + du - p[0])) / area
                        for p, q in ((a, b), (b, c), (c, a))
                    ]
                )
                counts += (sides > 0).all(0)
                nearest = min(nearest, np.abs(sides).min())
    return counts, nearest


@settings(max_examples=60)
@given(triangles)
@example([((0, 0), (1, 0), (1, 1)), ((0, 0), (1, 1), (0, 1))])
@example([((-1.5, -1.4), (1.5, -1.3), (0.1, 1.5))])
def test_layers_are_what_counting_finds(corners):
    uvs = np.array(corners, float)
    counts, nearest = brute(uvs, SIDE)
    found = count_layers(uvs.T, SIDE)
    if np.array_equal(uvs, QUAD):
        assert (found == 1).all()  # middles on the diagonal belong to one of the two
        return
    assume(nearest > 1e-9)
    assert np.array_equal(found, counts)


@given(st.sampled_from((1, 2, 4, 8, 16, 32)), st.floats(-3, 3), st.floats(-3, 3))
def test_neighbors_never_share_a_cell(count, du, dv):
    """A grid of quads over all of 0-1, wherever it lies: each middle once."""
    line = np.arange(count)
    v, u = (grid.ravel()[:, None, None, None] for grid in np.meshgrid(line, line, indexing="ij"))
    corners = QUAD + np.concatenate((u, v), -1)  # (N, 2, 3, 2) whole numbers
    shift = np.round(np.array((du, dv)) * 64) / 64
    found = count_layers((corners.reshape(-1, 3, 2) / count + shift).T, SIDE)
    assert (found == 1).all()


def test_nothing_to_tell_of_a_clean_map():
    assert told(QUAD * 0.5) == []
    assert told(QUAD[:, ::-1] * 0.5) == []  # mirrored, but alone


def test_overlaps_share_their_paint():
    (text,) = told(np.concatenate((QUAD * 0.5, QUAD * 0.5)))
    assert text.startswith("UV map of 'Cube': 100 % of what it covers is shared by faces that over")
    assert "mirrored" not in text
    (text,) = told(np.concatenate((QUAD * 0.5, QUAD * 0.5 + (0.25, 0))))
    assert "33 % of what it covers is shared" in text


def test_mirrored_halves():
    (text,) = told(np.concatenate((QUAD * 0.5, QUAD[:, ::-1] * 0.5)))
    assert "is shared by faces that overlap (100 % mirrored); they get the same paint" in text


def test_the_texture_repeats():
    (outside,) = told(QUAD * 0.5 + (1.25, 0))
    assert "2 of its 2 triangles reach outside 0-1, where the texture repeats" in outside
    shared, outside = told(QUAD * 2)
    assert "100 % of what it covers is shared" in shared
    assert "reach outside 0-1" in outside
    far = np.concatenate((QUAD * 0.5, QUAD * 1e30))
    assert "2 of its 4 triangles reach outside" in told(far, vertices=[np.eye(3)] * 4)[0]


def test_a_udim_tile_is_no_repetition():
    def told_tiled(uvs):
        return uv_warnings(mesh_of(uvs), [Target("Cube", tiles=(1001, 1002))])

    assert told_tiled(QUAD * 0.9 + 1.05) == []
    (text,) = told_tiled(QUAD * 0.9 + (1.5, 0))
    assert "reach outside their UDIM tile" in text


def test_other_textures_do_not_overlap():
    uvs = np.concatenate((QUAD * 0.5, QUAD * 0.5))
    one = Target("Cube", textures=(0, 1), tiles=(1001, 1002))
    assert uv_warnings(mesh_of(uvs, textures=[0, 0, 1, 1]), [one]) == []
    both = [Target("A", textures=(0,)), Target("B", textures=(1,))]
    mesh = mesh_of(np.concatenate((uvs, QUAD * 0.3)), textures=[0, 0, 1, 1, 1, 1])
    (text,) = uv_warnings(mesh, both)
    assert text.startswith("UV map of 'B': 36 % of what")


def test_faces_without_area():
    points = np.full((1, 3, 2), 0.7)
    (text,) = told(np.concatenate((QUAD * 0.5, points)), vertices=[np.eye(3)] * 3)
    assert "1 of its 3 triangles are points or lines in it" in text
    nothing = np.concatenate((np.eye(3)[None], np.eye(3)[None], np.zeros((1, 3, 3))))
    assert told(np.concatenate((QUAD * 0.5, points)), vertices=nothing) == []


def test_uneven_texels():
    alike = np.pad(np.concatenate((QUAD, QUAD + 2)), ((0, 0), (0, 0), (0, 1)))
    (text,) = told(np.concatenate((QUAD * 0.5, QUAD * 0.02 + 0.6)), vertices=alike)
    assert "parts of the surface have 25 times as many texels along a line as others" in text
    assert told(np.concatenate((QUAD * 0.5, QUAD * 0.1 + 0.6)), vertices=alike) == []


@settings(max_examples=30)
@given(
    long=st.floats(1, 30),
    wide=st.floats(0.1, 10),
    turn=st.floats(0, 6),
    skew=st.floats(-1, 1),
)
def test_stretched_texels(long, wide, turn, skew):
    """Against the singular values of the map that makes the surface from the UVs."""
    turned = np.array(((np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))))
    to_surface = np.diag((long, wide)) @ np.array(((1, skew), (0, 1))) @ turned
    uvs = QUAD * 0.5
    surface = np.pad(uvs @ to_surface.T, ((0, 0), (0, 0), (0, 1)))
    large, small = np.linalg.svd(to_surface, compute_uv=False)
    texts = told(uvs, vertices=surface)
    if large / small < 7.5:
        assert texts == []
    elif large / small > 8.5:
        (text,) = texts
        said = re.search(r"texels are (\d+) times as long as wide", text)
        assert said
        assert abs(int(said[1]) - large / small) < 0.5 + 1e-6  # 17.5 is rounded either way


@settings(max_examples=30)
@given(st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False),
                         min_size=6, max_size=6), min_size=1, max_size=4))  # fmt: skip
def test_any_numbers_give_sentences(corners):
    with np.errstate(all="ignore"):
        for text in told(np.array(corners).reshape(-1, 3, 2), vertices=[np.eye(3)] * len(corners)):
            assert text.startswith("UV map of 'Cube': ")
            assert "nan" not in text


def test_a_million_faces_take_seconds():
    count = 708
    line = np.arange(count)
    v, u = (grid.ravel()[:, None, None, None] for grid in np.meshgrid(line, line, indexing="ij"))
    mesh = mesh_of((QUAD + np.concatenate((u, v), -1)).reshape(-1, 3, 2) / count)
    assert len(mesh.faces) > 1_000_000
    began = time.process_time()
    assert uv_warnings(mesh, [Target("Cube")]) == []
    assert time.process_time() - began < 20


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_told_before_a_run(scene, style, scale):
    scene.style_transfer_3d.style = str(style)
    obj = add_cube()
    assert made_of(obj).warnings == ()
    uvs = np.empty(len(obj.data.loops) * 2, np.float32)
    layer = obj.data.uv_layers[0]
    layer.uv.foreach_get("vector", uvs)
    layer.uv.foreach_set("vector", np.tile(uvs.reshape(6, 8)[0], 6) * scale)
    first, *others = made_of(obj).warnings
    assert first.startswith("UV map of 'Cube': 100 % of what it covers is shared")
    assert bool(others) == (scale > 1)
