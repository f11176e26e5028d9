"""The sheet of a comparison: pictures in rows, what each is below it. Pillow alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .picture import write_picture

CELL = 320  # pixels on a side
GAP = 16
CAPTION = 40  # height of the line below a cell
TEXT = 18
INSET = 80  # largest side of a style picture within a cell
BACKGROUND = (219, 217, 212)
EMPTY = (205, 203, 198)
INK = (60, 58, 55)


@dataclass(frozen=True)
class Cell:
    """One picture of the sheet.

    Attributes:
        caption: what is said below it.
        picture: (3, H, W) float in 0-1; None while it is not there yet.
        inset: (3, H, W) float in 0-1, shown small in a corner; None for none.
    """

    caption: str
    picture: Tensor | None
    inset: Tensor | None = None


def sheet_size(columns: int, cells: int) -> tuple[int, int]:
    """Width and height in pixels of a sheet; its references take one more column."""
    rows = max(-(-cells // columns), 2)
    return GAP + (columns + 1) * (CELL + GAP), GAP + rows * (CELL + CAPTION)


def thumbnail(picture: Tensor) -> Tensor:
    """`picture` (3, H, W) in 0-1, no larger than a cell."""
    image = np.asarray(_fitted(picture, CELL), np.float32) / 255  # (H, W, 3)
    return torch.from_numpy(image).permute(2, 0, 1)


def draw_sheet(references: Sequence[Cell], cells: Sequence[Cell], columns: int) -> Image.Image:
    """The sheet: `references`, at most two, in a column on the left, `cells` beside them."""
    sheet = Image.new("RGB", sheet_size(columns, len(cells)), BACKGROUND)
    for row, reference in enumerate(references):
        _draw(sheet, reference, row, 0)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        _draw(sheet, cell, row, column + 1)
    return sheet


def write_sheet(sheet: Image.Image, file: Path) -> None:
    """Write the sheet as a PNG, whole or not at all."""
    write_picture(torch.from_numpy(np.asarray(sheet, np.float32) / 255), file)


def _draw(sheet: Image.Image, cell: Cell, row: int, column: int) -> None:
    left, top = GAP + column * (CELL + GAP), GAP + row * (CELL + CAPTION)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT)
    if cell.picture is None:
        pen.rectangle((left, top, left + CELL - 1, top + CELL - 1), fill=EMPTY)
    else:
        picture = _fitted(cell.picture, CELL)
        sheet.paste(
            picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2)
        )
    if cell.inset is not None:
        inset = _fitted(cell.inset, INSET)
        sheet.paste(inset, (left + CELL - inset.width, top + CELL - inset.height))
    caption = " ".join(cell.caption.split())[:CELL]
    while pen.textlength(caption, font) > CELL:
        caption = caption.removesuffix("…")[:-1] + "…"
    middle = left + (CELL - pen.textlength(caption, font)) / 2
    pen.text((middle, top + CELL + 2), caption, fill=INK, font=font)


def _fitted(picture: Tensor, side: int) -> Image.Image:
    pixels = (picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(1, 2, 0)  # (H, W, 3)
    image = Image.fromarray(pixels.cpu().numpy())
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image
