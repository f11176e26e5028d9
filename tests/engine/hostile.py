"""What the tests of hostile input share: how many inputs, and what a reader may not touch."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.errors import JobError

NIGHTLY = "NIGHTLY" in os.environ
TIMES = 40  # as many inputs in the nightly size
ROOT = Path(__file__).resolve().parents[2]
# Where Python and its packages read themselves and the machine, and nobody's data is.
PYTHONS = tuple(Path(p).resolve() for p in (sys.prefix, sys.base_prefix, "/proc", "/dev", "/sys"))
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile")
TOUCHES = {
    "open": 1, "os.mkdir": 1, "os.remove": 1, "os.rename": 2, "os.rmdir": 1, "os.symlink": 2,
    "os.link": 2, "os.truncate": 1, "os.chmod": 1,
}  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(
        (10**400, -1, 0, 2**31, 2**63, 1e308, "NaN", "x" * 5000, "\0", "\ud800", "../..", "/etc")
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner,
                                                               max_size=3),
    max_leaves=6,
)  # fmt: skip
_watchers: list[Callable[[str, tuple], None]] = []


def inputs(count: int) -> hypothesis_settings:
    """So many inputs in `make test`, and TIMES as many in the nightly size."""
    return hypothesis_settings(
        max_examples=count * (TIMES if NIGHTLY else 1),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def sound_or_refused(read: Callable[[], object], named: str = "") -> bool:
    """Whether `read` passes; what it refuses it says in one line of three parts, which names it."""
    said = None
    try:
        read()
    except JobError as error:
        said = error
    assert said is None or len(str(said).splitlines()) == 1
    assert said is None or all((said.what, said.why, said.cure))
    assert said is None or named in str(said)
    return said is None


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The paths to all that is in dicts and lists."""
    yield path
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


class Trap:
    """Touches a file when it is unpickled by anyone who runs what pickles say."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@contextmanager
def nothing_outside(folder: Path) -> Iterator[None]:
    """Fail if a program is started meanwhile, code is unpickled, or a file outside is touched."""
    inside = (folder.resolve(), ROOT / "engine", *PYTHONS)
    wrong: list[str] = []

    def watch(event: str, arguments: tuple) -> None:
        if event in STARTS or event == "pickle.find_class":
            wrong.append(f"{event} {arguments}")
        for path in arguments[: TOUCHES.get(event, 0)]:
            if isinstance(path, (str, bytes, Path)):
                real = Path(os.path.realpath(os.fsdecode(path)))
                if not any(real.is_relative_to(place) for place in inside):
                    wrong.append(f"{event} {path!r}")

    _watchers.append(watch)
    try:
        yield
    finally:
        _watchers.remove(watch)
    assert not wrong, wrong


def _hook(event: str, arguments: tuple) -> None:
    for watch in _watchers:
        watch(event, arguments)


sys.addaudithook(_hook)  # for good: Python has no way to take it back
