"""Images for tests, and where their texels are."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def centers(size) -> np.ndarray:
    """(H * W, 2) UVs of the texels' centres, row 0 on top."""
    y, x = np.mgrid[: size[0], : size[1]]
    return np.stack(((x + 0.5) / size[1], 1 - (y + 0.5) / size[0]), -1).reshape(-1, 2)


def random_image(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(height, width, 3, generator=generator, dtype=torch.float64)


def noise(seed: int, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def pixels(file: Path) -> torch.Tensor:
    with Image.open(file) as picture:
        return torch.from_numpy(np.float32(picture) / 255)
