"""The environment of another Python that Blender starts. No bpy in here."""

from __future__ import annotations

import os

# By these torchrun tells a process that it is one of several: all but the first send nothing.
_TORCHRUN = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}


def clean_environment() -> dict[str, str]:
    """This process's environment without what would make another Python behave like this one."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("PYTHON") and name not in _TORCHRUN
    }
    return {
        "OMP_WAIT_POLICY": "PASSIVE",  # idle threads leave the processor to Blender
        **kept,
        "PYTHONDONTWRITEBYTECODE": "1",  # nothing is written beside the engine
    }
