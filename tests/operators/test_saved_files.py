"""Files are written as a whole, or not at all."""

import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators.saved_files import save_file


def test_a_file_that_cannot_be_written_is_not_there_in_part(tmp_path):
    target = tmp_path / "out.png"
    target.mkdir()
    with pytest.raises(JobError, match=r"out.png': it cannot be written"):
        save_file(target, b"data")
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
