"""The engine as one of several processes, with the preset TINY.

    torchrun … in_a_team.py [--patience SECONDS] [--others FOLDER] FOLDER

Writes a checkpoint after each step, measures the result by few small views, and writes its
process id to the file RANK.pid beside the folder.
With --others, processes but the first get that folder.
"""

import argparse
import os
import sys
from datetime import timedelta
from pathlib import Path

from engine import __main__, checkpoint, settings, workers
from tests.engine.few_views import measure_by_few
from tests.engine.jobs import TINY

parser = argparse.ArgumentParser()
parser.add_argument("--patience", type=float, default=60)
parser.add_argument("--others", type=Path)
parser.add_argument("folder", type=Path)
given = parser.parse_args()
rank = os.environ["RANK"]
settings.PRESETS["DRAFT"] = TINY
checkpoint.GAP, checkpoint.SHARE = 0, 1e9
measure_by_few()
workers.PATIENCE = timedelta(seconds=given.patience)
(given.folder.parent / f"{rank}.pid").write_text(str(os.getpid()))
folder = given.others if given.others and rank != "0" else given.folder
sys.exit(__main__.main([str(folder)]))
