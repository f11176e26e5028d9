"""The private environment: made by a real pip with a small wheel in torch's place, and undone."""

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path, PureWindowsPath

import bpy
import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import (
    engine_python,
    environment,
    long_paths,
    pip,
    wheels,
)
from style_transfer_3d.operators.alone import LOCK
from style_transfer_3d.operators.child import Step
from style_transfer_3d.operators.task import Task

from tests.operators.steps import follow, processes

CHECK = "import small; print('small', small.VERSION)"
FOREVER = "import time; time.sleep(1000)"


@pytest.fixture(autouse=True)
def no_task():
    yield
    if Task.current:
        Task.current.close()
    Task.failures.clear()


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package that pip finds without a network, and the only one."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "small-1.0.dist-info"
    file = folder / "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small.py", "VERSION = '1.0'\n" + "#" * 10_000_000)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return "small"


@pytest.fixture
def quick(monkeypatch):
    """No ensurepip, which takes most of the time: the pip of the Python that runs this serves."""
    find_spec = environment.PathFinder.find_spec
    assert find_spec("pip")
    monkeypatch.setattr(
        environment.PathFinder, "find_spec",
        lambda name, path=None: None if name == "ensurepip" else find_spec(name, path),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "user" / "engine"


def make(folder, *requirements, check=CHECK, kind="AUTO"):
    folder.parent.mkdir(exist_ok=True)
    log = folder.with_name("install.log")
    return environment.make(folder, log, kind=kind, requirements=requirements, check=check)


def left_in(folder):
    """What is there when all that is being deleted is gone."""
    end = time.monotonic() + 20
    while list(folder.glob("trash_*")) and time.monotonic() < end:
        time.sleep(0.05)
    return sorted(path.name for path in folder.iterdir())


def test_made_failed_and_damaged(folder, wheel, monkeypatch, request):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PIP_TARGET", str(folder.with_name("elsewhere")))
    told, said = follow(make(folder, wheel))
    assert said == "Installed: small 1.0"
    assert told[0] == "Making a Python for the engine"
    assert told[-1] == "Trying it out"
    assert environment.problem(folder) is None
    assert environment.description(folder) == "small 1.0"
    assert left_in(folder.parent) == ["engine", "install.log"]
    assert not (folder / "tmp").exists()
    python = str(environment.python_in(folder))
    command = [python, "-c", "import small, sys; print(sys.prefix)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == str(folder)

    request.getfixturevalue("quick")
    with pytest.raises(JobError, match="no such kernel"):
        follow(make(folder, wheel, check="raise OSError('no such kernel')"))
    assert environment.problem(folder) is None, "what was whole must be there again"

    (folder / environment.MARKER).unlink()
    (folder / "half-made").touch()
    steps = make(folder, wheel)
    next(steps)
    assert not (folder / "half-made").exists()
    steps.close()
    assert left_in(folder.parent) == ["install.log"]


def test_a_failing_pip_is_one_clear_line(folder, wheel, quick, monkeypatch):
    monkeypatch.setattr(wheels, "detect", lambda: "CPU")
    with pytest.raises(JobError) as caught:
        follow(make(folder, "package-that-is-nowhere"))
    log = folder.with_name("install.log")
    assert "has no 'package-that-is-nowhere' for Blender's Python" in caught.value.why
    assert repr(str(log)) in caught.value.cure
    assert "\n" not in str(caught.value)
    assert left_in(folder.parent) == ["install.log"]
    text = log.read_text()
    assert "ERROR: No matching distribution found" in text
    assert wheels.INDEX + "cpu" in text, "PyTorch's own index comes first"
    assert text.count("--only-binary") == 2, "then the artist's own"


def test_a_build_that_was_chosen_is_taken_from_nowhere_else(folder, wheel, quick):
    with pytest.raises(JobError) as caught:
        follow(make(folder, "package-that-is-nowhere", kind="ROCM"))
    assert "did not give the build ROCM, which was chosen" in caught.value.why
    assert "has no 'package-that-is-nowhere'" in caught.value.why
    assert "Choose build Automatic" in caught.value.cure
    text = folder.with_name("install.log").read_text()
    assert wheels.INDEX + "rocm" in text
    assert text.count("--only-binary") == 1


@pytest.mark.parametrize("program", ["ensurepip", FOREVER])
def test_closed_half_way_nothing_is_left(program, folder, wheel, request):
    if program == FOREVER:
        request.getfixturevalue("quick")
    steps = make(folder, wheel, check=FOREVER)
    while not any(program in line for line in processes(folder)):
        next(steps)
        time.sleep(0.02)
    time.sleep(0.5)  # for its children
    begun = time.monotonic()
    steps.close()
    assert time.monotonic() - begun < 2
    assert not processes(folder)
    assert left_in(folder.parent) == ["install.log"]


def test_a_crash_half_way_is_cleared_away(folder, wheel, quick):
    """Blender was killed while it made one anew: the older one waits under another name."""
    follow(make(folder, wheel))
    folder.rename(folder.with_name("engine_before"))
    folder.mkdir()
    (folder.with_name("trash_of_yore") / "x").mkdir(parents=True)
    with pytest.raises(JobError):
        follow(make(folder, wheel, check="raise OSError"))
    assert environment.problem(folder) is None
    assert left_in(folder.parent) == ["engine", "install.log"]


TORCH = """
class Version(str):
    def __lt__(self, other):
        return tuple(map(int, self.split(".")[:2])) < other
__version__ = Version({version!r})
def from_numpy(array):
    raise RuntimeError("Numpy is not available")
"""


@pytest.mark.parametrize(
    ("version", "words"),
    [("2.2.2", "PyTorch 2.2.2 is older than 2.5"), ("2.10.0", "Numpy is not available")],
)
def test_a_torch_that_the_engine_cannot_run_on(version, words, tmp_path):
    """The last one for Macs with an Intel processor, which knows no NumPy 2 either."""
    (tmp_path / "torch.py").write_text(TORCH.format(version=version))
    for other in ("numpy", "PIL", "torchvision"):
        (tmp_path / f"{other}.py").write_text("ones = range")
    done = subprocess.run(
        [sys.executable, "-c", environment.CHECK],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]


def test_a_python_without_pip(folder, monkeypatch):
    monkeypatch.setattr(environment, "has_package", lambda name: False)
    monkeypatch.setattr(environment.PathFinder, "find_spec", lambda name, path=None: None)
    with pytest.raises(JobError, match="without pip and without ensurepip"):
        follow(make(folder, "six"))


def test_a_pip_of_blenders_serves_where_there_is_no_ensurepip(folder, wheel, quick):
    assert follow(make(folder, wheel))[1] == "Installed: small 1.0"
    assert not list(folder.glob("lib/python*/site-packages/pip"))


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "engine"
    with pytest.raises(JobError) as caught:
        follow(environment.make(folder, tmp_path / "log", kind="CPU"))
    assert repr(str(folder)) in caught.value.why


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root mounts a disk")
@pytest.mark.parametrize("phase", ["ensurepip", "quick"])
def test_a_full_disk(phase, tmp_path, wheel, request):
    """While it is made, and while the wheel is unpacked."""
    if phase == "quick":
        request.getfixturevalue(phase)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)]
    subprocess.run(mount, check=True, timeout=20)
    try:
        with pytest.raises(JobError) as caught:
            follow(make(disk / "engine", wheel))
        assert "no room" in caught.value.why
        assert left_in(disk) == ["install.log"]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True, timeout=20)


RETRY = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NameResolutionError()': /six/"
)


@pytest.mark.parametrize(
    ("line", "words", "machines"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space", "room", True),
        ("OSError: [WinError 112] Es ist nicht genug Platz auf dem Datenträger", "room", True),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Perm", "Errno 13", True),
        ("HINT: see https://pip.pypa.io/warnings/enable-long-paths", "no paths as long", True),
        (RETRY, "cannot be reached", False),
        ("ERROR: No matching distribution found for torch", "no 'torch'", False),
        ("ERROR: Something else\nnotice: a new pip", "(Something else)", False),
        ("Killed", "(Killed)", False),
        ("", "(it said nothing)", False),
    ],
)
def test_why_pip_failed(line, words, machines):
    lines = ["Collecting torch", *line.split("\n")] if line else []
    assert words in pip.failure(lines, Path("engine"), Path("install.log")).why
    assert pip.is_the_machines(lines) == machines


def test_what_pip_is_at():
    step, told = Step("Looking for packages"), []
    for line in (
        "Collecting torch",
        "  Downloading https://host/whl/cpu/torch-2.9.0%2Bcpu-cp311-linux_x86_64.whl (184.5 MB)",
        "Progress 46125000 of 184500000",
        "Progress 184500000 of 184500000",
        "Collecting typing-extensions>=4.10.0 (from torch)",
        "something else",
        "Installing collected packages: mpmath, torch",
    ):
        step = pip.read(line, step)
        told.append((step.text, step.share))
    assert told == [
        ("Looking for torch", 0.0),
        ("Downloading torch", 0.0),
        ("Downloading torch: 46 of 184 MB", 0.25),
        ("Downloading torch: 184 of 184 MB", 1.0),
        ("Looking for typing-extensions", 0.0),
        ("Looking for typing-extensions", 0.0),
        ("Unpacking, which takes some minutes", 0.0),
    ]


@pytest.mark.parametrize(
    ("kind", "cards", "end"),
    [
        ("CPU", [], "cpu"),
        ("ROCM", [], "rocm7.2"),
        ("CUDA", [], "cu128"),
        ("CUDA", ["NVIDIA-SMI has failed"], "cu128"),
        ("CUDA", ["580.95.05, 8.9"], "cu130"),
        ("CUDA", ["570.10, 12.0"], "cu128"),
        ("CUDA", ["580.95.05, 8.9", "580.95.05, 6.1"], "cu126"),
    ],
)
def test_which_index(kind, cards, end, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert wheels.index(kind, cards) == wheels.INDEX + end
    monkeypatch.setattr(sys, "platform", "darwin")
    assert wheels.index(kind, cards) is None
    assert wheels.detect() == "CPU"


USER = r"C:\Users\{}\AppData\Roaming\Blender Foundation\Blender\4.2\extensions\.user\user_default"
SHORT = PureWindowsPath(USER.format("ann"), "style_transfer_3d", "engine")
LONG = PureWindowsPath(USER.format("ann.of.the.green.gables"), "style_transfer_3d", "engine")


@pytest.mark.parametrize(
    ("folder", "platform", "on"),
    [(SHORT, "win32", False), (LONG, "win32", True), (LONG, "linux", False)],
)
def test_paths_that_are_short_enough(folder, platform, on):
    long_paths.check(folder, platform=platform, on=on)


def test_paths_that_windows_does_not_take():
    with pytest.raises(JobError, match="Turn on long paths in Windows") as caught:
        long_paths.check(LONG, platform="win32", on=False)
    assert repr(str(LONG)) in caught.value.why
    assert not long_paths.are_on(), "there is no such switch here"


class TestOperators:
    """From Python, where they wait until it is done."""

    @pytest.fixture(autouse=True)
    def user_folder(self, folder, quick, monkeypatch):
        folder.parent.mkdir()
        monkeypatch.setattr(engine_python, "user_folder", lambda *, create=False: folder.parent)
        system = bpy.context.preferences.system
        before, system.use_online_access = system.use_online_access, True
        yield
        system.use_online_access = before

    @pytest.fixture
    def small(self, wheel, monkeypatch):
        monkeypatch.setattr(environment, "REQUIREMENTS", (wheel,))
        monkeypatch.setattr(environment, "CHECK", CHECK)

    def test_installed_and_removed(self, small, folder):
        remove = bpy.ops.wm.style_transfer_3d_remove
        assert not remove.poll()
        assert bpy.ops.wm.style_transfer_3d_install() == {"FINISHED"}
        assert engine_python.find().path == str(environment.python_in(folder))
        assert Task.current is None
        assert remove() == {"FINISHED"}
        assert left_in(folder.parent) == ["install.log"]

    def test_another_blender_that_installs_is_left_alone_while_it_lives(self, small, folder):
        install = bpy.ops.wm.style_transfer_3d_install
        assert install() == {"FINISHED"}
        script = (
            "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX); "
        )
        script += "print('held', flush=True); sys.stdin.read()"
        with subprocess.Popen(
            [sys.executable, "-c", script, str(folder.with_name(LOCK))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as other:  # fmt: skip
            try:
                assert other.stdout.readline() == "held\n"
                for name in ("install", "fetch_vgg19", "remove"):
                    with pytest.raises(RuntimeError, match="another Blender"):
                        getattr(bpy.ops.wm, f"style_transfer_3d_{name}")()
                assert environment.problem(folder) is None
            finally:
                other.kill()
        assert install() == {"FINISHED"}

    def test_a_failure_is_told_and_kept_for_the_panels(self, wheel, monkeypatch):
        monkeypatch.setattr(environment, "REQUIREMENTS", ("package-that-is-nowhere",))
        with pytest.raises(RuntimeError, match="has no 'package-that-is-nowhere'"):
            bpy.ops.wm.style_transfer_3d_install()
        assert "package-that-is-nowhere" in Task.failures["Install PyTorch"]
        assert Task.current is None

    def test_an_error_that_nobody_has_foreseen_is_told_too(self, small, monkeypatch):
        def fail(*_):
            raise KeyError("far too green")

        monkeypatch.setattr(wheels, "index", fail)
        with pytest.raises(RuntimeError, match="KeyError: 'far too green'"):
            bpy.ops.wm.style_transfer_3d_install()
        assert "far too green" in Task.failures["Install PyTorch"]
        assert Task.current is None

    @pytest.mark.parametrize("name", ["install", "fetch_vgg19"])
    def test_offline(self, name, folder):
        bpy.context.preferences.system.use_online_access = False
        with pytest.raises(RuntimeError, match="System > Network > Allow Online Access"):
            getattr(bpy.ops.wm, f"style_transfer_3d_{name}")()
        assert left_in(folder.parent) == []

    @pytest.mark.parametrize("name", ["install", "fetch_vgg19"])
    def test_started_offline(self, name, folder, started_offline):
        with pytest.raises(RuntimeError, match="started in offline mode"):
            getattr(bpy.ops.wm, f"style_transfer_3d_{name}")()
        assert left_in(folder.parent) == []

    def test_paths_too_long_are_told_before_anything_is_downloaded(self, folder, monkeypatch):
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr(long_paths, "are_on", lambda: False)
        monkeypatch.setattr(long_paths, "INSIDE", 250)
        with pytest.raises(RuntimeError, match="Turn on long paths"):
            bpy.ops.wm.style_transfer_3d_install()
        assert left_in(folder.parent) == []

    def test_one_at_a_time(self, small, folder):
        going = Task("Install PyTorch", lambda: make(folder, "small", check=FOREVER))
        while not going.text.startswith("Trying"):
            going.advance()
            time.sleep(0.02)
        with pytest.raises(RuntimeError, match="it is going on already"):
            bpy.ops.wm.style_transfer_3d_install()
        with pytest.raises(RuntimeError, match="'Install PyTorch' is going on"):
            bpy.ops.wm.style_transfer_3d_fetch_vgg19()
        assert not bpy.ops.wm.style_transfer_3d_remove.poll()
        assert bpy.ops.wm.style_transfer_3d_cancel() == {"FINISHED"}
        assert Task.current is None
        assert not processes(folder)
        assert left_in(folder.parent) == ["install.log"]
