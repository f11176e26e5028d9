"""Write one job folder for each object, to be painted later or on another machine.

    blender -b scene.blend --python-exit-code 1 --python examples/queue/write_jobs.py -- \
        JOBS OBJECT...

Blender needs the extension, but neither torch nor a GPU. The settings, with the style picture, are
the scene's, as the tab Style shows them. JOBS is a new folder; run_jobs.py paints what is in it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import bpy


def write_jobs(jobs: Path, names: list[str]) -> list[Path]:
    """Write the objects of those names into folders in `jobs`, which is made; returns the folders.

    Raises:
        JobError: if one of them cannot be painted as the scene's settings say.
        FileExistsError: if `jobs` is there already, for it may hold results of other jobs.
    """
    scene = bpy.context.scene
    # The extension's name begins with that of the repository that it was installed from.
    package = type(scene.style_transfer_3d).__module__.rpartition(".")[0]
    command, export, request = (
        import_module(f"{package}.{name}") for name in ("command", "export", "request")
    )
    asked = request.read_request(None, scene)
    made = [export.export([command.find_object(name)], bpy.context, asked).job for name in names]
    for job in made:
        job.validate()
    jobs.mkdir(parents=True)
    folders = []
    for number, (name, job) in enumerate(zip(names, made, strict=True), 1):
        folders.append(jobs / f"{number:03}_{bpy.path.clean_name(name)}")
        job.save(folders[-1])
    return folders


if __name__ == "__main__":
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if len(words) < 2:
        sys.exit("write_jobs: after -- it wants the folder JOBS and the names of objects")
    for written in write_jobs(Path(words[0]).absolute(), words[1:]):
        print(f"Saved: '{written}'")
