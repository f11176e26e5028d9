"""What the engine has made, without an engine, and what becomes of it."""

import bpy
from style_transfer_3d.operators.messages import Done
from style_transfer_3d.operators.targets import Target
from style_transfer_3d.operators.write_back import write_back


def done(texture):
    """A result of the engine's that is a texture alone."""
    return Done((texture,), texture.with_name("report.json"))


def target(obj, slots):
    """Where what is painted on these slots of one object goes."""
    return Target(obj.name, places=tuple((obj.session_uid, slot) for slot in slots))


def painted(obj, slots, done, recipe, request):
    """The image that `write_back` makes when nothing is in its way."""
    before = {image.session_uid for image in bpy.data.images}
    assert write_back([target(obj, slots)], done, [recipe], request) == []
    (image,) = (image for image in bpy.data.images if image.session_uid not in before)
    return image
