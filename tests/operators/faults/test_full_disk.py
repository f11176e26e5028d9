"""A full disk: told in one line or made up for, and files there before are whole."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from style_transfer_3d.operators import udim
from style_transfer_3d.operators.on_objects import OnObjects

from tests.operators.calling import paint
from tests.operators.faults.faulty import NIGHTLY, SHORT, engine, refused, with_limit
from tests.operators.scenes import (
    add_cube,
    add_material,
    painter,
    save_png,
    shown_image,
    stand_in,
    stripes,
)


class FullDisk:
    """Lets so many writes pass; the next one finds no room."""

    def __init__(self, monkeypatch, passing):
        self.left = passing
        for owner, name in (
            (np, "savez"), (np, "save"), (shutil, "copyfile"), (Path, "write_text"),
            (Path, "write_bytes"), (Path, "mkdir"),
        ):  # fmt: skip
            monkeypatch.setattr(owner, name, self.guarded(getattr(owner, name)))

    def guarded(self, write):
        def guarded(*arguments, **options):
            self.left -= 1
            if self.left < 0:
                raise OSError(28, "No space left on device")
            return write(*arguments, **options)

        return guarded


def test_a_full_disk_at_each_write_of_the_job(cube, style, texture, tmp_path, monkeypatch):
    engine(tmp_path, monkeypatch, texture)
    for passing in range(100):
        with pytest.MonkeyPatch.context() as patch:
            disk = FullDisk(patch, passing)
            if passing == 0:
                assert "No space left" in refused(style=str(style))
                continue
            try:
                text = refused(style=str(style))
            except pytest.fail.Exception:  # it did not fail any more
                break
        assert "No space left" in text
    assert disk.left >= 0
    assert passing >= 5, "the job has more files than that"
    assert shown_image(cube.active_material).name == "Cube style"


@pytest.mark.parametrize("relief", ["NONE", "BUMP"])
def test_an_output_that_cannot_be_saved_at_the_end_is_packed(
    cube, style, texture, tmp_path, monkeypatch, capfd, relief
):
    folder = tmp_path / "output"
    folder.mkdir()
    engine(tmp_path, monkeypatch, texture, f"shutil.rmtree({str(folder)!r})", 4)
    output = folder / "out.png"
    assert paint(style=str(style), output=str(output), relief=relief) == {"FINISHED"}
    image = shown_image(cube.active_material)
    assert image.packed_file.data == texture.read_bytes()
    said = capfd.readouterr().out
    assert f"Warning: File '{output}': it cannot be written" in said
    assert "It is packed into the .blend file instead" in said


def test_a_full_disk_keeps_the_earlier_file(cube, style, texture, tmp_path, monkeypatch):
    output = tmp_path / "out.png"
    output.write_text("the earlier one")
    engine(tmp_path, monkeypatch, texture)
    write = Path.write_bytes

    def full(path, data):
        write(path, data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert paint(style=str(style), output=str(output)) == {"FINISHED"}
    assert output.read_text() == "the earlier one"
    assert not list(tmp_path.glob(".out*"))
    assert shown_image(cube.active_material).packed_file


def test_a_full_disk_at_the_end_is_no_success_for_a_farm(
    cube, style, texture, tmp_path, monkeypatch, capfd
):
    from style_transfer_3d.operators import command  # noqa: PLC0415

    folder = tmp_path / "output"
    folder.mkdir()
    engine(tmp_path, monkeypatch, texture, f"shutil.rmtree({str(folder)!r})", 4)
    options = ["--object", "Cube", "--style", str(style), "--output", str(folder / "o.png")]
    assert command.run(options) == 1
    assert "Saved" not in capfd.readouterr().out


@pytest.fixture
def tiled(scene, tmp_path, texture, monkeypatch):
    """A cube with a face on a second UDIM tile; the engine paints two textures at once."""
    for number in (1001, 1002):
        save_png(tmp_path / f"skin.{number}.png", stripes(8, 8))
    obj = add_cube()
    add_material(obj, "m", udim.load(tmp_path / "skin.<UDIM>.png"))
    for corner in range(4):
        obj.data.uv_layers[0].uv[corner].vector.x += 1
    stand_in(tmp_path, painter([texture, texture], {}), monkeypatch)


def test_a_painting_that_there_is_no_room_to_pack_is_kept(
    tiled, style, texture, own_folder, monkeypatch
):
    copy = shutil.copyfile

    def full(source, to, **options):
        if Path(source).name.startswith("texture"):
            raise OSError(28, "No space left on device")
        return copy(source, to, **options)

    monkeypatch.setattr(shutil, "copyfile", full)
    told = refused(style=str(style))
    (folder,) = own_folder.iterdir()
    assert "UDIM tile 1001: its picture cannot be copied (No space left on device)" in told
    assert f"What was painted is kept in {str(folder)!r}" in told
    names = ["report.json", "texture_0.png", "texture_1.png"]
    assert sorted(file.name for file in folder.iterdir()) == names
    assert (folder / "texture_1.png").read_bytes() == texture.read_bytes()


def test_a_painting_that_cannot_be_kept_either(tiled, style, own_folder, monkeypatch):
    def fail(*_):
        raise ReferenceError("StructRNA of type Image has been removed")

    monkeypatch.setattr(OnObjects, "deliver", fail)
    own_folder.write_text("in the way")
    told = refused(style=str(style))
    assert "ReferenceError: StructRNA of type Image has been removed" in told
    assert "What was painted is lost" in told


@pytest.mark.timeout(200)
@pytest.mark.skipif(not NIGHTLY, reason="takes a minute")
@pytest.mark.parametrize("blocks", [0, 1, 2, 4, 8])
def test_the_real_engine_with_too_little_room(cube, style, tmp_path, monkeypatch, blocks):
    with_limit(f"-f {blocks}", tmp_path, monkeypatch)
    assert "cannot be written" in refused(style=str(style), **SHORT)
