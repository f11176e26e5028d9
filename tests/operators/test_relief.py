"""A relief becomes nodes in front of Normal, and whatever was there before stays."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators.messages import Done
from style_transfer_3d.operators.outputs import beside
from style_transfer_3d.operators.recipe import RECIPE, RELIEF
from style_transfer_3d.operators.write_back import write_back

from tests.operators.results import target
from tests.operators.run_requests import request
from tests.operators.scenes import (
    add_cube,
    add_material,
    dump,
    principled,
    save_png,
    shown_image,
    stripes,
)

KINDS = {"BUMP": "ShaderNodeBump", "NORMAL": "ShaderNodeNormalMap"}


@pytest.fixture
def done(tmp_path):
    texture = save_png(tmp_path / "texture.png", stripes(16, 16))
    relief = save_png(tmp_path / "relief.png", np.full((16, 16, 3), 0.25, np.float32))
    return Done((texture,), tmp_path / "report.json", (relief,), 0.125)


@pytest.fixture
def flat(done):
    """A result without a relief."""
    return Done(done.textures, done.report)


def asked(kind, **options):
    made = request(relief=kind, **options)
    return replace(made, relief_strength=0.75)


def written(cube, done, asked):
    """The new images by their custom property: RECIPE for the colors, RELIEF for the relief."""
    before = {image.session_uid for image in bpy.data.images}
    assert write_back([target(cube, (0,))], done, ["{}"], asked) == []
    new = [image for image in bpy.data.images if image.session_uid not in before]
    return {kind: image for image in new for kind in (RECIPE, RELIEF) if image.get(kind)}


def normal(cube):
    return principled(cube.active_material).inputs["Normal"]


def feeding(socket):
    return socket.links[0].from_node if socket.links else None


def upstream(socket):
    """All nodes that a socket depends on, but through muted links."""
    found, sockets = set(), [socket]
    while sockets:
        for link in sockets.pop().links:
            if link.from_node not in found and not link.is_muted:
                found.add(link.from_node)
                sockets += link.from_node.inputs
    return found


def artists_normal(cube):
    """A bump of the artist's own, linked to Normal."""
    tree = cube.active_material.node_tree
    bump = tree.nodes.new("ShaderNodeBump")
    bump.name = "artist's"
    tree.links.new(bump.outputs["Normal"], normal(cube))
    return bump


@pytest.mark.parametrize("kind", KINDS)
def test_packed_and_in_new_nodes(cube, done, kind):
    painted = written(cube, done, asked(kind))
    done.reliefs[0].unlink()
    image, node = painted[RELIEF], feeding(normal(cube))
    assert (image.name, image.filepath) == ("Cube relief", "")
    assert image.packed_file
    assert image.colorspace_settings.name == "Non-Color"
    assert image[RELIEF] == "{}"
    assert image.get(RECIPE) is None
    pixels = np.empty(16 * 16 * 4, np.float32)
    image.pixels.foreach_get(pixels)
    assert pixels[0] == pytest.approx(0.25, abs=0.005)
    assert node.bl_idname == KINDS[kind]
    assert node.inputs["Strength"].default_value == 0.75
    picture = feeding(node.inputs["Height" if kind == "BUMP" else "Color"])
    assert picture.image == image
    assert not picture.inputs["Vector"].links  # the same UVs as those of the colors
    if kind == "BUMP":
        assert node.inputs["Distance"].default_value == 0.125
    else:
        assert (node.space, node.uv_map) == ("TANGENT", "")
    material = cube.active_material
    assert shown_image(material) == material.node_tree.nodes.active.image == painted[RECIPE]


def test_none_adds_nothing(cube, flat):
    assert set(written(cube, flat, request())) == {RECIPE}
    assert not normal(cube).links
    assert sorted(image.name for image in bpy.data.images) == ["Cube style", "artist"]


def test_saved_beside_the_texture(cube, done, tmp_path):
    painted = written(cube, done, asked("BUMP", output=tmp_path / "out.png"))
    assert (tmp_path / "out_relief.png").read_bytes() == done.reliefs[0].read_bytes()
    assert painted[RELIEF].filepath == str(tmp_path / "out_relief.png")
    assert painted[RECIPE].filepath == str(tmp_path / "out.png")


@pytest.mark.parametrize(
    ("given", "expected"),
    [("//a.png", "//a_relief.png"), ("/b/A.PNG", "/b/A_relief.PNG"), ("", "")],
)
def test_its_name(tmp_path, given, expected):
    output = tmp_path / given.lstrip("/").replace("/", "_") if given else None
    found = beside(replace(request(output=output), output_as_given=given))
    assert found.output_as_given == expected
    if output:
        assert found.output.name == f"{output.stem}_relief{output.suffix}"


@pytest.mark.parametrize("folder", ["out.png", "out_relief.png"])
def test_nothing_changes_when_one_cannot_be_saved(cube, done, tmp_path, folder):
    before = dump()
    (tmp_path / folder).mkdir()
    with pytest.raises(JobError, match="it cannot be written"):
        written(cube, done, asked("BUMP", output=tmp_path / "out.png"))
    assert dump() == before


def test_nothing_of_several_is_left_after_any_error(cube, done, tmp_path):
    twin = add_cube("Twin")
    add_material(twin, "n")
    both = Done(done.textures * 2, done.report, done.reliefs * 2, done.relief_height)
    second = replace(target(twin, (0,)), textures=(1,))
    before = dump()
    with pytest.raises(TypeError):
        write_back([target(cube, (0,)), second], both, ["{}", object()], asked("BUMP"))
    assert dump() == before


@pytest.mark.parametrize("kind", KINDS)
def test_the_artists_normal_is_kept(cube, done, kind):
    bump = artists_normal(cube)
    written(cube, done, asked(kind))
    nodes = upstream(normal(cube))
    assert bump in nodes
    assert KINDS[kind] in {node.bl_idname for node in nodes if node != bump}


def test_a_bump_goes_on_top_of_the_artists_normal(cube, done):
    bump = artists_normal(cube)
    written(cube, done, asked("BUMP"))
    assert feeding(feeding(normal(cube)).inputs["Normal"]) == bump


@pytest.mark.parametrize("kind", KINDS)
def test_a_muted_normal_stays_out_of_sight(cube, done, kind):
    bump = artists_normal(cube)
    normal(cube).links[0].is_muted = True
    written(cube, done, asked(kind))
    assert bump not in upstream(normal(cube))
    assert bump.name in cube.active_material.node_tree.nodes


@pytest.mark.parametrize("with_artists", [False, True])
@pytest.mark.parametrize("second", [*KINDS, "NONE"])
@pytest.mark.parametrize("first", KINDS)
def test_replaced(cube, done, flat, first, second, with_artists):
    bump = artists_normal(cube) if with_artists else None
    bare = dump()[1]
    written(cube, done, asked(first))
    written(cube, flat if second == "NONE" else done, asked(second, replace=True))
    images = {image.name for image in bpy.data.images}
    relief = set() if second == "NONE" else {"Cube relief"}
    assert images == {"Cube style", "artist"} | relief
    if second == "NONE":
        assert feeding(normal(cube)) == bump
    else:
        kinds = [node.bl_idname for node in upstream(normal(cube)) if node != bump]
        assert kinds.count(KINDS[second]) == 1
        assert set(kinds) & set(KINDS.values()) == {KINDS[second]}
        assert bump is None or bump in upstream(normal(cube))
    written(cube, flat, request(replace=True))
    (nodes, links), (nodes_now, links_now) = bare["m"], dump()[1]["m"]
    assert len(nodes_now) == len(nodes) + 1  # the texture's node
    kept = {link for link in links if link[3] != "Base Color"}
    assert kept == {link for link in links_now if link[3] != "Base Color"} - {
        link for link in links_now if link in links and link[3] == "Base Color"
    }


def test_the_earlier_one_is_kept_but_not_added_to(cube, done, flat):
    """Two reliefs at once would be neither run's."""
    bump = artists_normal(cube)
    first = written(cube, done, asked("BUMP"))
    second = written(cube, done, asked("NORMAL"))
    shown = {getattr(node, "image", None) for node in upstream(normal(cube))}
    assert second[RELIEF] in shown
    assert first[RELIEF] not in shown
    assert bump in upstream(normal(cube))
    assert first[RELIEF].users
    written(cube, flat, request())
    assert feeding(normal(cube)) == bump


def test_what_the_artist_put_on_top_is_left_alone(cube, done):
    written(cube, done, asked("BUMP"))
    tree, ours = cube.active_material.node_tree, feeding(normal(cube))
    top = tree.nodes.new("ShaderNodeBump")
    tree.links.new(ours.outputs["Normal"], top.inputs["Normal"])
    tree.links.new(top.outputs["Normal"], normal(cube))
    written(cube, done, asked("BUMP", replace=True))
    assert {top, ours} < upstream(normal(cube))


def test_with_a_material_of_its_own_and_several_slots(done):
    obj, other = add_cube("A"), add_cube("B")
    shared = add_material(obj, "shared")
    other.data.materials.append(shared)
    second = add_material(obj, "second")
    write_back([target(obj, (0, 1))], done, ["{}"], asked("BUMP"))
    assert not principled(shared).inputs["Normal"].links
    for material in (obj.material_slots[0].material, second):
        assert feeding(principled(material).inputs["Normal"]).bl_idname == KINDS["BUMP"]
