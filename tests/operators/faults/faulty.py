"""Runs whose engine is a stand-in that goes wrong when and how it is told."""

import os
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from style_transfer_3d.operators.on_objects import OnObjects
from style_transfer_3d.operators.running import Run

from tests.operators.calling import paint
from tests.operators.datablocks import difference, dump_all
from tests.operators.run_requests import given_ones
from tests.operators.scenes import ENGINE_PYTHON, quoted, stand_in, stand_in_python

NIGHTLY = "NIGHTLY" in os.environ
ROOT = Path(__file__).parents[3]
SHORT = {"preset": "DRAFT", "steps": 4, "texture_size": 64, "device": "CPU", "backbone": "VGG16"}
# What an engine says, a line each; between two of them anything may happen to it.
PHASES = """
    import json, os, pathlib, shutil, sys, threading, time
    threading.Thread(target=lambda: sys.stdin.readline() and os._exit(3), daemon=True).start()
    folder, fault = pathlib.Path(sys.argv[-1]), {fault!r}
    result = folder / "result"
    result.mkdir(exist_ok=True)
    shutil.copyfile({preview!r}, result / "preview.npy")
    shutil.copyfile({texture!r}, result / "texture.png")
    (result / "report.json").write_text("{{}}")
    step = dict(type="PROGRESS", steps=2, losses={{}}, seconds=1.0)
    says = [
        dict(type="STATUS", text="Loading torch"),
        dict(type="STATUS", text="Preparing views"),
        dict(step, step=1, share=0.5, previews=[str(result / "preview.npy")]),
        dict(step, step=2, share=1.0),
        dict(type="STATUS", text="Baking the texture"),
        dict(type="STATUS", text="Measuring the result: 50%"),
        dict(type="DONE", textures=[str(result / "texture.png")],
             report=str(result / "report.json")),
    ]
    for number, message in enumerate(says):
        if number == {phase}:
            exec(fault)
        print(json.dumps(message), flush=True)
        time.sleep({pause})
"""
# The engine, with a checkpoint after each step.
CHECKPOINTS = f"""
    import sys
    sys.path.insert(0, {str(ROOT)!r})
    from engine import __main__, checkpoint
    checkpoint.GAP, checkpoint.SHARE = 0, 1e9
    sys.exit(__main__.main(sys.argv[sys.argv.index("engine") + 1 :]))
"""


def children():
    """Processes that this one has started and that live."""
    files = Path("/proc/self/task").glob("*/children")
    return [int(pid) for file in files for pid in file.read_text().split()]


def engine(tmp_path, monkeypatch, texture, fault="", phase=-1, pause=0.0):
    """Have a stand-in for the engine that goes wrong before it says the message `phase`."""
    preview = tmp_path / "preview.npy"
    np.save(preview, np.full((8, 8, 4), 0.5, np.float32))
    script = PHASES.format(
        fault=fault, phase=phase, texture=str(texture), preview=str(preview), pause=pause
    )
    return stand_in(tmp_path, script, monkeypatch)


def begin(scene, style):
    """A run as the button starts it, of which nobody takes care."""
    return Run(given_ones(scene.style_transfer_3d, style=str(style)), bpy.context, OnObjects,
               watched=True)  # fmt: skip


def refused(**properties):
    """The one line that it ends with; the file is as it was to the last property."""
    before = dump_all()
    with pytest.raises(RuntimeError) as caught:
        paint(**properties)
    assert difference(before, dump_all()) == []
    text = str(caught.value).strip()
    assert len(text.splitlines()) == 1
    return text


def stand_in_of_engine(tmp_path, monkeypatch):
    """Let the real engine keep a checkpoint after each step."""
    python = stand_in(tmp_path, CHECKPOINTS, monkeypatch)
    python.write_text(python.read_text().replace(sys.executable, ENGINE_PYTHON))
    return python


def with_limit(limit, tmp_path, monkeypatch):
    """Let the real engine run with a limit of the shell's `ulimit`."""
    stand_in_python(tmp_path, f'ulimit {limit}\nexec {quoted(ENGINE_PYTHON)} "$@"', monkeypatch)
