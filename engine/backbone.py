"""VGG features (Simonyan and Zisserman 2015) and where their weights come from.

The layers are torchvision's; max pooling is replaced by average pooling, which Gatys et al.
(2016) found to serve synthesis better.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .contents import UNLOADABLE, is_file
from .errors import JobError

BUNDLED = Path(__file__).with_name("vgg16_features.pt")
CACHED_VGG19 = "vgg19-dcbb9e9d.pth"
# Convolutions in each block, and their channels (table 1 of the paper, columns D and E).
CONVOLUTIONS = {"VGG16": (2, 2, 3, 3, 3), "VGG19": (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)
CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16")  # what torch calls a processor's instructions for it
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, RGB


@dataclass(frozen=True)
class Weights:
    """Which network, and the file that holds its parameters."""

    name: str
    file: Path


def find_weights(backbone: str, weights_file: str) -> Weights:
    """Choose the network and its weights.

    Args:
        backbone: 'VGG19', 'VGG16' (the bundled one), or 'AUTO': VGG-19 if its weights are here.
        weights_file: VGG-19's weights; empty looks in torchvision's cache.

    Raises:
        JobError: if the file named is not there, or VGG-19 was asked for and is nowhere.
    """
    if weights_file and not is_file(Path(weights_file)):
        raise JobError(
            f"Weights file {weights_file!r}",
            "there is no such file",
            "Choose VGG-19's weights, or leave the field empty",
        )
    cached = Path(torch.hub.get_dir()) / "checkpoints" / CACHED_VGG19
    vgg19 = Path(weights_file) if weights_file else cached
    if backbone == "VGG19" and not vgg19.is_file():
        raise JobError(
            "Backbone VGG19",
            f"its weights are not at {str(cached)!r}",
            "Name the file of its weights, or choose VGG16, which is bundled",
        )
    if backbone == "VGG19" or (backbone == "AUTO" and vgg19.is_file()):
        return Weights("VGG19", vgg19)
    if not BUNDLED.is_file():
        raise JobError(
            "Backbone VGG16",
            f"its weights are not at {str(BUNDLED)!r}",
            "Install the built extension, or run `make weights` in the source folder",
        )
    return Weights("VGG16", BUNDLED)


class Backbone(nn.Module):
    """VGG up to the deepest layer asked for.

    Args:
        weights: as `find_weights` gives them.
        layers: names such as 'relu4_1', in the network's order.

    Raises:
        JobError: if the file does not hold these weights.
        ValueError: if the network has no layer of such a name.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Weights, layers: tuple[str, ...]) -> None:
        super().__init__()
        network = _network(weights.name)
        missing = set(layers) - set(network)
        if missing:
            raise ValueError(f"{weights.name} has no layers {sorted(missing)}")
        stages = nn.Sequential(*network.values())
        stages.load_state_dict(_read(weights, stages.state_dict()), assign=True)
        names = list(network)
        deepest = max(names.index(layer) for layer in layers)
        self.names = names[: deepest + 1]
        self.stages = stages[: deepest + 1]
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(STD)[:, None, None])
        self.format = torch.float32
        self.requires_grad_(False).to(memory_format=torch.channels_last)

    def swift(self) -> Backbone:
        """This network for painting: in the format that its device multiplies fastest."""
        twin = deepcopy(self)
        twin.format = fast_format(self.mean.device)
        twin.stages.to(twin.format)
        return twin

    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features of `image` (1, 3, H, W) in 0-1: for each of `layers`, (1, C, h, w).

        They are of the format that the network computes in. Nothing after the deepest of them is
        computed.
        """
        x = (image - self.mean) / self.std
        x = x.to(self.format, memory_format=torch.channels_last)
        out: dict[str, Tensor] = {}
        for name, stage in zip(self.names, self.stages, strict=True):
            x = stage(x)
            if name in layers:
                out[name] = x
            if len(out) == len(layers):
                break
        return out


def fast_format(device: torch.device) -> torch.dtype:
    """bfloat16 where `device` multiplies it in hardware, which halves the time; else float32.

    Gram matrices of such features are off by some thousandths (docs/performance.md).
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):  # an older torch
        return torch.float32
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(able.get(name) for name in CPU_BFLOAT16) else torch.float32


def _network(name: str) -> dict[str, nn.Module]:
    """The layers of VGG in order, 'conv1_1', 'relu1_1', ... 'pool5', without their parameters."""
    layers: dict[str, nn.Module] = {}
    before = 3
    with torch.device("meta"):
        blocks = zip(CONVOLUTIONS[name], CHANNELS, strict=True)
        for block, (count, channels) in enumerate(blocks, 1):
            for number in range(1, count + 1):
                layers[f"conv{block}_{number}"] = nn.Conv2d(before, channels, 3, padding=1)
                layers[f"relu{block}_{number}"] = nn.ReLU()
                before = channels
            layers[f"pool{block}"] = nn.AvgPool2d(2)
    return layers


def _read(weights: Weights, expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """Parameters of the convolutions, float32, keyed and shaped as `expected`."""
    trouble = JobError(
        f"Weights file {str(weights.file)!r}",
        f"it does not hold the weights of {weights.name}",
        "Choose torchvision's file of that network, or backbone VGG16, which is bundled",
    )
    try:
        state = torch.load(weights.file, map_location="cpu", weights_only=True)
    except UNLOADABLE as error:
        raise trouble from error
    if not isinstance(state, dict):
        raise trouble
    state = {str(k).removeprefix("features."): v for k, v in state.items()}
    for name, like in expected.items():
        found = state.get(name)
        if not isinstance(found, Tensor) or found.layout != torch.strided:
            raise trouble
        if found.shape != like.shape or not found.is_floating_point():
            raise trouble
        if not found.isfinite().all():
            raise trouble
    return {k: state[k].float() for k in expected}
