"""All that a .blend file holds, as text that can be compared before and after."""

import hashlib
import warnings

import bpy
import numpy as np

# What Blender changes by itself, or what is the window's and not the file's. The brush of
# `uv_sculpt` points nowhere in Blender 4.2, which ends when it is looked at.
_LEFT_OUT = {
    "rna_type", "session_uid", "is_evaluated", "original", "tag", "is_runtime_data", "preview",
    "bl_rna", "id_data", "depsgraph", "library_weak_reference", "is_editmode", "bindcode",
    "uv_sculpt",
}  # fmt: skip
_COLLECTIONS_LEFT_OUT = {"window_managers", "screens", "workspaces", "brushes", "palettes"}
_LARGE = 64  # items, of which no more than a hash is kept
_DEPTH = 4


def dump_all():
    """{kind: {name: what it is made of}} of all data-blocks, custom properties among them."""
    with warnings.catch_warnings(action="ignore"):  # of what later Blenders will not have
        return _dump()


def _dump():
    found = {}
    for prop in bpy.data.bl_rna.properties:
        if prop.type == "COLLECTION" and prop.identifier not in _COLLECTIONS_LEFT_OUT:
            found[prop.identifier] = {
                block.name_full: _block(block) for block in getattr(bpy.data, prop.identifier)
            }
    return found


def difference(before, after):
    """What is not the same, as lines `kind name part: before -> after`."""
    return [
        f"{kind} {name} {part}: {old.get(part)} -> {new.get(part)}"
        for kind in before
        for name in before[kind].keys() | after[kind].keys()
        for old, new in [(before[kind].get(name, {}), after[kind].get(name, {}))]
        for part in old.keys() | new.keys()
        if old.get(part) != new.get(part)
    ]


def _block(block):
    parts = {"users": block.users, "fake user": block.use_fake_user}
    parts.update(_parts(block, "", _DEPTH))
    if isinstance(block, bpy.types.Image) and block.size[0]:
        pixels = np.empty(len(block.pixels), np.float32)
        block.pixels.foreach_get(pixels)
        parts["pixels"] = _hash(pixels)
        parts["packed"] = bool(block.packed_file)
    if isinstance(block, bpy.types.Mesh):
        corners = np.empty(len(block.loops), np.int32)
        block.loops.foreach_get("vertex_index", corners)
        points = np.empty(len(block.vertices) * 3, np.float32)
        block.vertices.foreach_get("co", points)
        parts["corners"], parts["points"] = _hash(corners), _hash(points)
    return parts


def _parts(thing, path, depth):
    """The properties of `thing` and of what belongs to it, by their paths."""
    parts = {f"{path}[{key!r}]": _plain(thing[key]) for key in _custom(thing)}
    for prop in thing.bl_rna.properties:
        name = prop.identifier
        if name in _LEFT_OUT:
            continue
        value = getattr(thing, name, None)
        if prop.type == "COLLECTION":
            parts[f"{path}{name}"] = len(value)
            if depth and 0 < len(value) <= _LARGE:
                for number, item in enumerate(value):
                    parts.update(_inner(item, f"{path}{name}.{number}", depth))
        elif prop.type == "POINTER":
            parts.update(_inner(value, f"{path}{name}", depth))
        else:
            parts[f"{path}{name}"] = _plain(value)
    return parts


def _inner(thing, path, depth):
    """Another data-block by its name; what is part of this one with its own parts."""
    if not isinstance(thing, bpy.types.ID):
        return _parts(thing, f"{path}.", depth - 1) if thing is not None and depth else {}
    inside = isinstance(thing, bpy.types.NodeTree) and thing.is_embedded_data
    return _parts(thing, f"{path}.", depth) if inside and depth else {path: thing.name_full}


def _custom(thing):
    if isinstance(thing, bpy.types.PropertyGroup):  # asked for one of its properties, it has it
        return []
    try:
        # Before Blender 5 registered properties are among them, once they have been read.
        return [key for key in thing.keys() if key not in thing.bl_rna.properties]  # noqa: SIM118
    except (AttributeError, TypeError):  # of a kind that can have none
        return []


def _plain(value):
    if isinstance(value, (str, int, float, bool, bytes, type(None))):
        return value
    if isinstance(value, bpy.types.bpy_struct):
        return getattr(value, "name", repr(value))
    try:
        return repr(list(value))[:200]
    except TypeError:
        return repr(value)


def _hash(values):
    return hashlib.sha256(values.tobytes()).hexdigest()
