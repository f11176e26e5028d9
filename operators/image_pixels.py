"""Images of Blender's as pixels, whatever they are stored as."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from mathutils import Color

from ..engine.errors import JobError
from .temporary import temporary_folder

GREY = 0.8  # scene linear: what Blender shows where there is no material
_BRIGHTEST = 65504.0  # of 16-bit floats


def pixels(image: bpy.types.Image, *, over_black: bool = False) -> np.ndarray:
    """The colors of `image`: (H, W, 3) float32 in 0-1, sRGB-encoded, row 0 on top.

    Args:
        image: of one file, or generated.
        over_black: with the alpha on black, as an Image Texture node shows it whose Alpha is
            not used; otherwise as if there were no alpha.

    Raises:
        JobError: if its file is missing, it has UDIM tiles, or pixels that are not numbers.
    """
    values = stored(image)
    colors = values[..., :3] if values.shape[-1] >= 3 else np.repeat(values[..., :1], 3, -1)
    if np.isnan(colors).any():
        raise JobError(
            f"Image {image.name!r}", "it has pixels that are not numbers", "Replace the image"
        )
    alpha = _opacity(image, values)
    # Blender keeps float pixels multiplied by their alpha, and byte pixels as they are in the file.
    if alpha is not None and image.is_float and not over_black:
        colors = colors / np.where(alpha > 0, alpha, 1)[..., None]
    elif alpha is not None and not image.is_float and over_black:
        colors = colors * alpha[..., None]
    space = image.colorspace_settings
    assert space
    if image.is_float or space.is_data:
        return encode(colors)
    if str(space.name) == "sRGB":
        return np.ascontiguousarray(colors)
    return encode(_to_scene_linear(colors, space.name))


def opacity(image: bpy.types.Image) -> np.ndarray | None:
    """How opaque it is, (H, W) float32 in 0-1, row 0 on top; None if it is so everywhere.

    Raises:
        JobError: as `pixels`.
    """
    if image.channels != 4 or image.alpha_mode == "NONE":
        return None
    alpha = stored(image)[..., 3].clip(0, 1)
    return None if (alpha == 1).all() else np.ascontiguousarray(alpha)


def check_readable(image: bpy.types.Image) -> None:
    """Raise JobError unless `image` has pixels to be read."""
    if image.source == "TILED":
        raise JobError(
            f"Image {image.name!r}",
            "it has UDIM tiles, and is no single picture",
            "Choose one that has none",
        )
    if image.source in {"SEQUENCE", "MOVIE"}:  # which has no size until a frame of it is shown
        path = bpy.path.abspath(image.filepath, library=image.library)
        is_there = Path(path).is_file()
    else:
        width, height = image.size
        is_there = width * height * image.channels > 0
    if not is_there:
        raise no_pixels(image, "take it out of the material")


def no_pixels(image: bpy.types.Image, otherwise: str) -> JobError:
    """Why `image` has no pixels, its size having been asked for; `otherwise` is what else helps."""
    what = f"Image {image.name!r}"
    path = bpy.path.abspath(image.filepath, library=image.library)
    # Blender knows that it has layers once it has tried to read it.
    if image.type == "MULTILAYER" and (image.packed_file or Path(path).is_file()):
        why = "its file has several layers, which Blender shows in the Image Editor alone"
        cure = "Save the layer as a picture there (Image > Save As) and use that"
        return JobError(what, why, f"{cure}, or {otherwise}")
    cure = "Find it (File > External Data > Find Missing Files)"
    why = f"its file {path!r} is missing or is no picture"
    return JobError(what, why, f"{cure} or {otherwise}")


def encode(linear: np.ndarray) -> np.ndarray:
    """Scene linear RGB (..., 3) -> sRGB-encoded (IEC 61966-2-1), float32, clipped to 0-1."""
    finite = np.clip(linear, -_BRIGHTEST, _BRIGHTEST)  # infinity times 0 is no number
    linear = np.clip(finite @ _to_rec709(), 0.0, 1.0)
    bright = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, bright).astype(np.float32)


def decode(encoded: np.ndarray) -> np.ndarray:
    """The inverse of `encode`, for colors (..., 3) in 0-1."""
    bright = ((encoded + 0.055) / 1.055) ** 2.4
    linear = np.where(encoded <= 0.04045, encoded / 12.92, bright)
    return (linear @ np.linalg.inv(_to_rec709())).astype(np.float32)


def _to_rec709() -> np.ndarray:
    """The matrix (3, 3) from this file's scene linear colors, as rows, to those of sRGB."""
    axes = [Color(axis).from_scene_linear_to_rec709_linear()[:] for axis in np.eye(3)]
    return np.array(axes, np.float32)


def stored(image: bpy.types.Image) -> np.ndarray:
    """What Blender holds of `image`, (H, W, C) float32, row 0 on top.

    Raises:
        JobError: if it has no pixels.
    """
    check_readable(image)
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(values)  # type: ignore[attr-defined]
    return values.reshape(height, width, image.channels)[::-1]


def _opacity(image: bpy.types.Image, values: np.ndarray) -> np.ndarray | None:
    """The alpha (H, W) of `values`; None where it has nothing to do with the colors."""
    space = image.colorspace_settings
    is_data = space is not None and space.is_data
    if values.shape[-1] != 4 or is_data or image.alpha_mode in {"CHANNEL_PACKED", "NONE"}:
        return None
    return values[..., 3].clip(0, 1)


def _to_scene_linear(colors: np.ndarray, space: str) -> np.ndarray:
    """Colors (H, W, 3) of the color space `space` as scene linear ones, by Blender itself.

    Blender converts what it loads into float pixels, and nothing else.
    """
    height, width = colors.shape[:2]
    raw = bpy.data.images.new("raw", width, height, float_buffer=True, is_data=True)
    with temporary_folder() as folder:
        try:
            rgba = np.concatenate((colors, np.ones_like(colors[..., :1])), -1)  # (H, W, 4)
            raw.pixels.foreach_set(rgba.reshape(-1))  # type: ignore[attr-defined]
            raw.use_half_precision = False
            raw.filepath_raw, raw.file_format = str(folder / "raw.exr"), "OPEN_EXR"
            raw.save()
            raw.source = "FILE"
            assert raw.colorspace_settings
            raw.colorspace_settings.name = space  # type: ignore[assignment]
            raw.pixels.foreach_get(rgba.reshape(-1))  # type: ignore[attr-defined]
        finally:
            bpy.data.images.remove(raw)
    return rgba[..., :3]
