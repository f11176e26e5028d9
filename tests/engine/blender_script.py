"""Running a script on Blender as a Python module, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def run_script(script: Path, folder: Path, *, timeout: float) -> None:
    """Run `script` with `folder` as its argument and as Blender's own; it must succeed."""
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(folder)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
