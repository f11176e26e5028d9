"""Earlier results of ours whose files a run writes over, and that give way to what it makes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import bpy

from . import udim
from .material_slots import own_materials
from .recipe import RECIPE, RELIEF
from .targets import Target


def is_result(image: bpy.types.Image) -> bool:
    """Whether a run of ours made `image` in this .blend file."""
    return not image.library and bool(image.get(RECIPE) or image.get(RELIEF))


def given_up(targets: Sequence[Target]) -> frozenset[bpy.types.Image]:
    """The results that nothing uses but what `targets` alone are made of.

    A fake user is none, and neither is an editor that shows the image.
    """
    own = own_materials([place for target in targets for place in target.find()])
    return frozenset(image for image, users in _users().items() if users <= own)


def give_way(made: Collection[bpy.types.Image]) -> None:
    """Remove the unused results whose files those of `made` were written over.

    What takes the place of one gets its name, and is shown by the editors that showed it. One
    that the artist has painted on meanwhile stays.
    """
    for old, users in _users().items():
        files = set(udim.image_files(old))
        new = next((image for image in made if files & set(udim.image_files(image))), None)
        if new and old not in made and not users and not old.is_dirty:
            name = old.name
            old.user_remap(new)
            bpy.data.images.remove(old)
            new.name = name


def _users() -> dict[bpy.types.Image, set[bpy.types.ID]]:
    """What uses each of the results that the file holds."""
    results = [image for image in bpy.data.images if is_result(image)]
    users = bpy.data.user_map(subset=results)
    return {image: users[image] for image in results}
