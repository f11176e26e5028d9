"""Scenes, pictures and stand-ins for the engine, made here so that no test needs a file."""

import os
import shlex
import stat
import sys
import tempfile
import textwrap
import venv
from pathlib import Path

import bpy
import numpy as np

# The Python that has torch: this one, but in `make test-compat`, where Blender's has none.
ENGINE_PYTHON = os.environ.get("TEST_ENGINE_PYTHON", sys.executable)


def stripes(height, width):
    """(H, W, 3) float32 in 0-1, no two rows and no two columns alike."""
    v, u = np.mgrid[:height, :width] / max(height, width)
    image = np.stack([0.5 + 0.5 * np.sin(40 * (u + v)), u, v], -1)
    return np.float32(image)


def new_image(name, pixels, *, is_float=False, is_data=False):
    """A Blender image that shows (H, W, 3) `pixels`, row 0 on top, as they are."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, float_buffer=is_float, is_data=is_data)
    rgba = np.concatenate([pixels[::-1], np.ones((height, width, 1))], -1)
    image.pixels.foreach_set(np.float32(rgba).reshape(-1))
    return image


def save_png(path, pixels):
    """Write (H, W, 3) `pixels` to `path` through Blender, leaving no image behind."""
    image = new_image(path.stem, pixels)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return path


def save_layers(path):
    """Write a render of 64 x 64 to `path`, an OpenEXR file of several layers."""
    scene = bpy.data.scenes.new("layers")
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    scene.camera, scene.render.engine, scene.cycles.samples = camera, "CYCLES", 1
    scene.render.resolution_x = scene.render.resolution_y = 64
    if bpy.app.version >= (5, 0, 0):
        scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    bpy.data.batch_remove([scene, camera, camera.data])
    return path


def add_cube(name="Cube", **placement):
    """The active object: a cube with Blender's own UVs."""
    bpy.ops.mesh.primitive_cube_add(**placement)
    bpy.context.object.name = name
    return bpy.context.object


def add_material(obj, name, image=None, color=(0.8, 0.8, 0.8)):
    """A material in a new slot of `obj`: an image behind Base Color, or a flat color."""
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    shader = principled(material)
    shader.inputs["Base Color"].default_value = (*color, 1.0)
    if image:
        node = material.node_tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        material.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    obj.data.materials.append(material)
    return material


def add_nodes(obj):
    """An empty geometry nodes modifier of `obj`: its tree, and its input and output nodes."""
    tree = bpy.data.node_groups.new("g", "GeometryNodeTree")
    for kind in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=kind, socket_type="NodeSocketGeometry")
    obj.modifiers.new("g", "NODES").node_group = tree
    return tree, tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")


def principled(material):
    """The material's one Principled BSDF."""
    (shader,) = (n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    return shader


def surface(material):
    """What the material's output shows."""
    return material.node_tree.get_output_node("ALL").inputs["Surface"]


def shown_image(material):
    """The image that feeds Base Color directly; None if none does."""
    links = principled(material).inputs["Base Color"].links
    return links[0].from_node.image if links else None


def dump():
    """What the file holds, to be compared: names, slots, node trees, custom properties."""
    names = {}
    for prop in bpy.data.bl_rna.properties:
        if prop.type == "COLLECTION":
            names[prop.identifier] = sorted(
                item.name for item in getattr(bpy.data, prop.identifier)
            )
    trees = {
        material.name: (
            sorted((n.name, n.bl_idname, tuple(n.location)) for n in material.node_tree.nodes),
            sorted(
                (link.from_node.name, link.from_socket.name, link.to_node.name, link.to_socket.name)
                for link in material.node_tree.links
            ),
        )
        for material in bpy.data.materials
        if material.node_tree
    }
    slots = {
        obj.name: [(slot.link, slot.material and slot.material.name) for slot in obj.material_slots]
        for obj in bpy.data.objects
    }
    images = {
        image.name: (tuple(image.size), image.filepath, sorted(image.keys()))
        for image in bpy.data.images
    }
    active = bpy.context.object and (bpy.context.object.name, bpy.context.object.mode)
    return names, trees, slots, images, active


def whole_dump():
    """As `dump`, and what a preview might leave: muted links, active nodes, slots."""
    muted = [
        (link.from_node.name, link.is_muted)
        for material in bpy.data.materials
        for link in material.node_tree.links
    ]
    active = [
        m.node_tree.nodes.active and m.node_tree.nodes.active.name for m in bpy.data.materials
    ]
    return dump(), muted, active, [len(o.material_slots) for o in bpy.data.objects]


def stand_in(folder, script, monkeypatch):
    """Let a Python `script` run instead of the engine; the job's folder is its last argument."""
    (folder / "stand_in.py").write_text(textwrap.dedent(script))
    return stand_in_python(
        folder, f'exec {quoted(sys.executable)} {quoted(folder / "stand_in.py")} "$@"', monkeypatch
    )


def stand_in_python(folder, command, monkeypatch):
    """Let a shell `command` run instead of the engine's Python."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{command}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("STYLE_TRANSFER_3D_PYTHON", str(python))
    return python


def painter(textures, report):
    """A script for `stand_in` that says it painted `textures`, one existing PNG file or several."""
    files = [str(file) for file in (textures if isinstance(textures, list) else [textures])]
    return f"""
        import json, pathlib, shutil, sys
        result = pathlib.Path(sys.argv[-1]) / "result"
        result.mkdir()
        textures = []
        for number, file in enumerate({files!r}):
            textures.append(str(result / f"texture_{{number}}.png"))
            shutil.copyfile(file, textures[-1])
        (result / "report.json").write_text(json.dumps({report!r}))
        def say(**message):
            print(json.dumps(message), flush=True)
        say(type="STATUS", text="Painting")
        say(type="PROGRESS", step=1, steps=1, losses={{"total": 0.5}}, seconds=61.0, share=1.0)
        say(type="WARN", text="the paint is still wet")
        say(type="DONE", textures=textures, report=str(result / "report.json"))
    """


# A script for `stand_in` that never comes to an end.
HANGS = """
    import json, time
    print(json.dumps({"type": "STATUS", "text": "Hanging"}), flush=True)
    time.sleep(1000)
"""


def select(*objects):
    """Select these and nothing else; the first one is active."""
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in objects)
    bpy.context.view_layer.objects.active = objects[0]


def bare_python(folder, *, with_packages=False):
    """A Python of its own with nothing installed; `with_packages` lends it this one's."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    (site,) = folder.glob("lib/python3*/site-packages")
    if with_packages:
        (site / "lent.pth").write_text(str(Path(np.__file__).parents[1]))
    return folder / "bin" / "python", site


def quoted(path):
    """`path` for a shell."""
    return shlex.quote(str(path))


def job_folders():
    return sorted(Path(bpy.app.tempdir or tempfile.gettempdir()).glob("style_transfer_3d_*"))


def end_run():
    """Close the run, if there is one; that leaves no job folder."""
    from style_transfer_3d.operators.running import Run  # noqa: PLC0415 - conftest loads it

    if Run.current:
        Run.current.close()
    assert not job_folders()
