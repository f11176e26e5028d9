"""Calling the operators, and what they refuse with."""

import bpy
import pytest

from tests.operators.scenes import dump, job_folders


def paint(**properties):
    return bpy.ops.object.style_transfer(**properties)


def refusal_of(call):
    """The one line that an operator refuses with; it must leave everything as it was."""
    before, files = dump(), job_folders()
    with pytest.raises(RuntimeError) as caught:
        call()
    assert dump() == before
    assert job_folders() == files
    text = str(caught.value).strip()
    assert "\n" not in text
    return text


def error_of(**properties):
    """What painting the selected meshes is refused with; see `refusal_of`."""
    return refusal_of(lambda: paint(**properties))
