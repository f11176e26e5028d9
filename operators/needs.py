"""What the engine's Python must have, and how that is said. No bpy in here."""

from __future__ import annotations

from ..engine.oldest import TORCH

OLDEST_TORCH = ".".join(map(str, TORCH))
# What pip calls each, by what it is imported as.
PACKAGES = {"torch": "torch", "torchvision": "torchvision", "numpy": "numpy", "PIL": "pillow"}
*_first, _last = PACKAGES.values()
NEEDS = f"{', '.join(_first)} and {_last}"
ANOTHER_PYTHON = f"another Python, with {NEEDS}, in the preferences"
