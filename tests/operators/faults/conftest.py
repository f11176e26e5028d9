"""What every test of a fault has, and that it leaves nothing behind."""

import pytest
from style_transfer_3d.operators import engine_python, unfinished

from tests.operators.faults.faulty import children
from tests.operators.scenes import end_run


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """The extension's own folder, which is the artist's else."""
    folder = tmp_path / "user"

    def user_folder(*, create=False):
        if create:
            folder.mkdir(exist_ok=True)
        return folder

    for module in (engine_python, unfinished):
        monkeypatch.setattr(module, "user_folder", user_folder)
    return folder


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    end_run()
    assert not children()
