"""What each control does to the picture: sheets for the documentation.

Everything in them the repository or Blender makes: Suzanne, a gradient baked onto her, and the
style pictures of `draw_style.py` and `draw_mosaic` below.

    python examples/gallery.py [SHEET ...]
"""

from __future__ import annotations

import contextlib
import io
import sys
from typing import Any

import bpy
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import demo
from draw_style import draw

OUT = demo.ROOT / "build" / "gallery"
DOCS = demo.ROOT / "docs" / "pictures"
# Half of the steps of Standard: strokes have their edges, in half of the time.
QUICK: dict[str, Any] = {"preset": "STANDARD", "texture_size": 1024, "steps": 432}
NEAR = 420  # mm; the lens that shows strokes, where others show the whole head
CLOSE = ("sizes", "relief")  # sheets through that lens
MOSAIC = ("#16181d", "#1f3f77", "#c8553d", "#e9c46a", "#f4efe1", "#2a9d8f")
LARGEST = 300_000  # bytes of a sheet

Cell = tuple[str, dict[str, Any]]


def draw_mosaic(size: int = 512, *, seed: int = 4) -> Image.Image:
    """Tiles of six colors with dark joints between them: what lies nearest to random points."""
    random = np.random.default_rng(seed)
    points = random.random((420, 2)) * size
    colors = np.array([tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in MOSAIC])
    choice = colors[random.integers(1, len(MOSAIC), len(points))]
    y, x = np.mgrid[:size, :size]
    away = np.hypot(x[..., None] - points[:, 0], y[..., None] - points[:, 1])  # (H, W, P)
    order = np.argpartition(away, 1, axis=-1)[..., :2]
    first, second = np.moveaxis(np.take_along_axis(away, order, -1), -1, 0)
    joint = np.abs(second - first) < 3.5
    nearest = np.where(first < second, order[..., 0], order[..., 1])
    tiles = np.where(joint[..., None], colors[0], choice[nearest])
    return Image.fromarray(tiles.astype(np.uint8))


def add_gradient(suzanne: bpy.types.Object) -> None:
    """Give Suzanne a texture: warm above, green in the middle, blue below."""
    mesh = suzanne.data
    uvs = np.empty((len(mesh.loops), 2), np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", uvs.reshape(-1))
    image = bpy.data.images.new("Gradient", 512, 512)
    material = suzanne.active_material
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader, output = nodes["Principled BSDF"], nodes["Material Output"]
    ramp, light, place = (
        nodes.new(kind)
        for kind in ("ShaderNodeValToRGB", "ShaderNodeEmission", "ShaderNodeTexCoord")
    )
    split = nodes.new("ShaderNodeSeparateXYZ")
    ramp.color_ramp.elements[0].color = (0.02, 0.12, 0.5, 1)
    ramp.color_ramp.elements[1].color = (0.85, 0.2, 0.05, 1)
    ramp.color_ramp.elements.new(0.5).color = (0.25, 0.5, 0.1, 1)
    links.new(place.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], ramp.inputs[0])
    links.new(ramp.outputs[0], light.inputs["Color"])
    links.new(light.outputs[0], output.inputs["Surface"])
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    nodes.active = texture
    with demo.silence():
        bpy.ops.object.bake(type="EMIT", margin=8)
    links.new(shader.outputs[0], output.inputs["Surface"])
    links.new(texture.outputs[0], shader.inputs["Base Color"])
    for node in (ramp, light, place, split):
        nodes.remove(node)


def add_groups(suzanne: bpy.types.Object) -> None:
    """Vertex groups: Left, softly, and Face, which is the front."""
    left, face = (suzanne.vertex_groups.new(name=name) for name in ("Left", "Face"))
    for vertex in suzanne.data.vertices:
        left.add([vertex.index], float(np.clip(0.5 + 2.5 * vertex.co.x, 0, 1)), "REPLACE")
        front = vertex.co.y < -0.45 and abs(vertex.co.x) < 0.75
        face.add([vertex.index], float(front), "REPLACE")


def paint(suzanne: bpy.types.Object, settings: dict[str, Any]) -> Image.Image:
    """A copy of Suzanne painted so, from her front; without settings as she is."""
    copy = suzanne.copy()
    copy.data = suzanne.data.copy()
    copy.material_slots[0].link = "OBJECT"
    copy.material_slots[0].material = suzanne.active_material.copy()
    bpy.context.scene.collection.objects.link(copy)
    suzanne.hide_render, copy.hide_render = True, False
    bpy.context.view_layer.update()
    asked = {**QUICK, "style": str(OUT / "sea.png"), **settings}
    if settings:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            bpy.context.temp_override(object=copy, active_object=copy),
        ):
            bpy.ops.object.style_transfer(**asked)
    (picture,) = demo.render_sides(OUT / "renders", "cell", sides=(-25,))
    bpy.data.objects.remove(copy)
    return picture


def sheet(name: str, cells: list[Cell], suzanne: bpy.types.Object) -> None:
    """Paint `cells` and save them as docs/pictures/NAME.jpg."""
    columns = 2 if len(cells) == 4 else 3
    bpy.context.scene.camera.data.lens = NEAR if name in CLOSE else demo.LENS
    wide, high = demo.SIDE_PIXELS
    rows = -(-len(cells) // columns)
    made = Image.new("RGB", (columns * wide, rows * (high + 34)), demo.background_color())
    pen, font = ImageDraw.Draw(made), ImageFont.load_default(17)
    for number, (title, settings) in enumerate(cells):
        demo.say(f"{name}: {title}")
        picture = paint(suzanne, settings)
        left, top = number % columns * wide, number // columns * (high + 34)
        made.paste(picture, (left, top))
        pen.text((left + 16, top + high + 4), title, fill=(70, 68, 64), font=font)
    for quality in (88, 80, 70, 60):
        made.save(DOCS / f"{name}.jpg", quality=quality, optimize=True)
        if (DOCS / f"{name}.jpg").stat().st_size < LARGEST:
            break


def sheets() -> dict[str, list[Cell]]:
    """What is shown: for each sheet its cells, each with a title and what differs."""
    mosaic = str(OUT / "mosaic.png")
    return {
        "color": [
            ("As she was", {}),
            ("Color: Style", {"seed": 0}),
            ("Color: Matched", {"color": "MATCHED"}),
            ("Color: Original", {"color": "ORIGINAL"}),
        ],
        "strokes": [
            ("Stroke Size 0.5", {"stroke_size": 0.5}),
            ("Stroke Size 1", {"seed": 0}),
            ("Stroke Size 2", {"stroke_size": 2.0}),
            ("Stroke Rotation 90", {"stroke_rotation": 1.5708}),
            ("Start: Noise", {"start": "NOISE"}),
            ("Smoothness 1", {"tv_weight": 1.0}),
        ],
        "sizes": [
            (f"Texture Size {size}", {"preset": "STANDARD", "texture_size": size, "steps": 0})
            for size in (1024, 2048, 4096)
        ],
        "losses": [
            ("Gram", {"style": mosaic}),
            ("Mean and Covariance", {"style": mosaic, "style_loss": "MEAN_COVARIANCE"}),
            ("Sliced Wasserstein", {"style": mosaic, "style_loss": "SLICED_WASSERSTEIN"}),
            ("Nearest Features", {"style": mosaic, "style_loss": "NEAREST_FEATURES"}),
        ],
        "regions": [
            ("As she was", {}),
            ("Protect: Face", {"protect": "Face"}),
            ("Region: Left", {"style_region": "Left"}),
            ("Two regions", {
                "style_region": "Left",
                "more_styles": [{"name": "", "file": mosaic, "weight": 1.0, "region": ""}],
            }),
            ("Content Weight 1", {"content_weight": 1.0}),
            ("Content: Clay", {"content_source": "CLAY", "content_weight": 0.5}),
        ],
        "relief": [
            ("Relief: None", {"seed": 0}),
            ("Relief: Bump", {"relief": "BUMP", "relief_strength": 0.5}),
            ("Relief: Bump, Relief Strength 1", {"relief": "BUMP", "relief_strength": 1.0}),
        ],
    }  # fmt: skip


def main(names: list[str]) -> int:
    """Make the sheets of these names, or all; the exit code."""
    (OUT / "renders").mkdir(parents=True, exist_ok=True)
    DOCS.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    demo.load_extension()
    draw(512).save(OUT / "sea.png")
    draw_mosaic().save(OUT / "mosaic.png")
    demo.add_studio(bpy.context.scene)
    suzanne = demo.add_suzanne()
    add_gradient(suzanne)
    add_groups(suzanne)
    for name, cells in sheets().items():
        if not names or name in names:
            sheet(name, cells, suzanne)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
