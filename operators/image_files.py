"""Pixels written through Blender where the engine's own file will not do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from ..engine.errors import JobError
from .image_pixels import decode, stored


def save_exr(file: Path, texture: Path) -> None:
    """Write the picture in `texture` as an OpenEXR file of 16-bit floats, in linear colors.

    An alpha stays beside the colors, which are not multiplied by it.

    Raises:
        JobError: if it cannot be written.
    """
    values = _read(texture)
    values[..., :3] = decode(values[..., :3])
    _save(file, values, "OPEN_EXR")


def with_alpha(texture: Path, alpha: np.ndarray) -> Path:
    """A PNG file beside `texture` with its colors and `alpha` (h, w), resized, row 0 on top.

    Raises:
        JobError: if it cannot be written.
    """
    values = _read(texture)
    values[..., 3] = resized(alpha, (values.shape[0], values.shape[1]))
    file = texture.with_name(f"{texture.stem}_alpha.png")
    _save(file, values, "PNG")
    return file


def with_alphas(textures: Sequence[Path], alphas: Sequence[np.ndarray | None]) -> tuple[Path, ...]:
    """Each of `textures` with its alpha, as of `with_alpha`; as it is where that is None.

    Textures beyond those that have a place in `alphas` are nobody's, and left out.

    Raises:
        JobError: if one cannot be written.
    """
    return tuple(
        texture if alpha is None else with_alpha(texture, alpha)
        for texture, alpha in zip(textures, alphas, strict=False)
    )


def resized(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`image` (h, w) bilinearly at `shape`, (H, W) float32; texel centers at (i + 0.5) / size."""
    for axis, size in enumerate(shape):
        old = image.shape[axis]
        if old == size:
            continue
        # Each new texel is the mean of what it covers, or lies between the two nearest.
        count = -(-old // size)
        place = ((np.arange(size * count) + 0.5) * old / (size * count) - 0.5).clip(0, old - 1)
        low = place.astype(np.int64)
        high = np.minimum(low + 1, old - 1)
        share = (place - low).astype(np.float32)
        image = np.moveaxis(image, axis, 0)
        image = image[low] + share[:, None] * (image[high] - image[low])  # (size * count, other)
        image = np.moveaxis(image.reshape(size, count, -1).mean(1), 0, axis)
    return image


def _read(texture: Path) -> np.ndarray:
    """The picture in `texture` as it is in the file, (H, W, 4) float32 in 0-1, row 0 on top."""
    image = bpy.data.images.load(str(texture))
    try:
        image.alpha_mode = "CHANNEL_PACKED"
        return stored(image).copy()
    finally:
        bpy.data.images.remove(image)


def _save(file: Path, values: np.ndarray, file_format: str) -> None:
    """Write `values` (H, W, 4), linear for OpenEXR, encoded for PNG, row 0 on top."""
    height, width = values.shape[:2]
    image = bpy.data.images.new(
        file.stem, width, height, alpha=True, float_buffer=file_format == "OPEN_EXR"
    )
    try:
        image.alpha_mode = "CHANNEL_PACKED"
        image.pixels.foreach_set(  # type: ignore[attr-defined]
            np.ascontiguousarray(values[::-1], np.float32).reshape(-1)
        )
        if file_format == "PNG":
            image.filepath_raw, image.file_format = str(file), "PNG"
            image.save()
        else:
            _save_half(image, file)
    except RuntimeError as error:
        raise JobError(
            f"File {str(file)!r}",
            f"it cannot be written ({str(error).strip()})",
            "Choose another folder, or free some space in it",
        ) from error
    finally:
        bpy.data.images.remove(image)


def _save_half(image: bpy.types.Image, file: Path) -> None:
    """Write `image` as an OpenEXR file of 16-bit floats: only a scene's settings can say so."""
    scene = bpy.data.scenes.new(file.stem)
    try:
        settings = scene.render.image_settings
        settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "16"
        image.save_render(str(file), scene=scene)
    finally:
        bpy.data.scenes.remove(scene)
