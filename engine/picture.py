"""Reading the style picture, and writing the result."""

from __future__ import annotations

from pathlib import Path
from struct import error as StructError

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from .errors import JobError
from .job import STYLE_SIDES, UNREADABLE
from .whole import whole

KEPT_SIDE = 2048  # pixels that a style picture's short side has at least when it is made smaller
ROWS = 256  # of a result's texels, made ready for its file at once
# Pillow has other programs read some more, and lets PostScript, which is a program itself, run.
KINDS = {
    "PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "TGA", "PPM", "JPEG2000", "AVIF", "PSD",
    "DDS", "ICO", "SGI",
}  # fmt: skip


def read_picture(file: Path) -> Tensor:
    """Decode a picture, as it is meant to be seen: turned by its EXIF, on white.

    Args:
        file: one of KINDS, as far as this Pillow opens them.

    Returns:
        (3, H, W) float32 in 0-1, sRGB-encoded.

    Raises:
        JobError: if it is no picture, is cut short, or is too small or too large.
    """
    name = f"Style picture {file.name!r}"
    try:
        Image.init()
        with Image.open(file, formats=sorted(KINDS & set(Image.OPEN))) as picture:
            low, high = STYLE_SIDES
            if not all(low <= side <= high for side in picture.size):
                raise JobError(
                    name,
                    f"it has {picture.size[0]} x {picture.size[1]} pixels",
                    f"Choose or resize to one with sides of {low} to {high} pixels",
                )
            return _to_tensor(ImageOps.exif_transpose(picture))
    except Image.DecompressionBombError as error:
        raise JobError(name, f"it is too large ({error})", "Make it smaller") from error
    except UnidentifiedImageError as error:
        raise JobError(
            name,
            "it is not a picture that can be read",
            "Choose a PNG, JPEG, WebP, TIFF or BMP file",
        ) from error
    except (*UNREADABLE, StructError) as error:
        raise JobError(
            name,
            f"it cannot be decoded, it may be cut short ({error})",
            "Save or download it again",
        ) from error


def _to_tensor(picture: Image.Image) -> Tensor:
    factor = max(1, min(picture.size) // KEPT_SIDE)
    if picture.mode.startswith(("I", "F")):  # deep greys, which Pillow would clip
        white = 1 if picture.mode == "F" else 65535
        grey = np.nan_to_num(np.asarray(picture.convert("F").reduce(factor)) / white).clip(0, 1)
        pixels = np.repeat(grey[..., None], 3, axis=2)
    else:
        flat = picture.convert("RGBA")
        paper = Image.new("RGBA", flat.size, "white")
        rgb = Image.alpha_composite(paper, flat).convert("RGB").reduce(factor)
        pixels = np.asarray(rgb, dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def write_picture(image: Tensor, file: Path) -> None:
    """Write (H, W, 3) float in 0-1 as an 8-bit PNG, whole or not at all."""
    pixels = torch.empty(image.shape, dtype=torch.uint8)
    for kept, rows in zip(pixels.split(ROWS), image.split(ROWS), strict=True):
        kept.copy_(rows.clamp(0, 1).mul_(255).add_(0.5))
    _write(Image.fromarray(pixels.numpy()), file)


def write_heights(image: Tensor, file: Path) -> None:
    """Write (H, W, 1) float in 0-1 as a 16-bit grey PNG, whole or not at all."""
    pixels = (image[..., 0].clamp(0, 1).double() * 65535 + 0.5).cpu().numpy().astype(np.uint16)
    _write(Image.fromarray(pixels), file)


def _write(picture: Image.Image, file: Path) -> None:
    with whole(file) as part:
        picture.save(part, format="PNG")
