"""Images with UDIM tiles: each tile read as an image of its own, and new tiles as one image.

A tile lies on a square of UV space. Its number, from 1001 on, counts ten squares to the right,
then goes on in the row above.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..engine.errors import JobError
from .temporary import temporary_folder

TOKEN = "<UDIM>"  # stands in a file's name for the number
_FIRST, _COLUMNS, _ROWS = 1001, 10, 100
UNTILED = 0  # in place of a tile's number
_TOKEN_AT_END = re.compile(rf"[._ -]?{TOKEN}$")
_NAMED = re.compile(r"[._ -]*(<UDIM>|<UVTILE>|[12]\d{3}|u\d+_v\d+)$")


def numbers(uvs: np.ndarray, name: str) -> np.ndarray:
    """The tile (F,) int64 that each of the triangles with UVs (F, 3, 2) lies in, by its middle.

    Raises:
        JobError: naming the object `name`, if one of them lies where no tile can be.
    """
    column, row = np.floor(uvs.mean(1)).astype(np.int64).T  # (F,), (F,)
    lost = int(((column < 0) | (column >= _COLUMNS) | (row < 0) | (row >= _ROWS)).sum())
    if lost:
        raise JobError(
            f"UV map of {name!r}",
            f"{lost} of its triangles lie on no UDIM tile, which reach from 0 to {_COLUMNS}"
            " to the right and from 0 upwards",
            "Move them onto one in the UV Editor",
        )
    return _FIRST + column + _COLUMNS * row


def without_number(name: str) -> str:
    """The name of an image or a file without what tells the tile, such as `skin` of `skin.1001`."""
    return _NAMED.sub("", name) or name


def split_token(stem: str) -> tuple[str, str]:
    """The stem of a file's name without TOKEN, and TOKEN with what stands before it, if any."""
    found = _TOKEN_AT_END.search(stem)
    return (stem[: found.start()], found[0]) if found else (stem, "")


@contextmanager
def single_images(image: bpy.types.Image) -> Iterator[dict[int, bpy.types.Image]]:
    """The tiles of `image` that have pixels, each as an image of its own for so long, by number.

    Raises:
        JobError: if there is something in it that is not saved, or none of it can be read.
    """
    check_saved(image)
    singles: dict[int, bpy.types.Image] = {}
    with temporary_folder() as folder:
        try:
            space = _write_tiles(image, folder)
            for file in sorted(folder.iterdir()):
                single = bpy.data.images.load(str(file))
                singles[int(file.stem)] = single
                single.alpha_mode = image.alpha_mode
                assert single.colorspace_settings
                single.colorspace_settings.name = space
            if not singles:
                raise _missing(image)
            yield singles
        finally:
            for single in singles.values():
                bpy.data.images.remove(single)


def check_saved(image: bpy.types.Image) -> None:
    """Raise JobError if there is something in the tiles of `image` that is not saved."""
    if image.is_dirty or not (image.filepath or image.packed_files):
        raise JobError(
            f"Image {image.name!r}",
            "it has UDIM tiles that are not saved",
            "Save it (in the Image Editor: Image > Save), or pack it",
        )


def readable(image: bpy.types.Image) -> set[int]:
    """The numbers of those tiles of `image` that have pixels.

    Raises:
        JobError: if none has.
    """
    found = {tile.number for tile in image.tiles if 0 not in tile.size}
    if not found:
        raise _missing(image)
    return found


def no_tile(image: bpy.types.Image, number: int) -> str:
    """The warning that faces lie on a tile that `image` lacks."""
    text = f"has no UDIM tile {number}: grey is taken for the original look there"
    return f"Image {image.name!r} {text}"


def square(number: int) -> tuple[int, int]:
    """The lower left corner of the unit square that the tile `number` lies on."""
    row, column = divmod(number - _FIRST, _COLUMNS)
    return column, row


def _missing(image: bpy.types.Image) -> JobError:
    path = bpy.path.abspath(image.filepath, library=image.library)
    cure = "Find them (File > External Data > Find Missing Files)"
    return JobError(f"Image {image.name!r}", f"its files {path!r} are missing", cure)


def _write_tiles(image: bpy.types.Image, folder: Path) -> Any:
    """Write those tiles of `image` that have pixels into `folder`, as NUMBER with its ending.

    Returns:
        The name of their color space, which Blender may know only once it has read a file.

    Blender lends the pixels of no tile but the first. What it saves counts as saved: a copy's
    does no harm. It stops at a tile that has no pixels.
    """
    copy = image.copy()
    try:
        assert copy.colorspace_settings
        for tile in [tile for tile in copy.tiles if 0 in tile.size]:
            copy.tiles.remove(tile)
        if any(0 not in tile.size for tile in copy.tiles):  # one always stays
            copy.save(filepath=str(folder / f"{TOKEN}{Path(image.filepath).suffix}"))
        return copy.colorspace_settings.name
    except RuntimeError as error:
        raise JobError(
            f"Image {image.name!r}",
            f"its tiles cannot be copied ({' '.join(str(error).split())})",
            "Free some space in the temporary folder",
        ) from error
    finally:
        bpy.data.images.remove(copy)


def load_packed(files: Mapping[int, Path]) -> bpy.types.Image:
    """The pictures in `files`, by their tiles, as one image that is packed.

    Raises:
        JobError: if they cannot be copied.
    """
    with temporary_folder() as folder:
        try:
            for number, file in files.items():
                shutil.copyfile(file, folder / f"{number}{file.suffix}")
        except OSError as error:
            raise JobError(
                f"UDIM tile {number}",
                f"its picture cannot be copied ({error.strerror or error})",
                "Free some space in the temporary folder",
            ) from error
        return _packed(folder / f"{TOKEN}{file.suffix}")


def from_pixels(tiles: Mapping[int, np.ndarray]) -> bpy.types.Image:
    """A packed image of tiles (H, W, 4) float32 in 0-1, sRGB-encoded, row 0 at the bottom."""
    with temporary_folder() as folder:
        for number, pixels in tiles.items():
            single = bpy.data.images.new(str(number), pixels.shape[1], pixels.shape[0])
            try:
                single.pixels.foreach_set(pixels.reshape(-1))  # type: ignore[attr-defined]
                single.filepath_raw, single.file_format = str(folder / f"{number}.png"), "PNG"
                single.save()
            finally:
                bpy.data.images.remove(single)
        return _packed(folder / f"{TOKEN}.png")


def _packed(path: Path) -> bpy.types.Image:
    image = load(path)
    image.pack()
    image.filepath_raw = ""  # the files are gone soon
    return image


def load(path: Path | str) -> bpy.types.Image:
    """The image whose tiles are in the files that `path` names, with TOKEN for their numbers."""
    image = bpy.data.images.load(str(path))
    image.source = "TILED"
    return image


def tile_file(path: Path, number: int) -> Path:
    """The file of one tile, where `path` has TOKEN in its name."""
    return path.with_name(path.name.replace(TOKEN, str(number)))


def image_files(image: bpy.types.Image) -> list[Path]:
    """The files that `image` has, one for each tile if it has tiles."""
    if not image.filepath:
        return []
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    if image.source != "TILED":
        return [path]
    return [tile_file(path, tile.number) for tile in image.tiles]
