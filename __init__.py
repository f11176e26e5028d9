"""3D Style Transfer: paint a mesh in the style of a picture, in its own UV layout."""

from .operators import command, preview, running, settings, stylize

_PARTS = (settings, preview, running, stylize, command)


def register() -> None:
    """Make the operator, the scene's settings and the command known to Blender."""
    for part in _PARTS:
        part.register()


def unregister() -> None:
    """Take everything back that `register` made known."""
    for part in reversed(_PARTS):
        part.unregister()
