"""Looks that no image holds, baked: against known colors, and nothing of the artist's touched."""

import bpy
import numpy as np
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import bake_look
from style_transfer_3d.operators.frame_handlers import no_frame_handlers
from style_transfer_3d.operators.image_pixels import decode, encode, pixels
from style_transfer_3d.operators.surface_color import color_sockets
from style_transfer_3d.operators.uv_tiles import uv_tiles

from tests.operators.readings import look_of, made_of
from tests.operators.results import done, painted
from tests.operators.run_requests import request
from tests.operators.scenes import (
    add_cube,
    add_material,
    dump,
    new_image,
    principled,
    save_png,
    shown_image,
    stripes,
    surface,
)

RED, BLUE = (0.6, 0.1, 0.1), (0.1, 0.2, 0.7)
HALF_FLOAT = 2e-3  # what Cycles keeps textures as, sRGB-encoded


@pytest.fixture
def material():
    """Of the active object, a plane whose UVs are 0-1; red."""
    bpy.ops.mesh.primitive_plane_add()
    return add_material(bpy.context.object, "m", color=RED)


def add(material, kind, **values):
    node = material.node_tree.nodes.new(f"ShaderNode{kind}")
    for name, value in values.items():
        node.inputs[name].default_value = value
    return node


def link(material, output, socket):
    material.node_tree.links.new(output, socket)


def is_flat(found, linear):
    return np.abs(found.pixels - encode(np.float32(linear))).max() < HALF_FLOAT


def mixed(material, fac=0.25):
    """A mix of the Principled BSDF and a blue Diffuse BSDF at the surface."""
    diffuse = add(material, "BsdfDiffuse", Color=(*BLUE, 1))
    mix = add(material, "MixShader", Fac=fac)
    link(material, principled(material).outputs[0], mix.inputs[1])
    link(material, diffuse.outputs[0], mix.inputs[2])
    link(material, mix.outputs[0], surface(material))
    return diffuse, mix


def ramp(material, fac=0.5):
    node = add(material, "ValToRGB", Fac=fac)
    node.color_ramp.elements[0].color, node.color_ramp.elements[1].color = (*RED, 1), (*BLUE, 1)
    return node


def test_a_color_ramp(material):
    link(material, ramp(material).outputs[0], principled(material).inputs["Base Color"])
    before = dump()
    assert is_flat(look_of(), (np.array(RED) + BLUE) / 2)
    assert dump() == before


def test_an_image_through_a_mix(material):
    image = new_image("i", stripes(16, 16))
    node, mix = add(material, "TexImage"), add(material, "MixRGB", Fac=0.5, Color2=(*BLUE, 1))
    node.image, node.interpolation = image, "Closest"
    link(material, node.outputs["Color"], mix.inputs["Color1"])
    link(material, mix.outputs[0], principled(material).inputs["Base Color"])
    expected = encode((decode(pixels(image)) + np.float32(BLUE)) / 2)
    assert np.abs(look_of().pixels - expected).max() < HALF_FLOAT


@pytest.mark.parametrize("others", [("EEVEE",), ("ALL",), ("ALL", "EEVEE")])
def test_outputs_of_renderers(material, others):
    """Paint goes to what each of them shows, and the look is that of Cycles."""
    surface(material).node.target = "CYCLES"
    shaders = [principled(material)]
    for target in others:
        shaders.append(add(material, "BsdfDiffuse", Color=(*BLUE, 1)))
        output = material.node_tree.nodes.new("ShaderNodeOutputMaterial")
        output.target = target
        link(material, shaders[-1].outputs[0], output.inputs["Surface"])
    assert is_flat(look_of(), RED)
    assert {socket.node for socket in color_sockets(material)} == set(shaders)


@pytest.mark.parametrize("kind", ["Emission", "BsdfDiffuse", "BsdfGlossy", "BsdfToon"])
def test_other_shaders(material, kind):
    shader = add(material, kind, Color=(*BLUE, 1))
    link(material, shader.outputs[0], surface(material))
    assert is_flat(look_of(), BLUE)
    assert look_of().pixels.shape == (1, 1, 3)
    link(material, ramp(material, 1.0).outputs[0], shader.inputs["Color"])
    assert is_flat(look_of(), BLUE)
    assert look_of().pixels.shape == (16, 16, 3)
    assert color_sockets(material) == [shader.inputs["Color"]]


def test_a_mix_of_shaders(material):
    diffuse, _ = mixed(material)
    before = dump()
    assert is_flat(look_of(), 0.75 * np.array(RED) + 0.25 * np.array(BLUE))
    assert dump() == before
    sockets = [principled(material).inputs["Base Color"], diffuse.inputs["Color"]]
    assert color_sockets(material) == sockets


@pytest.mark.parametrize("kind", ["BsdfTransparent", "BsdfGlossy"])
def test_holes_and_coats_have_no_color(material, kind):
    mix = add(material, "MixShader", Fac=0.5)
    link(material, principled(material).outputs[0], mix.inputs[1])
    link(material, add(material, kind).outputs[0], mix.inputs[2])
    link(material, mix.outputs[0], surface(material))
    assert is_flat(look_of(), RED)
    link(material, ramp(material, 1.0).outputs[0], principled(material).inputs["Base Color"])
    assert is_flat(look_of(), BLUE)
    assert color_sockets(material) == [principled(material).inputs["Base Color"]]


def grouped(material, *, with_input):
    """The surface comes from a node group that holds a Diffuse BSDF."""
    tree = bpy.data.node_groups.new("G", "ShaderNodeTree")
    tree.interface.new_socket("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    tree.interface.new_socket("Paint", in_out="INPUT", socket_type="NodeSocketColor")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    shader = tree.nodes.new("ShaderNodeBsdfDiffuse")
    shader.inputs["Color"].default_value = (*RED, 1)
    if with_input:
        tree.links.new(start.outputs[0], shader.inputs["Color"])
    tree.links.new(shader.outputs[0], end.inputs[0])
    group = add(material, "Group")
    group.node_tree = tree
    group.inputs["Paint"].default_value = (*BLUE, 1)
    link(material, group.outputs[0], surface(material))
    return group


@pytest.mark.parametrize("is_baked", [False, True])
def test_a_group_with_an_input(material, is_baked):
    group = grouped(material, with_input=True)
    if is_baked:
        link(material, ramp(material, 0.0).outputs[0], group.inputs["Paint"])
    before = dump()
    assert is_flat(look_of(), RED if is_baked else BLUE)
    assert dump() == before
    assert color_sockets(material) == [group.inputs["Paint"]]


def test_a_group_without_one(material):
    grouped(material, with_input=False)
    assert is_flat(look_of(), RED)
    with pytest.raises(JobError, match="its color is set inside of the node group 'G'"):
        color_sockets(material)


def test_tiles_and_what_they_are_baked_to(material):
    """The color of each half goes to where its UVs, which reach outside 0-1, repeat to."""
    layer = bpy.context.object.data.uv_layers[0]
    for loop in layer.uv:
        loop.vector = (loop.vector[0] - 0.5, loop.vector[1] + 1)
    node, split = add(material, "UVMap"), add(material, "SeparateXYZ")
    link(material, node.outputs[0], split.inputs[0])
    shade = add(material, "Math")
    shade.operation, shade.inputs[1].default_value = "GREATER_THAN", 0.0
    link(material, split.outputs[0], shade.inputs[0])
    link(material, shade.outputs[0], principled(material).inputs["Base Color"])
    found = look_of().pixels
    assert np.allclose(found[:, :8], 1, atol=HALF_FLOAT)
    assert np.allclose(found[:, 8:], 0, atol=HALF_FLOAT)


def test_uv_tiles():
    face = np.float32([[[0, 0], [1, 0], [0, 1]]])
    assert uv_tiles(face) == [(0, 0)]
    assert uv_tiles(face + np.float32((0.5, 0))) == [(0, 0), (1, 0)]
    assert len(uv_tiles(face * 1e12)) > 64


def test_the_look_before_our_paint(material, tmp_path):
    """Two runs on a mix of shaders: each starts from the mix, and all its colors are painted."""
    diffuse, _ = mixed(material)
    texture = save_png(tmp_path / "t.png", stripes(16, 16))
    for _ in range(2):
        image = painted(bpy.context.object, (0,), done(texture), "{}", request())
        assert shown_image(material) == image
        assert diffuse.inputs["Color"].links[0].from_node.image == image
        assert is_flat(look_of(), 0.75 * np.array(RED) + 0.25 * np.array(BLUE))


def test_a_missing_image(material, tmp_path):
    node, mix = add(material, "TexImage"), add(material, "MixRGB")
    node.image = bpy.data.images.load(str(save_png(tmp_path / "i.png", stripes(4, 4))))
    node.image.filepath = str(tmp_path / "moved.png")
    link(material, node.outputs["Color"], mix.inputs["Color1"])
    link(material, mix.outputs[0], principled(material).inputs["Base Color"])
    before = dump()
    with pytest.raises(JobError, match=r"Image 'i.png': its file '.*moved.png' is missing"):
        look_of()
    assert dump() == before


def test_a_bake_that_fails_leaves_nothing(material, monkeypatch):
    node = ramp(material)
    link(material, add(material, "ObjectInfo").outputs["Random"], node.inputs["Fac"])
    link(material, node.outputs[0], principled(material).inputs["Base Color"])
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    before = dump(), scene.cycles.samples, bpy.context.object.select_get()

    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(bake_look, "_bake_tile", fail)
    with pytest.raises(JobError, match=r"Cycles cannot bake it \(out of memory\)"):
        look_of()
    assert (dump(), scene.cycles.samples, bpy.context.object.select_get()) == before
    assert scene.render.engine == "BLENDER_WORKBENCH"
    assert bpy.context.scene == scene


@pytest.mark.parametrize("is_grouped", [False, True])
def test_the_objects_own_random_number(scene, material, is_grouped):
    """It comes from the object's name; what Cycles makes of it on the object is the measure."""
    obj = bpy.context.object
    obj.name = "Größe.001"
    if is_grouped:
        tree = bpy.data.node_groups.new("g", "ShaderNodeTree")
        tree.interface.new_socket("Value", in_out="OUTPUT", socket_type="NodeSocketFloat")
        info, end = tree.nodes.new("ShaderNodeObjectInfo"), tree.nodes.new("NodeGroupOutput")
        tree.links.new(info.outputs["Random"], end.inputs[0])
        node = add(material, "Group")
        node.node_tree = tree
        random = node.outputs[0]
    else:
        random = add(material, "ObjectInfo").outputs["Random"]
    link(material, random, principled(material).inputs["Base Color"])
    before = dump()
    found = decode(look_of().pixels)
    assert dump() == before
    assert obj.name == "Größe.001"

    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    emission, target = add(material, "Emission"), add(material, "TexImage")
    target.image = bpy.data.images.new("t", 4, 4, float_buffer=True)
    material.node_tree.nodes.active = target
    link(material, random, emission.inputs["Color"])
    link(material, emission.outputs[0], surface(material))
    bpy.ops.object.bake(type="EMIT", margin=0)
    assert np.ptp(found) < HALF_FLOAT
    assert found[0, 0, 0] == pytest.approx(target.image.pixels[0], abs=HALF_FLOAT)


@pytest.mark.parametrize("of", ["scene", "view layer"])
@pytest.mark.parametrize("output", ["Color", "Fac"])
def test_properties_of_the_scene_and_its_view_layer(scene, material, of, output):
    owner = scene if of == "scene" else bpy.context.view_layer
    owner["tint"] = RED if output == "Color" else 0.25
    owner["note"] = "no number"
    node = add(material, "Attribute")
    node.attribute_type, node.attribute_name = "VIEW_LAYER", "tint"
    link(material, node.outputs[output], principled(material).inputs["Base Color"])
    before = dump()
    assert is_flat(look_of(), RED if output == "Color" else (0.25,) * 3)
    assert dump() == before


def test_a_sequence_at_the_current_frame(material, tmp_path):
    colors = {1: RED, 2: BLUE}
    for frame, color in colors.items():
        save_png(tmp_path / f"f{frame}.png", np.full((8, 8, 3), encode(np.float32(color))))
    node = add(material, "TexImage")
    node.image = bpy.data.images.load(str(tmp_path / "f1.png"))
    node.image.source = "SEQUENCE"
    node.image_user.frame_duration, node.image_user.use_auto_refresh = 2, True
    link(material, node.outputs["Color"], principled(material).inputs["Base Color"])
    for frame, color in colors.items():
        bpy.context.scene.frame_set(frame)
        found = look_of()
        assert np.abs(found.pixels - encode(np.float32(color))).max() < 0.01
        assert found.warnings == (f"Image 'f1.png' moves: its look at frame {frame} is taken",)


@pytest.mark.parametrize("space", ["Non-Color", "Linear Rec.709", "Filmic sRGB", "ACEScg", "sRGB"])
@pytest.mark.parametrize("view", ["Standard", "Raw"])
def test_color_spaces_as_cycles_reads_them(material, space, view):
    bpy.context.scene.view_settings.view_transform = view
    node = add(material, "TexImage")
    node.image = bpy.data.images.new("i", 4, 4)
    node.image.colorspace_settings.name = space  # before the pixels, which it throws away
    node.image.pixels.foreach_set(np.tile(np.float32((0.5, 0.3, 0.2, 1)), 16))
    link(material, node.outputs["Color"], principled(material).inputs["Base Color"])
    read = look_of()
    assert read.pixels.shape == (4, 4, 3)
    node.mute, node.projection = False, "BOX"  # which is not read
    baked = look_of()
    assert baked.pixels.shape == (16, 16, 3)
    assert read.pixels.min() > 0.01
    assert np.abs(read.pixels[0, 0] - baked.pixels).max() < 3e-3


@pytest.mark.parametrize("is_float", [False, True])
@pytest.mark.parametrize("is_used", [False, True])
def test_alpha_as_cycles_shows_it(material, is_float, is_used):
    node = add(material, "TexImage")
    node.image = bpy.data.images.new("i", 4, 4, alpha=True, float_buffer=is_float)
    node.image.pixels.foreach_set(np.tile(np.float32((0.4, 0.3, 0.2, 0.5)), 16))
    link(material, node.outputs["Color"], principled(material).inputs["Base Color"])
    if is_used:
        link(material, node.outputs["Alpha"], principled(material).inputs["Alpha"])
        # The bake has no use for it, so that the color itself has to depend on it.
    read = look_of()
    assert np.allclose(read.alpha, 0.5, atol=0.01)
    if not is_used:
        node.projection = "BOX"
        assert np.abs(read.pixels[0, 0] - look_of().pixels).max() < 5e-3
    else:
        straight = encode(np.float32((0.8, 0.6, 0.4))) if is_float else (0.4, 0.3, 0.2)
        assert np.abs(read.pixels[0, 0] - straight).max() < 5e-3


@pytest.fixture
def frame_handlers():
    """Four handlers of the artist's at each new frame; they move the active object."""
    called = []

    def named(name):
        def handler(*_):
            called.append(name)
            bpy.context.object.location.x += 1

        return handler

    lists = bpy.app.handlers.frame_change_pre, bpy.app.handlers.frame_change_post
    before = [list(handlers) for handlers in lists]
    for handlers in lists:
        handlers.extend(named(number) for number in range(2))
    yield called
    for handlers, old in zip(lists, before, strict=True):
        handlers[:] = old


def test_handlers_of_the_artists_are_not_called(material, frame_handlers):
    link(material, ramp(material).outputs[0], principled(material).inputs["Base Color"])
    bpy.context.scene.frame_set(7)
    assert frame_handlers == [0, 1, 0, 1]
    frame_handlers.clear()
    obj = bpy.context.object
    place = tuple(obj.location)
    assert is_flat(look_of(), (np.array(RED) + BLUE) / 2)
    assert (frame_handlers, tuple(obj.location)) == ([], place)
    bpy.context.scene.frame_set(8)
    assert frame_handlers == [0, 1, 0, 1]


def test_handlers_of_the_artists_come_back_after_an_error(frame_handlers):
    with pytest.raises(ZeroDivisionError), no_frame_handlers():
        raise ZeroDivisionError
    bpy.ops.mesh.primitive_plane_add()
    bpy.context.scene.frame_set(3)
    assert frame_handlers == [0, 1, 0, 1]


def test_cube_with_a_hidden_object(material):
    link(material, ramp(material).outputs[0], principled(material).inputs["Base Color"])
    obj = bpy.context.object
    obj.hide_render = obj.hide_viewport = obj.is_holdout = True
    bpy.context.view_layer.objects.active = add_cube()
    bpy.context.view_layer.objects.active = obj
    assert is_flat(look_of(), (np.array(RED) + BLUE) / 2)


def test_several_objects(material, style):
    """Each look is baked on its own object; instances, which look the same, share theirs."""
    bpy.context.scene.style_transfer_3d.style = str(style)
    plane = bpy.context.object
    link(material, ramp(material, 0.0).outputs[0], principled(material).inputs["Base Color"])
    twin = plane.copy()
    bpy.context.collection.objects.link(twin)
    cube = add_cube()
    other = add_material(cube, "other")
    link(other, ramp(other, 1.0).outputs[0], principled(other).inputs["Base Color"])
    before = dump()
    made = made_of(plane, twin, cube, texture_size=256)
    assert dump() == before
    assert [target.name for target in made.targets] == ["Plane", "Cube"]
    red, blue = made.job.originals
    assert made.job.mesh.materials.tolist() == [0] * 4 + [1] * 12
    for look, linear in ((red, RED), (blue, BLUE)):
        center = look[len(look) // 2, len(look) // 2]  # of an island of each
        assert np.abs(center - encode(np.float32(linear))).max() < HALF_FLOAT
    assert made.alphas == (None, None)
