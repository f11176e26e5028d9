"""What an artist sets: every default and every range of the project.

Needs the standard library alone, so that Blender's process can import it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .errors import JobError

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
DEVICES = ("AUTO", "CPU", "CUDA")
BACKBONES = ("AUTO", "VGG19", "VGG16")
STYLE_LOSSES = ("GRAM", "MEAN_COVARIANCE", "SLICED_WASSERSTEIN", "NEAREST_FEATURES")
COLORS = ("STYLE", "MATCHED", "ORIGINAL")
STARTS = ("MATCHED", "ORIGINAL", "NOISE")
CONTENT_SOURCES = ("AUTO", "TEXTURE", "CLAY", "BOTH")
RELIEFS = ("NONE", "BUMP", "NORMAL")
RANGES = {
    "style_weight": (0.0, 1e6),
    "content_weight": (0.0, 1e6),
    "texture_size": (64, 8192),
    "view_count": (0, 256),
    "steps": (0, 100_000),
    "seed": (0, 2**31 - 1),
    "stroke_size": (0.1, 10.0),
    "stroke_length": (0.0, 1e6),
    "stroke_rotation": (-6.5, 6.5),  # radians, a little more than a turn
    "tv_weight": (0.0, 1e6),
}


@dataclass(frozen=True)
class Preset:
    """How long a run takes and how far it goes.

    Attributes:
        scales: larger side of the views in pixels, coarse to fine.
        steps: optimisation steps at each scale.
        close_ups: steps that follow on windows of the last scale, seen CLOSE_UP times as near.
        nearer: steps after these on windows seen twice as near again, where the texture is so
            large that it shows what they see.
        settling: steps on whole views of the last scale that follow on the close-ups, which
            cannot see what large shapes look like.
        views: cameras on the sphere.
    """

    scales: tuple[int, ...]
    steps: tuple[int, ...]
    close_ups: int
    nearer: int
    settling: int
    views: int

    def all_steps(self, texture_size: int) -> int:
        """Of a whole run."""
        nearer = self.nearer if texture_size >= LARGE_TEXTURE else 0
        return sum(self.steps) + self.close_ups + nearer + self.settling


CLOSE_UP = 2
LARGE_TEXTURE = 1536  # from that side on, in texels
PRESETS = {
    "DRAFT": Preset(
        scales=(64, 91, 128), steps=(54, 45, 36), close_ups=0, nearer=0, settling=0, views=16,
    ),
    "STANDARD": Preset(
        scales=(64, 91, 128, 181, 256), steps=(100, 80, 70, 70, 108), close_ups=312,
        nearer=180, settling=124, views=24,
    ),
    "HIGH": Preset(
        scales=(64, 91, 128, 181, 256, 362), steps=(100, 100, 100, 100, 110, 110), close_ups=400,
        nearer=300, settling=180, views=32,
    ),
}  # fmt: skip


CHOICES: dict[str, Collection[str]] = {
    "preset": PRESETS,
    "device": DEVICES,
    "backbone": BACKBONES,
    "style_loss": STYLE_LOSSES,
    "color": COLORS,
    "start": STARTS,
    "content_source": CONTENT_SOURCES,
    "relief": RELIEFS,
}


@dataclass(frozen=True)
class Settings:
    """What the artist sets; every default of the project lives here.

    Attributes:
        preset: a name in PRESETS.
        style_weight, content_weight: factors of the two losses, unitless, >= 0.
        layer_weights: factor of each of STYLE_LAYERS within the style loss, >= 0.
        texture_size: side of the result in texels, 64 to 8192; the larger one of `Job.shapes`.
        view_count: cameras on the sphere around the mesh; 0 takes the preset's.
        steps: optimisation steps in all; 0 takes the preset's.
        seed: of cameras, lattices and the order of views.
        device: one of DEVICES.
        backbone: one of BACKBONES.
        weights_file: VGG-19 weights on this machine; empty looks in torchvision's cache.
        style_loss: one of STYLE_LOSSES, how features are compared with the style's.
        color: one of COLORS: the style's, the original's mean and spread in the style's
            strokes, or the original's own hues with painted light and dark.
        stroke_size: short side of the style picture over the object's size on the screen.
        stroke_length: the same in world units; 0 takes `stroke_size`.
        stroke_rotation: by which the style picture is turned, radians, anticlockwise.
        start: one of STARTS, what the paint starts from.
        tv_weight: factor of the total variation, >= 0; smooths.
        content_source: one of CONTENT_SOURCES, what the content loss holds on to.
        relief: one of RELIEFS, what is made of the strokes besides their color.
    """

    preset: str = "STANDARD"
    style_weight: float = 1.0
    content_weight: float = 0.2
    layer_weights: tuple[float, ...] = (1.0,) * len(STYLE_LAYERS)
    texture_size: int = 1024
    view_count: int = 0
    steps: int = 0
    seed: int = 0
    device: str = "AUTO"
    backbone: str = "AUTO"
    weights_file: str = ""
    style_loss: str = "GRAM"
    color: str = "STYLE"
    stroke_size: float = 1.0
    stroke_length: float = 0.0
    stroke_rotation: float = 0.0
    start: str = "MATCHED"
    tv_weight: float = 0.0
    content_source: str = "AUTO"
    relief: str = "NONE"

    def strokes(self, extent: float) -> float:
        """Short side of the style picture over the size of an object `extent` world units large."""
        low, high = RANGES["stroke_size"]
        if self.stroke_length:
            return min(max(self.stroke_length / extent, low), high)
        return self.stroke_size

    def validate(self) -> None:
        """Raise JobError for the first setting that is out of its range."""
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in tuple(choices):
                raise JobError(
                    f"Setting {name}",
                    f"{value!r} is not one of {', '.join(choices)}",
                    "Choose one of them",
                )
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            number = is_number(value) and (isinstance(value, int) or isinstance(low, float))
            if not number or not low <= value <= high:
                raise JobError(
                    f"Setting {name}",
                    f"{value!r} is not within {low} to {high}",
                    f"Set it to a {'' if isinstance(low, float) else 'whole '}number in that range",
                )
        if self.style_weight == 0 and self.content_weight == 0:
            raise JobError(
                "Settings", "the style and the content weight are both 0", "Raise one of them"
            )
        weights = self.layer_weights
        low, high = RANGES["style_weight"]
        if (
            not isinstance(weights, (tuple, list))
            or len(weights) != len(STYLE_LAYERS)
            or not all(is_number(weight) and low <= weight <= high for weight in weights)
        ):
            raise JobError(
                "Setting layer_weights",
                f"{weights!r} is not {len(STYLE_LAYERS)} numbers within {low} to {high}",
                f"Give one for each of {', '.join(STYLE_LAYERS)}",
            )
        if self.style_weight and not any(weights):
            raise JobError("Setting layer_weights", "all are 0", "Raise one of them")
        if not isinstance(self.weights_file, str):
            raise JobError(
                "Setting weights_file", f"{self.weights_file!r} is not a file name", "Name a file"
            )


def is_number(value: object) -> bool:
    """Whether it is one that counts or measures; True and False do not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
