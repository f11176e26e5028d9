"""The boundary between Blender and the engine: one folder that holds a whole job.

Needs numpy alone, so that Blender's process can import it without torch.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np

from .contents import check_links, check_packed, is_file, read_json
from .errors import JobError
from .mesh import Mesh, expect
from .settings import Settings, is_number

FORMAT = 3
# What reading a folder raises that holds something else, or half of a job.
UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, EOFError, MemoryError, RuntimeError, SyntaxError,
    ArithmeticError, BadZipFile, TokenError, zlib.error,
)  # fmt: skip
STYLE_SIDES = (16, 16384)
STYLE_BYTES = 1 << 31
ASPECTS = (1e-4, 1e4)


@dataclass(frozen=True)
class View:
    """A camera of the scene.

    Attributes:
        name: for messages.
        world_to_camera: (4, 4) float32, the camera looks down -Z.
        projection: (4, 4) float32, to OpenGL clip space.
        aspect: width over height of the frame.
    """

    name: str
    world_to_camera: np.ndarray
    projection: np.ndarray
    aspect: float

    def validate(self) -> None:
        """Raise JobError unless both matrices are usable."""
        expect(f"view {self.name}", self.world_to_camera, np.float32, (4, 4))
        expect(f"view {self.name}", self.projection, np.float32, (4, 4))
        sound = np.isfinite(self.world_to_camera).all() and np.isfinite(self.projection).all()
        low, high = ASPECTS
        if not sound or not is_number(self.aspect) or not low <= self.aspect <= high:
            raise JobError(
                f"Camera {self.name!r}",
                f"its matrices are not finite numbers, or its aspect {self.aspect!r:.20} is not"
                f" within {low:g} to {high:g}",
                "Reset its transform and its lens, and look at the resolution of the scene",
            )
        if not _has_inverse(self.world_to_camera) or not _has_inverse(self.projection):
            raise JobError(
                f"Camera {self.name!r}",
                "its transform or its lens flattens the scene: a matrix of it has no inverse",
                "Give it a scale other than 0 along each axis, and reset its lens",
            )


@dataclass(frozen=True)
class Style:
    """A picture to paint in the style of.

    Attributes:
        file: a picture of one of `picture.KINDS`.
        weight: how much it counts beside the run's other styles, >= 0.
        region: (F, 3) float32 in 0-1, per corner of the mesh, how strongly it is painted there;
            None paints it everywhere.
    """

    file: Path
    weight: float = 1.0
    region: np.ndarray | None = None

    def validate(self) -> None:
        """Raise JobError unless the file is there and the weight is one."""
        if not is_file(self.file):
            raise JobError(
                f"Style picture {str(self.file)!r}",
                "there is no such file",
                "Choose a picture that exists",
            )
        size = self.file.stat().st_size
        if size > STYLE_BYTES:
            raise JobError(
                f"Style picture {self.file.name!r}",
                f"its file has {size} bytes",
                f"Choose one of {STYLE_BYTES} at most",
            )
        if not is_number(self.weight) or not 0 <= self.weight <= 1e6:
            raise JobError(
                f"Style picture {self.file.name!r}",
                f"its weight {self.weight!r} is not a number within 0 to 1000000",
                "Give it one in that range",
            )

    @property
    def sha256(self) -> str:
        """Hash of the file's bytes, in hexadecimal.

        Raises:
            JobError: if it cannot be read, as when it was deleted meanwhile.
        """
        try:
            with self.file.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise JobError(
                f"Style picture {self.file.name!r}",
                f"it cannot be read ({error.strerror})",
                "Run it again, or choose a picture that exists",
            ) from error


@dataclass(frozen=True)
class Job:
    """Everything that one run needs.

    Attributes:
        mesh: the surface to paint.
        style: the picture to learn from.
        settings: what the artist set.
        originals: the look of each material of the mesh, (H, W, 3) float32 in 0-1,
            sRGB-encoded, row 0 on top; one texel where a material has a flat color.
        views: cameras to paint from; none stands for an even sphere around the mesh.
        more_styles: pictures to learn from besides.
        protected: (F, 3) float32 in 0-1, per corner of the mesh, how much of the original stays
            as it is; None protects nothing.
        shapes: height and width in texels of each texture that is painted; none stands for one
            square of `settings.texture_size`.
    """

    mesh: Mesh
    style: Style
    settings: Settings
    originals: tuple[np.ndarray, ...]
    views: tuple[View, ...] = ()
    more_styles: tuple[Style, ...] = ()
    protected: np.ndarray | None = None
    shapes: tuple[tuple[int, int], ...] = ()

    @property
    def styles(self) -> tuple[Style, ...]:
        """All pictures to learn from."""
        return (self.style, *self.more_styles)

    @property
    def texture_shapes(self) -> tuple[tuple[int, int], ...]:
        """Height and width in texels of each texture that is painted."""
        return self.shapes or ((self.settings.texture_size,) * 2,)

    def validate(self) -> None:
        """Raise JobError for the first thing that would stop the run."""
        self.settings.validate()
        sides = [side for shape in self.texture_shapes for side in shape]
        if min(sides) < 1 or max(sides) != self.settings.texture_size:
            texels = ", ".join(f"{width} x {height}" for height, width in self.texture_shapes)
            raise JobError(
                "Job shapes",
                f"{texels} texels do not fit a texture size of {self.settings.texture_size}",
                "Export the job again",
            )
        for style in self.styles:
            style.validate()
        if self.settings.style_weight and not any(style.weight for style in self.styles):
            raise JobError("Styles", "the weight of each of them is 0", "Raise one of them")
        self.mesh.validate()
        for name, values in self._regions().items():
            expect(name, values, np.float32, self.mesh.faces.shape)
            if not (values.min() >= 0 and values.max() <= 1):
                raise JobError(
                    f"Job array {name}",
                    f"its values reach from {values.min()} to {values.max()} instead of 0 to 1",
                    "Export the job again",
                )
        for view in self.views:
            view.validate()
        used, count = self.mesh.materials, len(self.originals)
        if not 0 <= used.min() <= used.max() < count:
            raise JobError(
                "Mesh",
                f"it uses materials {used.min()} to {used.max()} of {count}",
                "Export it again",
            )
        used, count = self.mesh.textures, len(self.texture_shapes)
        if not 0 <= used.min() <= used.max() < count:
            raise JobError(
                "Mesh",
                f"it is painted in textures {used.min()} to {used.max()} of {count}",
                "Export it again",
            )
        for index, image in enumerate(self.originals):
            shape = (*image.shape[:2], 3)
            expect(f"original {index}", image, np.float32, shape)
            if not image.size or not np.isfinite(image).all():
                raise JobError(
                    f"Original image {index}",
                    "it is empty or has pixels that are not numbers",
                    "Reload or replace the image",
                )

    def _regions(self) -> dict[str, np.ndarray]:
        """What there is of arrays (F, 3), by their names in the job's file."""
        named = {f"region_{i}": style.region for i, style in enumerate(self.styles)}
        named["protected"] = self.protected
        return {name: values for name, values in named.items() if values is not None}

    def save(self, folder: Path) -> None:
        """Write the job into `folder`, which is made if need be.

        Images are stored as float16: closer than 1/4096, so 8-bit pixels survive.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for number, style in enumerate(self.styles):
            style_file(folder, number, "").mkdir(exist_ok=True)
            shutil.copyfile(style.file, style_file(folder, number, style.file.name))
        views = np.array([(v.world_to_camera, v.projection) for v in self.views], np.float32)
        arrays = {f.name: getattr(self.mesh, f.name) for f in fields(Mesh)}
        np.savez(
            folder / "arrays.npz", views=views.reshape(-1, 2, 4, 4), **arrays, **self._regions()
        )
        for index, image in enumerate(self.originals):
            np.save(folder / f"original_{index}.npy", image.astype(np.float16))
        text = {
            "format": FORMAT,
            "styles": [{"file": s.file.name, "weight": s.weight} for s in self.styles],
            "settings": asdict(self.settings),
            "originals": len(self.originals),
            "views": [{"name": v.name, "aspect": v.aspect} for v in self.views],
            "shapes": self.shapes,
        }
        (folder / "job.json").write_text(json.dumps(text, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Job:
        """Read and validate the job in `folder`.

        Raises:
            JobError: if the folder holds no job, or one that cannot be run.
        """
        try:
            check_links(folder)
            text = read_json(folder / "job.json")
            if text["format"] != FORMAT:
                raise ValueError(f"format {text['format']!r} instead of {FORMAT}")
            check_packed(folder / "arrays.npz")
            with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
                mesh = Mesh(**{f.name: arrays[f.name] for f in fields(Mesh)})
                matrices = arrays["views"]
                styles = tuple(
                    Style(
                        style_file(folder, number, Path(style["file"]).name),
                        style["weight"],
                        arrays.get(f"region_{number}"),
                    )
                    for number, style in enumerate(text["styles"])
                )
                protected = arrays.get("protected")
            originals = tuple(
                np.load(folder / f"original_{i}.npy", allow_pickle=False).astype(np.float32)
                for i in range(text["originals"])
            )
            views = tuple(
                View(v["name"], world_to_camera, projection, v["aspect"])
                for v, (world_to_camera, projection) in zip(text["views"], matrices, strict=True)
            )
            settings = _settings(text["settings"])
            first, *others = styles
            shapes = tuple((int(height), int(width)) for height, width in text["shapes"])
        except UNREADABLE as error:
            raise JobError(
                f"Job folder {str(folder)!r}",
                f"it cannot be read ({error})",
                "Export the job again",
            ) from error
        job = cls(mesh, first, settings, originals, views, tuple(others), protected, shapes)
        job.validate()
        return job


def style_file(folder: Path, number: int, name: str) -> Path:
    """Where a job in `folder` keeps a style picture: each in a folder of its own.

    So that all keep their names.
    """
    return folder / (f"style_{number}" if number else "style") / name


def _settings(values: dict[str, Any]) -> Settings:
    return Settings(**{**values, "layer_weights": tuple(values["layer_weights"])})


def _has_inverse(matrix: np.ndarray) -> bool:
    """Whether a finite matrix (4, 4) has full rank, however long its columns are."""
    columns = matrix.astype(np.float64)
    lengths = np.linalg.norm(columns, axis=0)
    return bool(lengths.all() and np.linalg.matrix_rank(columns / lengths) == len(columns))
