"""The VGG features against torchvision's own network, and which weights are taken or refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg16
from torchvision.models.vgg import cfgs, make_layers

from engine.backbone import BUNDLED, CACHED_VGG19, Backbone, Weights, fast_format, find_weights
from engine.critic import LAYERS
from engine.errors import JobError

ALL = (
    "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1",
    "conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2",
    "conv3_1", "relu3_1", "conv3_2", "relu3_2", "conv3_3", "relu3_3", "pool3",
    "conv4_1", "relu4_1", "conv4_2", "relu4_2", "conv4_3", "relu4_3", "pool4",
    "conv5_1", "relu5_1", "conv5_2", "relu5_2", "conv5_3", "relu5_3", "pool5",
)  # fmt: skip


@pytest.fixture(scope="module")
def bundled() -> dict[str, Tensor]:
    return torch.load(BUNDLED, weights_only=True)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """Torch's cache, empty and our own."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / CACHED_VGG19


def picture(height: int = 40, width: int = 56, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    return nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def saved(state: object, file: Path) -> Path:
    torch.save(state, file)
    return file


def vgg19_state() -> dict[str, Tensor]:
    """As torchvision's file has it, but for the values: `features` and a `classifier`."""
    with torch.device("meta"):
        shapes = make_layers(cfgs["E"]).state_dict()
    state = {
        f"features.{k}": torch.full(v.shape, 0.01, dtype=torch.half) for k, v in shapes.items()
    }
    return {**state, "classifier.0.weight": torch.zeros(4, 4)}


def refusal(weights: Weights) -> JobError:
    """How a file is refused: in one line that names it."""
    with pytest.raises(JobError) as caught:
        Backbone(weights, ("relu1_1",))
    assert str(weights.file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert weights.name in caught.value.why
    return caught.value


# The features


def test_every_layer_is_torchvisions_with_average_pooling(bundled) -> None:
    network = vgg16(weights=None).features
    network.load_state_dict({k: v.float() for k, v in bundled.items()})
    image = picture()
    mean, std = (
        torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    found = Backbone(Weights("VGG16", BUNDLED), ALL)(image, ALL)
    assert tuple(found) == ALL
    hidden = (image - mean) / std
    with torch.no_grad():
        for name, layer in zip(ALL, network, strict=True):
            plain = nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else layer
            hidden = plain(hidden.clone())
            assert found[name].shape == hidden.shape
            assert (found[name] - hidden).abs().max() < 1e-4 * hidden.abs().max(), name


def test_shapes_of_the_layers_that_are_used() -> None:
    found = Backbone(Weights("VGG16", BUNDLED), LAYERS)(picture(45, 70), LAYERS)
    assert {name: tuple(f.shape) for name, f in found.items()} == {
        "relu1_1": (1, 64, 45, 70),
        "relu2_1": (1, 128, 22, 35),
        "relu3_1": (1, 256, 11, 17),
        "relu4_1": (1, 512, 5, 8),
        "relu4_2": (1, 512, 5, 8),
        "relu5_1": (1, 512, 2, 4),
    }


def test_features_that_were_handed_out_last() -> None:
    """No layer works in place on what an earlier one gave."""
    backbone = Backbone(Weights("VGG16", BUNDLED), ("conv1_1", "relu1_1", "relu1_2"))
    found = backbone(picture(), ("conv1_1", "relu1_1"))
    assert found["conv1_1"].min() < 0
    assert found["relu1_1"].equal(found["conv1_1"].relu())


def test_it_stops_at_the_deepest_layer_asked_for() -> None:
    backbone = Backbone(Weights("VGG16", BUNDLED), ("relu2_1",))
    assert backbone.names[-1] == "relu2_1"
    assert len(backbone.stages) == 7


def test_it_computes_no_more_than_is_asked_for(monkeypatch) -> None:
    backbone = Backbone(Weights("VGG16", BUNDLED), LAYERS)
    shallow = backbone(picture(), ("relu2_1",))
    assert tuple(shallow) == ("relu2_1",)
    assert shallow["relu2_1"].equal(backbone(picture(), LAYERS)["relu2_1"])
    monkeypatch.setattr(backbone, "stages", backbone.stages[:7])  # it stops before it misses them
    with pytest.raises(ValueError, match="zip"):
        backbone(picture(), LAYERS)
    assert backbone(picture(), ("relu2_1",))["relu2_1"].equal(shallow["relu2_1"])


def test_only_the_picture_gets_a_gradient() -> None:
    backbone = Backbone(Weights("VGG16", BUNDLED), ("relu3_1",))
    image = picture().requires_grad_()
    backbone(image, ("relu3_1",))["relu3_1"].square().sum().backward()
    assert image.grad.abs().max() > 0
    assert not any(p.requires_grad for p in backbone.parameters())


def test_layers_that_the_network_has_not() -> None:
    with pytest.raises(ValueError, match=r"VGG16 has no layers \['relu3_4'\]"):
        Backbone(Weights("VGG16", BUNDLED), ("relu1_1", "relu3_4"))


def test_torchvisions_vgg19_file_is_taken(tmp_path) -> None:
    file = saved(vgg19_state(), tmp_path / "vgg19.pth")
    backbone = Backbone(Weights("VGG19", file), ("relu3_4", "relu5_1"))
    assert [n for n in backbone.names if n.startswith("conv3")] == [
        "conv3_1", "conv3_2", "conv3_3", "conv3_4"
    ]  # fmt: skip
    assert all(p.dtype == torch.float32 for p in backbone.parameters())


# What is refused


@pytest.mark.parametrize("content", [b"", b"heavy", b"PK\x03\x04 not a zip", b"\x80\x04."])
def test_what_is_no_weights_file(tmp_path, content) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    refusal(Weights("VGG16", file))


def test_a_file_that_was_cut_short(tmp_path) -> None:
    file = tmp_path / "half.pth"
    content = BUNDLED.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    refusal(Weights("VGG16", file))


@pytest.mark.parametrize(
    "state",
    [
        [torch.zeros(3)],
        torch.zeros(3),
        {},
        {"0.weight": torch.zeros(64, 3, 3, 3)},
        {"0.weight": "heavy"},
        {1: 2},
    ],
)
def test_what_is_not_these_weights(tmp_path, state) -> None:
    refusal(Weights("VGG16", saved(state, tmp_path / "other.pth")))


def test_another_networks_weights(tmp_path, bundled) -> None:
    refusal(Weights("VGG19", BUNDLED))
    refusal(Weights("VGG16", saved(vgg19_state(), tmp_path / "vgg19.pth")))
    one_short = {k: v for k, v in bundled.items() if k != "28.bias"}
    refusal(Weights("VGG16", saved(one_short, tmp_path / "short.pth")))


def test_weights_that_are_not_numbers(tmp_path, bundled) -> None:
    broken = {**bundled, "5.weight": bundled["5.weight"] * float("nan")}
    refusal(Weights("VGG16", saved(broken, tmp_path / "nan.pth")))


def test_a_folder(tmp_path) -> None:
    refusal(Weights("VGG16", tmp_path))


# Which weights are chosen


def test_auto_is_vgg19_only_where_its_weights_are(cache) -> None:
    assert find_weights("AUTO", "") == Weights("VGG16", BUNDLED)
    cache.write_bytes(b"")
    assert find_weights("AUTO", "") == Weights("VGG19", cache)
    assert find_weights("VGG16", "") == Weights("VGG16", BUNDLED)


def test_a_named_file_comes_before_the_cache(cache, tmp_path) -> None:
    cache.write_bytes(b"")
    own = tmp_path / "own.pth"
    own.write_bytes(b"")
    for backbone in ("AUTO", "VGG19"):
        assert find_weights(backbone, str(own)) == Weights("VGG19", own)


@pytest.mark.parametrize("backbone", ["AUTO", "VGG19", "VGG16"])
def test_a_named_file_that_is_not_there(cache, tmp_path, backbone) -> None:
    with pytest.raises(JobError, match=r"gone\.pth.*there is no such file"):
        find_weights(backbone, str(tmp_path / "gone.pth"))


def test_vgg19_that_is_nowhere(cache) -> None:
    with pytest.raises(JobError, match=r"Backbone VGG19: .*VGG16, which is bundled"):
        find_weights("VGG19", "")


def test_a_source_folder_without_the_bundled_weights(cache, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("engine.backbone.BUNDLED", tmp_path / "gone.pt")
    with pytest.raises(JobError, match="make weights"):
        find_weights("AUTO", "")


def test_the_swift_one_sees_nearly_the_same() -> None:
    """In half precision, where the device has it, a feature keeps eight bits."""
    backbone = Backbone(Weights("VGG16", BUNDLED), LAYERS)
    swift, image = backbone.swift(), picture(64, 80)
    assert swift.format == fast_format(torch.device("cpu"))
    for exact, quick in zip(
        backbone(image, LAYERS).values(), swift(image, LAYERS).values(), strict=True
    ):
        assert exact.dtype == torch.float32
        assert quick.dtype == swift.format
        assert (exact - quick.float()).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize("able", [{}, {"avx512_bf16": True}, {"amx_bf16": True, "avx2": True}])
def test_half_precision_is_for_processors_that_have_it(monkeypatch, able) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    wanted = torch.bfloat16 if able else torch.float32
    assert fast_format(torch.device("cpu")) == wanted
    assert fast_format(torch.device("mps")) == torch.float32
