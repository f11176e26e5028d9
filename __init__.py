"""3D Style Transfer: paint a mesh in the style of a picture, in its own UV layout."""

from .operators import (
    choose_style,
    command,
    compare,
    compare_settings,
    fetch_weights,
    install,
    more_styles,
    presets,
    preview,
    running,
    settings,
    stylize,
    stylize_image,
    task,
    unwrap,
)
from .panels import compare as compare_panel
from .panels import (
    image_sidebar,
    look,
    preferences,
    preset_menu,
    result,
    sidebar,
    subpanels,
    thumbnail,
)

_PARTS = (
    settings,
    compare_settings,
    preview,
    running,
    stylize,
    stylize_image,
    compare,
    command,
    unwrap,
    choose_style,
    more_styles,
    presets,
    task,
    install,
    fetch_weights,
    preferences,
    thumbnail,
    preset_menu,
    sidebar,
    look,
    compare_panel,
    subpanels,
    result,
    image_sidebar,
)


def register() -> None:
    """Make the operator, the scene's settings and the command known to Blender."""
    for part in _PARTS:
        part.register()


def unregister() -> None:
    """Take everything back that `register` made known."""
    for part in reversed(_PARTS):
        part.unregister()
