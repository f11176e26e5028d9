"""What is asked for, without an operator that was told so."""

from pathlib import Path
from types import SimpleNamespace

from style_transfer_3d.engine.settings import Settings
from style_transfer_3d.operators.request import Request, StyleRequest


def given_ones(group, **values):
    """Something like the operator with only these properties given."""
    for name, value in values.items():
        setattr(group, name, value)
    known = SimpleNamespace(is_property_set=lambda name: name in values)
    return SimpleNamespace(properties=known, **values)


def request(
    style=Path("s.png"), views="SPHERE", output=None, replace=False, assign="MATERIAL", **settings
):
    """One run as it would have been asked for; what is not named here is one of `settings`."""
    return Request(
        styles=(StyleRequest(file=style, weight=1.0, region=""),),
        protect="",
        settings=Settings(**settings),
        views=views,
        output=output,
        output_as_given=str(output or ""),
        replace=replace,
        uv_map="",
        assign=assign,
        relief_strength=0.5,
    )
