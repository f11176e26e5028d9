"""Run by a Blender with a window: play the case that the first argument after -- names."""

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]
importlib.import_module(sys.argv[sys.argv.index("--") + 1])
