"""Run in a process of its own, by a Python with bpy: Blender's picture of a textured mesh.

`cycles_render.py FOLDER` renders Suzanne with Cycles, emission only, and writes FOLDER/scene.npz:
the mesh, its texture and the camera as Blender has them, and the picture.
"""

import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Euler, Vector

SIZE = 192, 144  # width and height
SAMPLES = 64


def main(folder: Path) -> None:
    """Render, and save everything that it takes to render the same elsewhere."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_monkey_add(location=(0.3, -0.2, 0.4), rotation=(0.2, -0.3, 0.5))
    mesh_object = bpy.context.object
    bpy.context.view_layer.update()
    texture = colors(256)
    mesh_object.data.materials.append(emission(texture))
    camera = add_camera()
    picture = render(folder / "picture.png")
    mesh = mesh_object.data
    mesh.calc_loop_triangles()
    corners = np.array([t.loops[:] for t in mesh.loop_triangles])
    uv = np.array([d.uv[:] for d in mesh.uv_layers.active.data])
    matrix = np.array(mesh_object.matrix_world)
    local = np.array([v.co[:] for v in mesh.vertices])
    depsgraph = bpy.context.evaluated_depsgraph_get()
    np.savez(
        folder / "scene.npz",
        vertices=local @ matrix[:3, :3].T + matrix[:3, 3],
        faces=np.array([t.vertices[:] for t in mesh.loop_triangles]),
        uvs=uv[corners],
        texture=texture,
        world_to_camera=np.array(camera.matrix_world.inverted()),
        projection=np.array(camera.calc_matrix_camera(depsgraph, x=SIZE[0], y=SIZE[1])),
        picture=picture,
    )


def colors(size: int) -> np.ndarray:
    """(S, S, 3) in 0-1, row 0 on top: slow waves, and a letter F that no flip leaves alike."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    waves = [np.sin(2 * np.pi * (f * x + g * y)) for f, g in ((2, 1), (-1, 3), (4, -2))]
    image = 0.5 + 0.3 * np.stack(waves, -1)
    strokes = ((0.2, 0.1, 0.08, 0.8), (0.2, 0.1, 0.5, 0.1), (0.2, 0.4, 0.35, 0.1))
    for left, top, width, height in strokes:
        on = (x > left) & (x < left + width) & (y > top) & (y < top + height)
        image[on] = 0.6 * image[on] + 0.4 * np.array((1.0, 0.9, 0.1))
    return image


def emission(texture: np.ndarray) -> bpy.types.Material:
    """A material that shines in the colors of a texture."""
    image = bpy.data.images.new("texture", texture.shape[1], texture.shape[0])
    rgba = np.concatenate((texture, np.ones((*texture.shape[:2], 1))), -1)
    image.pixels.foreach_set(np.float32(rgba[::-1]).ravel())
    material = bpy.data.materials.new("texture")
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    read, shine, out = (
        tree.nodes.new(f"ShaderNode{kind}") for kind in ("TexImage", "Emission", "OutputMaterial")
    )
    read.image = image
    tree.links.new(read.outputs["Color"], shine.inputs["Color"])
    tree.links.new(shine.outputs["Emission"], out.inputs["Surface"])
    return material


def add_camera() -> bpy.types.Object:
    """A camera that looks at the mesh from the front left, tilted and off its axis."""
    data = bpy.data.cameras.new("camera")
    data.lens, data.shift_x, data.shift_y = 50.0, 0.05, -0.08
    data.clip_start, data.clip_end = 0.5, 50.0
    camera = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(camera)
    camera.location = (2.2, -4.6, 1.9)
    direction = Vector((0.3, -0.2, 0.4)) - camera.location
    rotation = direction.to_track_quat("-Z", "Y") @ Euler((0, 0, 0.3)).to_quaternion()
    camera.rotation_euler = rotation.to_euler()
    bpy.context.scene.camera = camera
    bpy.context.view_layer.update()
    return camera


def render(file: Path) -> np.ndarray:
    """The picture, (H, W, 4) in 0-1, row 0 on top, sRGB-encoded, alpha not premultiplied."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.filter_size = 1.0
    scene.render.film_transparent = True
    scene.render.dither_intensity = 0.0
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(file)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(file))
    pixels = np.empty(4 * SIZE[0] * SIZE[1], np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(SIZE[1], SIZE[0], 4)[::-1]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
