"""Reading the style picture whatever it is, and writing the result."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import JobError
from engine.job import STYLE_SIDES
from engine.picture import KEPT_SIDE, read_picture, write_heights, write_picture


def colors(height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8, no two rows and no two columns alike."""
    y, x = np.mgrid[:height, :width]
    return np.stack((255 * y / height, 255 * x / width, 40 + (x + y) % 160), -1).astype(np.uint8)


def read(file: Path) -> np.ndarray:
    """The picture as (H, W, 3) in 0-255."""
    return read_picture(file).permute(1, 2, 0).numpy() * 255


def refusal(file: Path) -> JobError:
    """How the file is refused; in one line that names it."""
    with pytest.raises(JobError) as caught:
        read_picture(file)
    assert "\n" not in str(caught.value)
    assert repr(file.name) in str(caught.value)
    return caught.value


def blank_png(width: int, height: int, *, rows: int | None = None) -> bytes:
    """A black PNG of any size, a few kB even when it is huge; cut short if `rows` is given."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * ((height if rows is None else rows) * (1 + width)), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WebP"])
def test_pixels_are_as_they_were_saved(tmp_path, kind) -> None:
    file = tmp_path / "picture"
    Image.fromarray(colors(20, 31)).save(file, format=kind, lossless=True)
    assert np.abs(read(file) - colors(20, 31)).max() < 1e-3
    assert read_picture(file).dtype == torch.float32


def test_a_jpeg(tmp_path) -> None:
    file = tmp_path / "picture.jpg"
    Image.fromarray(colors(64, 48)).resize((96, 128)).save(file, quality=95)
    with Image.open(file) as decoded:
        assert np.abs(read(file) - np.asarray(decoded)).max() < 1e-3


def test_grey_is_the_same_in_all_channels(tmp_path) -> None:
    file = tmp_path / "grey.png"
    grey = colors(20, 31)[..., 0]
    Image.fromarray(grey).save(file)
    assert np.abs(read(file) - grey[..., None]).max() < 1e-3


def test_a_palette_with_a_transparent_color(tmp_path) -> None:
    file = tmp_path / "palette.png"
    index = (np.arange(20 * 24).reshape(20, 24) % 3).astype(np.uint8)
    picture = Image.fromarray(index, mode="P")
    table = np.array([(10, 200, 30), (250, 0, 5), (1, 2, 3)], np.uint8)
    picture.putpalette(table.tobytes())
    picture.save(file, transparency=2)
    shown = np.array([(10, 200, 30), (250, 0, 5), (255, 255, 255)])[index]
    assert np.abs(read(file) - shown).max() < 1e-3


def test_transparency_shows_white(tmp_path) -> None:
    file = tmp_path / "alpha.png"
    alpha = np.linspace(0, 255, 20 * 31).reshape(20, 31, 1).astype(np.uint8)
    Image.fromarray(np.concatenate((colors(20, 31), alpha), -1)).save(file)
    share = alpha / 255
    assert np.abs(read(file) - (share * colors(20, 31) + (1 - share) * 255)).max() < 1.01


def test_sixteen_bits_of_grey(tmp_path) -> None:
    file = tmp_path / "deep.png"
    grey = np.linspace(0, 65535, 20 * 31).reshape(20, 31).astype(np.uint16)
    Image.fromarray(grey).save(file)
    assert np.abs(read(file) - grey[..., None] / 257).max() < 0.01


def test_floating_point_grey(tmp_path) -> None:
    """A TIFF of 32-bit floats, whose white is 1; what is beyond is cut off."""
    file = tmp_path / "float.tif"
    grey = np.linspace(-0.5, 1.5, 20 * 31, dtype=np.float32).reshape(20, 31)
    grey[3, 3] = np.nan
    Image.fromarray(grey).save(file)
    shown = np.nan_to_num(grey).clip(0, 1)[..., None] * 255
    assert np.abs(read(file) - shown).max() < 0.01


def test_cmyk(tmp_path) -> None:
    file = tmp_path / "print.jpg"
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(file, quality=95)
    assert np.abs(read(file) - (255, 0, 0)).max() < 4


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (6, lambda a: np.rot90(a, -1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_it_is_turned_as_its_exif_says(tmp_path, orientation, turn) -> None:
    file = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(colors(20, 31)).save(file, exif=exif)
    assert np.abs(read(file) - turn(colors(20, 31))).max() < 1e-3


def test_huge_pictures_are_reduced_at_once(tmp_path) -> None:
    file = tmp_path / "huge.png"
    file.write_bytes(blank_png(3 * KEPT_SIDE, 2 * KEPT_SIDE + 10))
    assert tuple(read_picture(file).shape) == (3, KEPT_SIDE + 5, 3 * KEPT_SIDE // 2)


def test_a_picture_is_reduced_by_whole_numbers_alone(tmp_path, monkeypatch) -> None:
    """One that is not twice as large as need be stays as it is."""
    monkeypatch.setattr("engine.picture.KEPT_SIDE", 32)
    file = tmp_path / "picture.png"
    for width, height, factor in ((63, 80, 1), (64, 80, 2), (95, 100, 2), (96, 120, 3)):
        file.write_bytes(blank_png(width, height))
        reduced = (-(-height // factor), -(-width // factor))
        assert tuple(read_picture(file).shape[1:]) == reduced


def test_sixteen_bit_pictures_are_reduced_too(tmp_path) -> None:
    file = tmp_path / "huge.png"
    Image.new("I;16", (2 * KEPT_SIDE, 2 * KEPT_SIDE), 6553).save(file)
    found = read_picture(file)
    assert tuple(found.shape) == (3, KEPT_SIDE, KEPT_SIDE)
    assert (found - 6553 / 65535).abs().max() < 1e-5


# What is refused


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 64), (STYLE_SIDES[0] - 1, 64), (20_000, 64), (64, STYLE_SIDES[1] + 1)]
)
def test_odd_sizes_are_refused_with_their_numbers(tmp_path, size) -> None:
    file = tmp_path / "odd.png"
    file.write_bytes(blank_png(*size))
    assert f"{size[0]} x {size[1]}" in refusal(file).why
    for side in STYLE_SIDES:
        assert str(side) in refusal(file).cure


def test_decompression_bombs_are_refused(tmp_path) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(blank_png(16_000, 16_000, rows=1))
    assert "too large" in refusal(file).why


def test_a_file_that_is_not_there(tmp_path) -> None:
    assert "cannot be decoded" in refusal(tmp_path / "gone.png").why


def test_a_folder_is_no_picture(tmp_path) -> None:
    refusal(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"my notes", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\0" * 999]
)
def test_what_is_no_image(tmp_path, content) -> None:
    file = tmp_path / "notes.png"
    file.write_bytes(content)
    refusal(file)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WebP", "GIF"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated_pictures(tmp_path, kind, share) -> None:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(stream, format=kind)
    file = tmp_path / "half"
    file.write_bytes(stream.getvalue()[: int(share * len(stream.getvalue()))])
    refusal(file)


# The result


def test_what_is_written_is_read_again(tmp_path) -> None:
    file = tmp_path / "texture.png"
    image = torch.from_numpy(colors(30, 20)).float() / 255
    write_picture(image, file)
    assert np.abs(read(file) - colors(30, 20)).max() < 1e-3
    assert [f.name for f in tmp_path.iterdir()] == ["texture.png"]


def test_levels_are_rounded_and_clamped(tmp_path) -> None:
    file = tmp_path / "texture.png"
    levels = torch.tensor([-1.0, 0.0, 0.49 / 255, 0.51 / 255, 0.5, 254.4 / 255, 1.0, 7.0])
    write_picture(levels.view(1, -1, 1).expand(16, -1, 3), file)
    with Image.open(file) as picture:
        assert np.asarray(picture)[0, :, 0].tolist() == [0, 0, 0, 1, 128, 254, 255, 255]


def test_heights_keep_16_bits(tmp_path) -> None:
    file = tmp_path / "relief.png"
    heights = torch.linspace(-0.1, 1.1, 4096).view(64, 64, 1)
    write_heights(heights, file)
    with Image.open(file) as picture:
        found = np.asarray(picture)
    assert found.dtype == np.uint16
    expected = heights[..., 0].clamp(0, 1).double().numpy() * 65535
    assert np.abs(found - expected).max() <= 0.51


def test_a_write_that_fails_leaves_the_old_picture(tmp_path, monkeypatch) -> None:
    file = tmp_path / "texture.png"
    write_picture(torch.ones(16, 16, 3), file)
    before = file.read_bytes()

    def full(*_args, **_options) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space"):
        write_picture(torch.zeros(16, 16, 3), file)
    assert file.read_bytes() == before
