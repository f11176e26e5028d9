"""The private environment: a Python of the engine's own with PyTorch. No bpy in here.

It is made where it stays, for such an environment cannot be moved. What makes it whole is a file
that is written last, after a child process has computed a convolution in it; without that file,
or when Blender's Python behind it is another one than it was made for, it counts for nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TextIO

from ..engine.errors import JobError
from ..engine.oldest import TORCH
from . import pip, wheels
from .child import Ended, Step, Steps, run
from .clean_environment import clean_environment
from .needs import ANOTHER_PYTHON, OLDEST_TORCH, PACKAGES

MARKER = "whole.json"
REQUIREMENTS = tuple(
    f"{name}>={OLDEST_TORCH}" if name == "torch" else name for name in PACKAGES.values()
)
# Its last line is what the artist is told.
CHECK = f"""
import {", ".join(PACKAGES)}
if torch.__version__ < {TORCH}:
    raise SystemExit("PyTorch " + torch.__version__ + " is older than {OLDEST_TORCH}")
torch.from_numpy(numpy.ones(1))  # which a torch from before NumPy 2 fails in
card = torch.cuda.is_available()
for device in ["cpu", "cuda"][: 1 + card]:
    image, kernel = torch.ones(1, 3, 8, 8, device=device), torch.ones(4, 3, 3, 3, device=device)
    assert torch.nn.functional.conv2d(image, kernel).sum().item() == 4 * 36 * 27
print("PyTorch", torch.__version__, "on", torch.cuda.get_device_name() if card else "the processor")
"""
# In pip's configuration, where packages come from is the artist's to say; where they go is not.
_WHERE_TO = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER"}
_RETRIES = "2"  # for an index that there is another one for
_TRASH = "trash_"
_OTHER_BUILD = "Choose another build in the preferences, CPU runs everywhere"


def python_in(folder: Path) -> Path:
    """The Python of the environment in `folder`."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def problem(folder: Path) -> str | None:
    """Why the environment in `folder` cannot be used; None if it is whole."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        base, version = Path(marker["base"]), marker["version"]
    except OSError:
        return "its installation was not finished"
    except (ValueError, KeyError, TypeError):
        return f"its file {MARKER} is damaged"
    if not base.is_file():
        return f"it was made for a Python that is gone ({str(base)!r})"
    if not python_in(folder).is_file():
        return f"its file {python_in(folder).name} is missing"
    if base == _base() and version != _version():
        return f"it was made for Python {version}, and Blender's is {_version()} now"
    return None


def description(folder: Path) -> str:
    """What is in a whole environment, such as `PyTorch 2.9.1 on NVIDIA GeForce RTX 4070`."""
    return json.loads((folder / MARKER).read_text(encoding="utf-8"))["says"]


def has_package(name: str) -> bool:
    """Whether a child of Blender's own Python could import this package; imports nothing.

    Blender's sys.path is not asked: it holds folders of Blender's that no child gets.
    """
    found = PathFinder.find_spec(name, site.getsitepackages())
    return found is not None and found.origin is not None


def make(
    folder: Path,
    log_file: Path,
    *,
    kind: str,
    requirements: Sequence[str] = REQUIREMENTS,
    check: str = CHECK,
) -> Steps:
    """Make the environment in `folder`; what was whole there before gives way at the very end.

    Args:
        folder: where it stays.
        log_file: gets all that pip says.
        kind: one of wheels.KINDS.
        requirements: what pip installs.
        check: a program that has to run in it; its last line tells what is installed.

    Raises:
        JobError: if it cannot be made. Then, and when closed half-way, nothing half-made is left.
    """
    kept = folder.with_name(folder.name + "_before")
    done = False
    try:
        _put_back(folder, kept)  # after a crash
        for old in folder.parent.glob(_TRASH + "*"):
            _delete(old)
        if problem(folder) is None:
            folder.rename(kept)
        discard(folder)
        folder.mkdir(parents=True)
        with log_file.open("w", encoding="utf-8") as log:
            says = yield from _Making(folder, log, log_file).steps(kind, requirements, check)
        done = True
        return f"Installed: {says}"
    except OSError as error:
        raise JobError(
            "PyTorch",
            f"it cannot be installed in {str(folder)!r} ({error.strerror or error})",
            "Check that you may write there, that nothing uses it and that there is room",
        ) from error
    finally:
        if done:
            discard(kept)
        else:
            with suppress(OSError):  # what stays there has no marker and counts for nothing
                discard(folder)
                _put_back(folder, kept)


def discard(folder: Path) -> None:
    """Delete a folder that may hold many thousand files, without waiting for it.

    Raises:
        OSError: if it cannot be moved out of the way.
    """
    if folder.exists():
        trash = Path(tempfile.mkdtemp(prefix=_TRASH, dir=folder.parent))
        folder.rename(trash / folder.name)
        _delete(trash)


def _delete(trash: Path) -> None:
    threading.Thread(target=shutil.rmtree, args=(trash, True)).start()


def _put_back(folder: Path, kept: Path) -> None:
    if kept.exists():
        discard(folder)
        kept.rename(folder)


class _Making:
    """The steps that fill an empty folder."""

    def __init__(self, folder: Path, log: TextIO, log_file: Path) -> None:
        self._folder, self._log, self._log_file = folder, log, log_file
        self._python = str(python_in(folder))
        self._temporary = folder / "tmp"  # pip's, which leaves gigabytes there when killed
        cleaned = {k: v for k, v in clean_environment().items() if k.upper() not in _WHERE_TO}
        self._environment = cleaned | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._temporary))

    def steps(self, kind: str, requirements: Sequence[str], check: str) -> Steps:
        self._temporary.mkdir()
        pip_command = yield from self._make_environment()
        yield from self._install(pip_command, kind, requirements)
        says = yield from self._check(check)
        shutil.rmtree(self._temporary, ignore_errors=True)
        marker = {"base": str(_base()), "version": _version(), "says": says}
        half = self._folder / f"{MARKER}.half"
        half.write_text(json.dumps(marker), encoding="utf-8")
        half.replace(self._folder / MARKER)
        return says

    def _run(
        self,
        *command: str,
        step: Step,
        read: Callable[[str, Step], Step] = lambda _line, step: step,
    ) -> Generator[Step, None, Ended]:
        self._log.write(f"$ {' '.join(command)}\n")
        return (
            yield from run(command, step, environment=self._environment, log=self._log, read=read)
        )

    def _make_environment(self) -> Generator[Step, None, tuple[str, ...]]:
        """Make it, and return how pip is called for it."""
        own_pip = PathFinder.find_spec("ensurepip") is not None
        if not own_pip and not has_package("pip"):
            raise JobError(
                "Blender's Python",
                "it comes without pip and without ensurepip",
                "Install your system's package for them (python3-venv on Debian and Ubuntu), "
                f"or name {ANOTHER_PYTHON}",
            )
        step = Step("Making a Python for the engine")
        options = ("-s", "-X", "utf8", "-m")
        # Pip in a step of its own, for venv would keep to itself why that failed.
        commands: list[tuple[str, ...]] = [
            (sys.executable, *options, "venv", "--without-pip", str(self._folder))
        ]
        if own_pip:
            commands.append((self._python, *options, "ensurepip", "--default-pip"))
        for command in commands:
            ended = yield from self._run(*command, step=step)
            if ended.code:
                raise pip.failure(ended.lines, self._folder, self._log_file)
        if own_pip:
            return (self._python, *options, "pip")
        return (sys.executable, *options, "pip", "--python", self._python)

    def _install(
        self, command: Sequence[str], kind: str, requirements: Sequence[str]
    ) -> Generator[Step, None, None]:
        bar = yield from self._progress_bar(command)
        own = yield from self._index(kind)
        # The default index may have another build than the one that somebody chose.
        addresses = (own, None) if own and kind == "AUTO" else (own,)
        for address in addresses:
            source = ["--index-url", address] if address else []
            source += ["--retries", _RETRIES] if len(addresses) > 1 and address else []
            ended = yield from self._run(
                *command, "install", "--no-input", "--no-user", "--no-cache-dir",
                "--disable-pip-version-check", "--only-binary", ":all:", "--progress-bar", bar,
                *source, *requirements,
                step=Step("Looking for packages"), read=pip.read,
            )  # fmt: skip
            if not ended.code:
                return
            if pip.is_the_machines(ended.lines):
                break
        error = pip.failure(ended.lines, self._folder, self._log_file)
        if address and not pip.is_the_machines(ended.lines):
            why = (
                f"PyTorch's own index did not give the build {kind}, which was chosen ({error.why})"
            )
            raise JobError(error.what, why, f"Choose build Automatic, or: {error.cure}")
        raise error

    def _progress_bar(self, command: Sequence[str]) -> Generator[Step, None, str]:
        """`raw` if pip can tell its progress in numbers, for which an old one is replaced."""
        if (yield from self._tells_numbers(command)):
            return "raw"
        if command[0] == self._python:
            yield from self._run(
                *command, "install", "--no-input", "--no-user", "--no-cache-dir", "--upgrade",
                "--retries", _RETRIES, "pip",
                step=Step("Updating pip"),
            )  # fmt: skip
            if (yield from self._tells_numbers(command)):
                return "raw"
        return "off"

    def _tells_numbers(self, command: Sequence[str]) -> Generator[Step, None, bool]:
        ended = yield from self._run(*command, "--version", step=Step("Looking at pip"))
        return pip.version(ended.lines) >= pip.RAW_PROGRESS

    def _index(self, kind: str) -> Generator[Step, None, str | None]:
        kind = wheels.detect() if kind == "AUTO" else kind
        cards: list[str] = []
        if kind == "CUDA" and shutil.which(wheels.CUDA_QUESTION[0]):
            step = Step("Looking at the graphics card")
            ended = yield from self._run(*wheels.CUDA_QUESTION, step=step)
            cards = ended.lines
        return wheels.index(kind, cards)

    def _check(self, program: str) -> Generator[Step, None, str]:
        command = (self._python, "-s", "-X", "utf8", "-c", program)
        ended = yield from self._run(*command, step=Step("Trying it out"))
        if ended.code:
            words = pip.last_words(ended.lines)
            lacks_dll = "WinError 126" in words
            raise JobError(
                "PyTorch",
                f"it does not run on this machine ({words})",
                ("Install Microsoft's Visual C++ Redistributable" if lacks_dll else _OTHER_BUILD)
                + f", then install again. All that was said is in {str(self._log_file)!r}",
            )
        return pip.last_words(ended.lines)


def _base() -> Path:
    """Blender's own Python, which the environment is made of."""
    return Path(os.path.realpath(sys.executable))


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
