"""What Blender itself has to do, on Blender as a Python module."""

from __future__ import annotations

from .children import run_child
from .subject import Options
from .table import Row

FACES = 1_000_000
TEXTURE = 4096


def rows(options: Options) -> list[Row]:
    """Reading a mesh, and taking a texture over."""
    told = run_child(
        "in_blender", FACES // options.shrink**2, options.side(TEXTURE), options.repeats
    )
    return [
        Row("Blender side: export of 1,000,000 faces", told["export"], "s", at_most=3),
        Row(f"Blender side: write-back of {TEXTURE}²", told["write_back"], "s", at_most=2),
    ]
