"""Paint the jobs in a folder, one after the other.

    python examples/queue/run_jobs.py JOBS

JOBS holds job folders, as write_jobs.py makes them. The Python is one with torch,
numpy and pillow; Blender is not needed. What has a result is left out, so that after an
interruption, or once a job is mended, the same command goes on. The exit code is 0 when every job
has a result, and 1 when one failed; what the engine said is in its folder's engine.log.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ENGINE = Path(__file__).resolve().parents[2]  # the folder that `engine` is in


def is_done(folder: Path) -> bool:
    """Whether the job in `folder` has a result: the report is the last file to be written."""
    return (folder / "result" / "report.json").is_file()


def run_job(folder: Path) -> str:
    """Paint the job in `folder`; returns why that failed, or nothing."""
    command = [sys.executable, "-m", "engine", str(folder)]
    log = folder / "engine.log"
    try:
        with log.open("w", encoding="utf-8") as out:
            code = subprocess.run(
                command, cwd=ENGINE, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
            ).returncode
    except OSError as error:
        return f"{log} cannot be written ({error.strerror})"
    return "" if code == 0 and is_done(folder) else reason(log, code)


def reason(log: Path, code: int) -> str:
    """Why the engine ended with the exit code `code`, by the last error in its log."""
    for line in reversed(log.read_text(encoding="utf-8", errors="replace").splitlines()):
        if line.startswith("{") and '"ERROR"' in line:
            with suppress(ValueError, KeyError):  # a line that was cut off
                error = json.loads(line)
                return f"{error['what']}: {error['why']}. {error['cure']}"
    return f"the engine ended with exit code {code}; see {log}"


def run_jobs(jobs: list[Path]) -> int:
    """Paint those of `jobs` that have no result, telling of each; returns how many failed."""
    failed = 0
    for number, folder in enumerate(jobs, 1):
        began, label = time.monotonic(), f"{number}/{len(jobs)} {folder.name}"
        if is_done(folder):
            print(f"{label}: has a result already", flush=True)
        elif why := run_job(folder):
            print(f"{label}: failed. {why}", flush=True)
            failed += 1
        else:
            print(f"{label}: painted in {time.monotonic() - began:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Paint the jobs in a folder.")
    parser.add_argument("jobs", type=Path, metavar="JOBS", help="a folder of job folders")
    found = sorted(file.parent for file in parser.parse_args().jobs.resolve().glob("*/job.json"))
    if not found:
        parser.error("there is no job in that folder: no JOBS/*/job.json")
    sys.exit(1 if run_jobs(found) else 0)
