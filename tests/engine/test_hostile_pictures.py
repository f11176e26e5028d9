"""Pictures that were made to do harm: each is decoded, or refused in one line.

Whatever is in them, no program is started for them, and no other file is read.
"""

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import EpsImagePlugin, Image

from engine.job import Style
from engine.picture import read_picture
from tests.engine.hostile import inputs, nothing_outside, sound_or_refused

KINDS = ("PNG", "JPEG", "MPO", "BMP", "TIFF", "GIF", "WebP", "TGA", "PPM", "JPEG2000")
EXECUTES = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 64 64
%%EndComments
0.5 setgray 0 0 64 64 rectfill
showpage
"""  # Pillow shows PostScript by having Ghostscript run it


def encoded(kind: str, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(stream, format=kind)
    return stream.getvalue()


WHOLE = {kind: encoded(kind) for kind in KINDS}


def read(content: bytes, folder: Path) -> bool:
    """Whether it is decoded, into numbers of the shape of a picture."""
    file = folder / "picture.png"
    file.write_bytes(content)
    found = []
    with nothing_outside(folder):
        sound = sound_or_refused(lambda: found.append(read_picture(file)), repr(file.name))
    for picture in found:
        assert picture.ndim == 3
        assert len(picture) == 3
        assert 0 <= picture.min() <= picture.max() <= 1
    return sound


def test_each_kind_is_read_when_it_is_whole(tmp_path) -> None:
    assert [kind for kind, content in WHOLE.items() if not read(content, tmp_path)] == []


@given(st.sampled_from(KINDS), st.data())
@inputs(120)
@pytest.mark.timeout(1200)  # 4800 inputs in the nightly size, on a busy machine
@pytest.mark.filterwarnings("ignore")  # what Pillow thinks of damaged metadata
def test_damaged_pictures_are_read_or_refused(tmp_path, kind, data) -> None:
    content = bytearray(WHOLE[kind])
    near = min(len(content), 200)  # headers are there
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, near - 1) | st.integers(0, max(len(content) - 1, 0)))
        match data.draw(st.integers(0, 3)):
            case 0:
                content[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
            case 1:
                content[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
            case 2:
                content[at:] = content[at + data.draw(st.integers(1, 50)) :]
            case 3:
                content[at : at + 4] = b"\xff\xff\xff\xff"
    read(bytes(content), tmp_path)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, color: int = 2) -> bytes:
    """A PNG that says it is of any size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def packed(count: int) -> bytes:
    return zlib.compress(bytes(count), 9)


@given(
    st.sampled_from((0, 1, 15, 16, 64, 16384, 16385, 2**20, 2**31 - 1, 2**31, 2**32 - 1)),
    st.sampled_from((0, 1, 16, 64, 16384, 2**31 - 1, 2**32 - 1)),
    st.sampled_from((1, 2, 4, 8, 16, 3, 255)),
    st.integers(0, 7),
    st.binary(max_size=64),
)
@inputs(40)
@pytest.mark.filterwarnings("ignore")  # Pillow warns before it refuses
def test_sizes_that_lie_are_refused(tmp_path, width, height, depth, color, body) -> None:
    content = png(width, height, chunk(b"IDAT", packed(99) + body), depth=depth, color=color)
    if width * height > 10**7:
        assert not read(content, tmp_path)
    else:
        read(content, tmp_path)


BOMBS = {
    "pixels": png(50_000, 50_000, chunk(b"IDAT", packed(10**7))),
    "rows beyond the height": png(32, 32, chunk(b"IDAT", packed(10**8))),
    "text": png(32, 32, chunk(b"zTXt", b"k\0\0" + packed(10**8)), chunk(b"IDAT", packed(3104))),
    "profile": png(32, 32, chunk(b"iCCP", b"k\0\0" + packed(10**8)), chunk(b"IDAT", packed(3104))),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(99),
    "ppm": b"P6 99999999 99999999 255\n" + bytes(99),
    "ppm of digits": b"P6 " + b"9" * 10**6,
    "tiff of itself": b"II*\0\x08\0\0\0" + struct.pack("<H", 65535) + b"\0\x01\x04\0" * 9,
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.filterwarnings("ignore")
def test_bombs_stay_small(tmp_path, name) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read(BOMBS[name], tmp_path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300 * 1024, f"{grown / 1024:.0f} MB"


def zip_of(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "import os")
    return stream.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "tail", [zip_of("__main__.py"), EXECUTES, b"#!/bin/sh\nexit 1\n", b"<svg onload='x'/>"],
    ids=["zip", "eps", "script", "svg"],
)  # fmt: skip
def test_two_files_in_one_are_one_picture(tmp_path, kind, tail) -> None:
    assert read(WHOLE[kind] + tail, tmp_path)
    assert not read(tail + WHOLE[kind], tmp_path)


def test_postscript_is_not_run(tmp_path, monkeypatch) -> None:
    """By whatever name it comes, and even where there is a Ghostscript."""
    mark = tmp_path / "mark"
    for name in ("gs", "gswin64c"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n[ $1 = --version ] || echo > '{mark}'\n")
        program.chmod(0o755)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # it is looked for once
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    with Image.open(io.BytesIO(EXECUTES)) as picture, pytest.raises(OSError):  # noqa: PT011
        picture.load()
    assert mark.exists(), "Pillow does not run it any more: the test tells nothing"
    mark.unlink()
    assert not read(EXECUTES, tmp_path)
    assert not mark.exists()


@given(st.binary(max_size=300))
@inputs(30)
@pytest.mark.filterwarnings("ignore")
def test_any_bytes_after_any_magic_are_refused(tmp_path, body) -> None:
    for content in WHOLE.values():
        assert not read(content[:12] + body, tmp_path)


def test_a_file_of_terabytes_is_not_read(tmp_path) -> None:
    file = tmp_path / "hole.png"
    file.write_bytes(WHOLE["PNG"])
    os.truncate(file, 2**41)  # takes no room on the disk
    assert not sound_or_refused(Style(file).validate)
