"""Where Base Color comes from, and images as pixels."""

import bpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mathutils import Color
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators.image_pixels import encode, pixels

from tests.operators.readings import look_of
from tests.operators.scenes import (
    add_cube,
    add_material,
    new_image,
    principled,
    save_layers,
    save_png,
    stripes,
)

EIGHT_BITS = 0.5 / 255 + 1e-6


def test_byte_image_as_stored_row_0_on_top():
    image = stripes(5, 7)
    assert np.abs(pixels(new_image("i", image)) - image).max() <= EIGHT_BITS


def test_file_on_disk_equals_the_image_in_memory(tmp_path):
    image = stripes(6, 4)
    loaded = bpy.data.images.load(str(save_png(tmp_path / "i.png", image)))
    assert np.abs(pixels(loaded) - image).max() <= EIGHT_BITS


def test_float_image_is_encoded():
    image = stripes(3, 3)
    assert np.allclose(pixels(new_image("i", image, is_float=True)), encode(image))


def test_sixteen_bits_a_channel(tmp_path):
    expected = stripes(6, 10)
    image = new_image("i", expected, is_float=True)
    writer = bpy.data.scenes.new("writer")
    writer.view_settings.view_transform = "Raw"
    settings = writer.render.image_settings
    settings.file_format, settings.color_depth = "PNG", "16"
    image.save_render(str(tmp_path / "deep.png"), scene=writer)
    found = pixels(bpy.data.images.load(str(tmp_path / "deep.png")))
    assert np.abs(found - expected).max() < 1e-3  # a byte is off by 2e-3


def test_data_image_is_what_blender_shows_of_it():
    image = new_image("i", stripes(3, 3), is_data=True)
    stored = np.round(stripes(3, 3) * 255) / 255
    assert np.abs(pixels(image) - encode(stored)).max() <= 1e-5


@given(st.floats(0, 1))
def test_encode_is_blenders_own(value):
    blender = Color((value,) * 3).from_scene_linear_to_srgb().r
    assert encode(np.float32([value] * 3))[0] == pytest.approx(blender, abs=2e-4)


@given(st.floats(allow_nan=False, width=32), st.floats(allow_nan=False, width=32))
def test_encode_keeps_order_and_range(a, b):
    low, high = encode(np.sort(np.float32([a, b]))[:, None].repeat(3, 1))[:, 0]
    assert 0 <= low <= high <= 1


def test_missing_file(tmp_path):
    image = bpy.data.images.load(str(save_png(tmp_path / "i.png", stripes(4, 4))))
    image.filepath = str(tmp_path / "moved.png")
    with pytest.raises(JobError, match=r"Image 'i.png': its file '.*moved.png' is missing"):
        pixels(image)


def test_a_file_of_several_layers(tmp_path):
    image = bpy.data.images.load(str(save_layers(tmp_path / "layers.exr")))
    with pytest.raises(JobError, match=r"'layers.exr': its file has several layers.*Save As"):
        pixels(image)


def test_pixels_that_are_not_numbers():
    image = stripes(4, 4)
    image[1, 2] = np.nan
    with pytest.raises(JobError, match="Image 'i': it has pixels that are not numbers"):
        pixels(new_image("i", image, is_float=True))


def test_udim_tiles():
    image = bpy.data.images.new("i", 4, 4, tiled=True)
    with pytest.raises(JobError, match="Image 'i': it has UDIM tiles"):
        pixels(image)


def test_no_material_is_blenders_grey():
    add_cube()
    assert np.allclose(look_of().pixels, encode(np.float32([0.8] * 3)))


def test_flat_color():
    add_material(add_cube(), "m", color=(0.1, 0.2, 0.3))
    assert np.allclose(look_of().pixels, encode(np.float32([[[0.1, 0.2, 0.3]]])))


def test_image_behind_reroutes():
    material = add_material(add_cube(), "m", new_image("i", stripes(4, 4)))
    nodes, links = material.node_tree.nodes, material.node_tree.links
    socket = principled(material).inputs["Base Color"]
    first, second = nodes.new("NodeReroute"), nodes.new("NodeReroute")
    links.new(socket.links[0].from_socket, first.inputs[0])
    links.new(first.outputs[0], second.inputs[0])
    links.new(second.outputs[0], socket)
    found = look_of()
    assert found.pixels.shape == (4, 4, 3)
    assert not found.warnings


@pytest.mark.parametrize(
    ("node", "output", "uv_map", "is_read"),
    [
        ("ShaderNodeUVMap", "UV", "", True),
        ("ShaderNodeUVMap", "UV", "UVMap", True),
        ("ShaderNodeTexCoord", "UV", None, True),
        ("ShaderNodeTexCoord", "Object", None, False),
        ("ShaderNodeMapping", "Vector", None, False),
    ],
)
def test_an_image_with_a_mapping_of_its_own_is_baked(node, output, uv_map, is_read):
    material = add_material(add_cube(), "m", new_image("i", stripes(4, 4)))
    image_node = principled(material).inputs["Base Color"].links[0].from_node
    vector = material.node_tree.nodes.new(node)
    if uv_map is not None:
        vector.uv_map = uv_map
    material.node_tree.links.new(vector.outputs[output], image_node.inputs["Vector"])
    assert look_of().pixels.shape == ((4, 4, 3) if is_read else (16, 16, 3))


@pytest.mark.parametrize("name", ["translation", "rotation", "scale"])
def test_an_image_whose_node_maps_it_is_baked(name):
    material = add_material(add_cube(), "m", new_image("i", stripes(4, 4)))
    node = principled(material).inputs["Base Color"].links[0].from_node
    assert look_of().pixels.shape == (4, 4, 3)
    setattr(node.texture_mapping, name, (0.5, 0.5, 0.5))
    assert look_of().pixels.shape == (16, 16, 3)


def test_no_shader_feeds_the_output():
    material = add_material(add_cube(), "m")
    nodes = material.node_tree.nodes
    nodes.remove(principled(material))
    with pytest.raises(JobError, match="Material 'm': no shader with a color feeds its output"):
        look_of()
    nodes.remove(material.node_tree.get_output_node("ALL"))
    with pytest.raises(JobError, match="Material 'm': no shader with a color feeds its output"):
        look_of()
