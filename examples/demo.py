"""Paint Blender's own Suzanne in the style of the picture that `draw_style.py` draws.

Runs on Blender as a Python module (`bpy` from pip), with the extension loaded from this
source tree, and leaves everything in build/demo.

    python examples/demo.py
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import math
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import bpy
from mathutils import Vector
from PIL import Image, ImageDraw, ImageFont

from draw_style import draw

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "demo"
EXTENSION = "style_transfer_3d"
PRESET = "STANDARD"
TEXTURE_SIZE = 1024

SIDES = (-30, 60, 150, 240)  # degrees around the object, 0 is its front
SIDE_PIXELS = (400, 300)
SAMPLES = 16
LENS = 85  # mm
BACKGROUND = (0.86, 0.85, 0.83)  # as displayed
CLAY = (0.55, 0.53, 0.50, 1.0)
MARGIN = 16


class ProgressBar(io.TextIOBase):
    """Stands in for stdout and turns the operator's lines into a bar on `terminal`."""

    WIDTH = 32

    def __init__(self, terminal: TextIO) -> None:
        super().__init__()
        self._terminal = terminal
        self._line = ""
        self._tenths = -1

    def write(self, text: str) -> int:
        """Take text as `print` gives it; act on each line's end."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._show(line)
        return len(text)

    def _show(self, line: str) -> None:
        found = re.match(r"Step (\d+)/(\d+)(.*)", line)
        if found is None:
            self._terminal.write(f"  {line}\n")
        else:
            self._advance(int(found[1]), int(found[2]), found[3])
        self._terminal.flush()

    def _advance(self, step: int, steps: int, losses: str) -> None:
        """Redraw the bar on a terminal; add a line to a log when another tenth is done."""
        tenths = 10 * step // steps
        if self._terminal.isatty():
            end = "\n" if step == steps else ""
            self._terminal.write(f"\r  {bar(step / steps, self.WIDTH)}{losses}\x1b[K{end}")
        elif tenths > self._tenths:
            self._terminal.write(f"  {bar(tenths / 10, self.WIDTH)}{losses}\n")
        self._tenths = tenths


def bar(share: float, width: int) -> str:
    """A bar of which `share` is filled, and the share in per cent."""
    filled = round(share * width)
    return "█" * filled + "░" * (width - filled) + f" {share:4.0%}"


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep what Blender's C code prints from the terminal."""
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def load_extension() -> None:
    """Import the extension from the source tree and register it."""
    spec = importlib.util.spec_from_file_location(
        EXTENSION, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no extension in {ROOT}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[EXTENSION] = module
    spec.loader.exec_module(module)
    module.register()


def add_suzanne() -> bpy.types.Object:
    """Blender's monkey with its own UV map, smooth, in plain clay."""
    bpy.ops.mesh.primitive_monkey_add(calc_uvs=True, rotation=(math.radians(-15), 0, 0))
    suzanne = bpy.context.object
    suzanne.modifiers.new("Subdivision", "SUBSURF").render_levels = 2
    suzanne.modifiers["Subdivision"].levels = 2
    bpy.ops.object.shade_smooth()
    clay = bpy.data.materials.new("Clay")
    shader = clay.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = CLAY
    shader.inputs["Roughness"].default_value = 0.6
    suzanne.data.materials.append(clay)
    return suzanne


def add_studio(scene: bpy.types.Scene) -> bpy.types.Object:
    """Soft light from all around, a lamp that goes with the camera, the camera itself."""
    world = bpy.data.worlds.new("Studio")
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.6
    scene.world = world

    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = LENS
    lamp = bpy.data.objects.new("Key", bpy.data.lights.new("Key", "AREA"))
    lamp.data.energy, lamp.data.size = 260, 2
    lamp.parent = camera
    lamp.location = (-3, 3, -1.5)
    lamp.rotation_euler = Vector((3, -3, -5)).to_track_quat("-Z", "Y").to_euler()
    for item in (camera, lamp):
        scene.collection.objects.link(item)

    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = SIDE_PIXELS
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    scene.cycles.device = "CPU"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 2
    return camera


def render_sides(folder: Path, name: str, sides: Sequence[int]) -> list[Image.Image]:
    """Render the scene from `sides`, in degrees, over the sheet's background."""
    scene = bpy.context.scene
    backdrop = Image.new("RGBA", SIDE_PIXELS, background_color())
    images = []
    for angle in sides:
        place_camera(scene.camera, math.radians(angle))
        file = folder / f"{name}_{angle % 360:03}.png"
        scene.render.filepath = str(file)
        with silence():
            bpy.ops.render.render(write_still=True)
        with Image.open(file) as render:
            images.append(Image.alpha_composite(backdrop, render.convert("RGBA")).convert("RGB"))
    return images


def place_camera(camera: bpy.types.Object, angle: float) -> None:
    """Stand the camera around the origin, a little above it, and look there."""
    direction = Vector((math.sin(angle), -math.cos(angle), 0.25)).normalized()
    camera.location = 7.2 * direction + Vector((0, 0, -0.08))
    camera.rotation_euler = direction.to_track_quat("Z", "Y").to_euler()


def background_color() -> tuple[int, int, int]:
    """BACKGROUND in 0-255."""
    red, green, blue = (round(255 * value) for value in BACKGROUND)
    return red, green, blue


def make_sheet(
    style: Image.Image, before: list[Image.Image], after: list[Image.Image]
) -> Image.Image:
    """The style picture on the left, before and after in two rows on the right."""
    wide, high = (pixels + MARGIN for pixels in SIDE_PIXELS)
    side = 2 * high - MARGIN  # of the style picture
    size = (2 * MARGIN + side + len(SIDES) * wide, MARGIN + 2 * high)
    sheet = Image.new("RGB", size, background_color())
    sheet.paste(style.resize((side, side), Image.Resampling.LANCZOS), (MARGIN, MARGIN))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for row, (title, images) in enumerate((("before", before), ("after", after))):
        left, top = 2 * MARGIN + side, MARGIN + row * high
        for column, image in enumerate(images):
            sheet.paste(image, (left + column * wide, top))
        pen.text((left, top), title, fill=(90, 88, 84), font=font)
    return sheet


def paint(suzanne: bpy.types.Object) -> dict[str, object]:
    """Run the operator on Suzanne; returns the report that the new image remembers."""
    with contextlib.redirect_stdout(ProgressBar(sys.stdout)):
        bpy.ops.object.style_transfer(
            style="//style.png",
            preset=PRESET,
            texture_size=TEXTURE_SIZE,
            output="//texture.png",
        )
    image = suzanne.active_material.node_tree.nodes.active.image
    recipe: dict[str, dict[str, object]] = json.loads(image[EXTENSION])
    return recipe["report"]


def main() -> int:
    """Make the demo and say where it is; the exit code."""
    begun = time.monotonic()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the bar, where it cannot be shown
    (OUT / "renders").mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.save_version = 0
    load_extension()

    say("Drawing the style picture")
    style = draw()
    style.save(OUT / "style.png")

    say("Rendering Suzanne as she is")
    suzanne = add_suzanne()
    add_studio(bpy.context.scene)
    before = render_sides(OUT / "renders", "before", SIDES)

    say(f"Painting her: preset {PRESET}, {TEXTURE_SIZE} px")
    with silence():
        bpy.ops.wm.save_as_mainfile(filepath=str(OUT / "demo.blend"))
    try:
        report = paint(suzanne)
    except RuntimeError as error:  # the operator's own words
        print(f"demo: {str(error).strip()}", file=sys.stderr)
        return 1
    with silence():
        bpy.ops.wm.save_mainfile()
    (OUT / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    say("Rendering Suzanne as she is now")
    make_sheet(style, before, render_sides(OUT / "renders", "after", SIDES)).save(OUT / "sheet.png")

    say(f"Done in {time.monotonic() - begun:.0f} s:")
    for name in ("sheet.png", "texture.png", "demo.blend", "report.json"):
        say(f"  {(OUT / name).relative_to(ROOT)}")
    return 0


def say(text: str) -> None:
    """Print a line at once: Blender's C code does not know of Python's buffer."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
