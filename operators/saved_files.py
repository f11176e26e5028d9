"""Files for the artist: written as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..engine.errors import JobError
from .image_files import save_exr


class NotSaved(JobError):
    """A file that was painted cannot be written where it was asked for."""


def save_file(path: Path, data: bytes) -> None:
    """Write `data` to `path`, where there is never a part of it.

    Raises:
        NotSaved: if it cannot be written.
    """
    with _whole(path) as part:
        part.write_bytes(data)


def save_texture(path: Path, texture: Path) -> None:
    """Save the PNG file `texture` as `path`, as its ending says; there is never a part of it.

    Raises:
        NotSaved: if it cannot be written.
    """
    if not is_exr(path):
        save_file(path, texture.read_bytes())
        return
    with _whole(path) as part:
        save_exr(part, texture)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A name to write to instead, which becomes `path` once all is written, else goes."""
    what = f"File {str(path)!r}"
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        why = f"it cannot be written ({error.strerror})"
        raise NotSaved(what, why, "Choose another") from error
    except JobError as error:  # which is about the part
        raise NotSaved(what, error.why, error.cure) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def is_exr(path: Path) -> bool:
    """Whether `path` is to be an OpenEXR file, by its ending."""
    return path.suffix.lower() == ".exr"
