"""The variants of a job that are compared on one sheet: kept in the job's folder, beside it.

Like `job`, it needs no torch, so that Blender's process can import it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from .contents import read_json
from .errors import JobError
from .job import UNREADABLE, Job
from .settings import PRESETS, RANGES, Settings

FILE = "variants.json"
STYLES_FOLDER = "styles"  # in it a folder for each picture, so that all keep their names
MOST = 1000  # on a sheet
DRAFT = "DRAFT"
DRAFT_TEXTURE = 512


@dataclass(frozen=True)
class Variant:
    """One cell of a sheet.

    Attributes:
        label: what is said below it.
        changes: the settings that differ from the job's, by name.
        style: the picture to learn from; None for the job's own.
    """

    label: str
    changes: dict[str, Any]
    style: Path | None = None


@dataclass(frozen=True)
class Comparison:
    """The cells of a sheet, row by row.

    Attributes:
        columns: how many stand in a row.
        variants: at least one.
    """

    columns: int
    variants: tuple[Variant, ...]

    def jobs(self, base: Job) -> tuple[Job, ...]:
        """`base` as each of the variants has it.

        Raises:
            JobError: if one of them cannot be run.
        """
        known = {setting.name for setting in fields(Settings)}
        for variant in self.variants:
            if unknown := variant.changes.keys() - known:
                raise JobError(
                    f"Variant {variant.label!r}",
                    f"there is no setting {unknown.pop()!r}",
                    "Export the job again",
                )
        jobs = tuple(
            replace(
                base,
                settings=replace(base.settings, **variant.changes),
                style=replace(base.style, file=variant.style) if variant.style else base.style,
            )
            for variant in self.variants
        )
        for job in jobs:
            job.settings.validate()
            job.style.validate()
        return jobs

    def save(self, folder: Path) -> None:
        """Write the variants and their pictures into `folder`, where `Job.save` wrote the job."""
        variants = []
        for number, variant in enumerate(self.variants):
            style = None
            if variant.style:
                own = folder / STYLES_FOLDER / str(number)
                own.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(variant.style, own / variant.style.name)
                style = variant.style.name
            variants.append({**asdict(variant), "style": style})
        text = json.dumps({"columns": self.columns, "variants": variants}, indent=1)
        (folder / FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Comparison:
        """Read what `save` wrote.

        Raises:
            JobError: if the folder holds no variants.
        """
        try:
            text = read_json(folder / FILE)
            columns = int(text["columns"])
            variants = tuple(
                Variant(
                    str(each["label"]),
                    dict(each["changes"]),
                    each["style"] and folder / STYLES_FOLDER / str(n) / Path(each["style"]).name,
                )
                for n, each in enumerate(text["variants"])
            )
            if not 1 <= columns <= len(variants) <= MOST:
                raise ValueError(f"{len(variants)} variants in {columns} columns")
        except UNREADABLE as error:
            raise JobError(
                f"Variants {str(folder / FILE)!r}",
                f"they cannot be read ({error})",
                "Export the job again",
            ) from error
        return cls(columns, variants)


def draft(settings: Settings) -> Settings:
    """`settings` at draft quality; never more steps than the preset DRAFT has."""
    own = PRESETS[DRAFT].all_steps(DRAFT_TEXTURE)
    steps = min(settings.steps or own, own)
    return replace(settings, preset=DRAFT, texture_size=DRAFT_TEXTURE, steps=steps)


def compare_weights(settings: Settings, *, columns: int, rows: int, spread: float) -> Comparison:
    """Style weights across and content weights down, those of `settings` among them.

    Only their ratio matters, so no two cells have the same: each style weight is `spread` times
    the one before, each content weight spread^columns times. Most content weights are larger
    than the artist's: on Suzanne, an eighth of the default one cannot be told from it.

    Raises:
        JobError: if one of the weights is 0, which multiplied stays the same, or the last ones
            are larger than weights can be.
    """
    for name in ("style_weight", "content_weight"):
        if getattr(settings, name) == 0:
            raise JobError(
                f"Setting {name}", "it is 0, which stays 0 when multiplied", "Raise it to compare"
            )
    styles = [
        settings.style_weight * spread**power
        for power in _powers(columns, below=(columns - 1) // 2)
    ]
    contents = [
        settings.content_weight * spread ** (columns * power)
        for power in _powers(rows, below=(rows - 1) // 3)
    ]
    most = RANGES["style_weight"][1]
    if max(styles[-1], contents[-1]) > most:
        raise JobError(
            f"Spread {spread:g} with {columns} columns and {rows} rows",
            f"the last weights would be {styles[-1]:.3g} and {contents[-1]:.3g}, and {most:g} is"
            " the most",
            "Lower the spread, or take fewer columns or rows",
        )
    return Comparison(
        columns,
        tuple(
            Variant(
                f"style {style:.3g}, content {content:.3g}",
                {"style_weight": style, "content_weight": content},
            )
            for content in contents
            for style in styles
        ),
    )


def compare_seeds(settings: Settings, *, columns: int, rows: int) -> Comparison:
    """The seed of `settings` and those that follow it."""
    seeds = range(settings.seed, settings.seed + columns * rows)
    return Comparison(columns, tuple(Variant(f"seed {seed}", {"seed": seed}) for seed in seeds))


def compare_styles(pictures: Sequence[Path], *, columns: int) -> Comparison:
    """A cell for each of `pictures`, at least one."""
    variants = tuple(Variant(picture.name, {}, picture) for picture in pictures)
    return Comparison(min(columns, len(variants)), variants)


def _powers(count: int, *, below: int) -> range:
    """So many whole numbers, `below` of them less than 0."""
    return range(-below, count - below)
