"""A real Blender with the built zip installed, in a profile of its own.

REAL_BLENDER is a command prefix that runs a `blender`; EXTENSION_ZIP is the zip, else the one
in dist/. Without REAL_BLENDER these tests are left out.
"""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PREFIX = shlex.split(os.environ.get("REAL_BLENDER", ""))
LIMIT = 600  # seconds for one Blender, on a machine that is busy


def pytest_collection_modifyitems(items):
    reason = "REAL_BLENDER is not set: `make test-blender` sets it where there is one"
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(3 * LIMIT))
            if not PREFIX:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def extension():
    if named := os.environ.get("EXTENSION_ZIP"):
        return Path(named)
    (found,) = (HERE.parents[1] / "dist").glob("style_transfer_3d-*.zip")
    return found


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """A folder for Blender's own files, so that the user's are left alone."""
    return tmp_path_factory.mktemp("profile")


def start(profile, *arguments):
    """A Blender in a process group of its own, as a shell would start it."""
    return start_command(profile, "blender", *arguments)


def start_command(profile, *command):
    """Any command where Blender is."""
    return subprocess.Popen(
        [*PREFIX, *map(str, command)],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(profile)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process, limit=LIMIT):
    """Its exit code and its lines; it is killed with all its children if it takes too long."""
    try:
        said, _nothing = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, said.splitlines()


@pytest.fixture(scope="module")
def blender(profile, extension):
    """Run Blender with the extension installed."""

    def run(*arguments):
        return finish(start(profile, *arguments))

    code, lines = run(
        "--command", "extension", "install-file", "-r", "user_default", "-e", extension
    )
    assert code == 0, lines
    return run
