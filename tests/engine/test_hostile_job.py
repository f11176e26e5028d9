"""Job folders that were made to do harm: each is read as a job, or refused in one line.

Whatever is in them, no code runs, and nothing outside the folder is read or written.
"""

import io
import json
import os
import pickle
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine import __main__, compare  # with all of torch that imports something else later
from engine.job import Job, Style, View
from engine.settings import Settings
from tests.engine.hostile import ANYTHING, Trap, inputs, nothing_outside, places, sound_or_refused
from tests.engine.meshes import cube
from tests.engine.reference import perspective

DTYPES = ("f2", "f4", "f8", "i1", "i4", "i8", "u8", "?", "c16", "U3", "S3", "M8[s]", "V5", ">f4")
TERABYTES = (10**12, 3, 3)
assert compare


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A folder that holds a job with all there is in one."""
    folder = tmp_path_factory.mktemp("hostile")
    Image.fromarray(np.arange(3072, dtype=np.uint8).reshape(32, 32, 3)).save(folder / "s.png")
    half = np.full((12, 3), 0.5, np.float32)
    view = View("Camera", np.eye(4, dtype=np.float32), np.float32(perspective()), 1.5)
    settings = Settings(preset="DRAFT", steps=2, texture_size=64, device="CPU", backbone="VGG16")
    Job(
        cube(), Style(folder / "s.png"), settings, (np.full((8, 8, 3), 0.5, np.float32),), (view,),
        more_styles=(Style(folder / "s.png", 0.5, half),), protected=half,
    ).save(folder / "job")  # fmt: skip
    return folder / "job"


@pytest.fixture
def folder(sound, tmp_path) -> Path:
    """A copy of it to spoil."""
    return shutil.copytree(sound, tmp_path / "job")


def load(folder: Path) -> bool:
    """Whether it is read as a job; see `sound_or_refused`."""
    with nothing_outside(folder):
        return sound_or_refused(lambda: Job.load(folder))


def refused(folder: Path) -> dict:
    """The one ERROR that the engine's program says of it, whose exit code is 1."""
    said: list[dict] = []
    assert engine(folder, said) == 1
    (error,) = [message for message in said if message["type"] == "ERROR"]
    json.dumps(error).encode("ascii")
    return error


def engine(folder: Path, said: list[dict], *options: str) -> int:
    with pytest.MonkeyPatch.context() as patch, nothing_outside(folder):
        patch.setattr(__main__, "messenger", lambda: said.append)
        patch.setattr(__main__, "_listen", lambda _words: None)
        return __main__.main([*options, str(folder)])


# The text


@given(st.data())
@inputs(60)
def test_any_text_is_a_job_or_refused(sound, folder, data) -> None:
    text = json.loads((sound / "job.json").read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        whole_parts = st.sampled_from([(name,) for name in text])
        path = data.draw(st.sampled_from(list(places(text))) | whole_parts)
        if not path:
            text = data.draw(ANYTHING)
            break
        holder = text
        for key in path[:-1]:
            holder = holder[key]
        if data.draw(st.booleans()) or isinstance(holder, list):
            holder[path[-1]] = data.draw(ANYTHING)
        else:
            del holder[path[-1]]
    (folder / "job.json").write_text(json.dumps(text))
    load(folder)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000, '{"a":' * 200_000, "9" * 100_000, "\ufeff{}", "{", "", "null", "\0" * 999,
        '{"format": NaN}', b"\xff\xfe\0\0", b"PK\x03\x04" + bytes(99), pickle.dumps({"format": 2}),
    ],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_text_that_is_no_job(folder, text) -> None:
    (folder / "job.json").write_bytes(text.encode() if isinstance(text, str) else text)
    assert not load(folder)


def edit(folder: Path, **parts) -> None:
    text = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps({**text, **parts}))


@pytest.mark.parametrize(
    "number", [float("nan"), float("inf"), -float("inf"), 10**400, -(10**400), -7], ids=str
)
def test_numbers_that_count_nothing(folder, number) -> None:
    text = json.loads((folder / "job.json").read_text())
    settings, (first, second) = text["settings"], text["styles"]
    for parts in (
        {"originals": number}, {"shapes": [[number, 64]]}, {"format": number},
        {"views": [{"name": "C", "aspect": number}]},
        *({"settings": {**settings, name: number}} for name in settings),
        {"settings": {**settings, "layer_weights": [number] * 5}},
        {"styles": [{**first, "weight": number}, second]},
    ):  # fmt: skip
        edit(folder, **{**text, **parts})
        assert not load(folder), parts


# Where it points


@pytest.mark.parametrize(
    "name",
    ["../../secret.png", "/{0}/secret.png", "..", ".", "", "x" * 5000, "a\0b", "\ud800",
     "C:\\a.png", "//server/share/a.png", "style.png/../../../secret.png"],
)  # fmt: skip
def test_a_style_outside_the_folder_is_not_read(folder, name) -> None:
    Image.new("RGB", (32, 32)).save(folder.parent / "secret.png")
    edit(folder, styles=[{"file": name.format(str(folder.parent)[1:]), "weight": 1.0}] * 2)
    assert not load(folder)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\ud800", "/dev/zero", "/", "../job"])
def test_weights_that_are_no_file(folder, name) -> None:
    text = json.loads((folder / "job.json").read_text())
    edit(folder, settings={**text["settings"], "weights_file": name, "backbone": "VGG19"})
    error = refused(folder)
    assert error["what"].startswith("Weights file")


@pytest.mark.parametrize(
    "name", ["job.json", "arrays.npz", "original_0.npy", "style", "style/s.png", "result",
             "result/texture.png.part", "result/checkpoint.pt"]
)  # fmt: skip
def test_links_out_of_the_folder_are_not_followed(sound, folder, name) -> None:
    link, outside = folder / name, folder.parent / "outside"
    shutil.copytree(sound, outside)
    (outside / "result").mkdir()
    for file in ("texture.png.part", "checkpoint.pt"):
        (outside / "result" / file).write_text("the artist's")
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside / name)
    assert "leads out of" in refused(folder)["why"]
    assert (outside / "result" / "texture.png.part").read_text() == "the artist's"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none")
@pytest.mark.parametrize("name", ["job.json", "arrays.npz", "original_0.npy", "style/s.png"])
@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_file_does_not_hang(folder, name) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "neither a file nor a folder" in refused(folder)["why"]


# The arrays


def npy(shape: tuple, dtype: str, body: bytes = b"") -> bytes:
    """A file of numpy's whose header says anything."""
    stream = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + body


@given(st.data())
@inputs(40)
def test_arrays_of_any_kind_are_read_or_refused(sound, folder, data) -> None:
    with np.load(sound / "arrays.npz") as kept:
        arrays = dict(kept)
    names = st.lists(st.sampled_from(sorted(arrays)), min_size=1, max_size=3, unique=True)
    for name in data.draw(names):
        array = arrays[name]
        match data.draw(st.integers(0, 4)):
            case 0:
                shape = data.draw(st.lists(st.integers(0, 4), max_size=5))
                arrays[name] = np.resize(array, shape)
            case 1:
                with np.errstate(all="ignore"):
                    arrays[name] = array.astype(
                        data.draw(st.sampled_from(DTYPES)), casting="unsafe"
                    )
            case 2:
                flat = array.copy().reshape(-1)
                values = (np.nan, np.inf, -np.inf, -1, 2**62, 3e38, 1e-45, -3e38)
                with np.errstate(all="ignore"):
                    for _ in range(data.draw(st.integers(1, 4)) if flat.size else 0):
                        at = data.draw(st.integers(0, flat.size - 1))
                        flat[at] = np.array(data.draw(st.sampled_from(values))).astype(flat.dtype)
                arrays[name] = flat.reshape(array.shape)
            case 3:
                arrays.pop(name)
                break
            case 4:
                arrays[name] = array[::-1, ...].T if array.ndim else array
    np.savez(folder / "arrays.npz", **arrays)
    load(folder)


@given(st.data())
@inputs(40)
def test_damaged_bytes_are_read_or_refused(sound, folder, data) -> None:
    name = data.draw(st.sampled_from(("job.json", "arrays.npz", "original_0.npy")))
    content = bytearray((sound / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(content)))
        match data.draw(st.integers(0, 3)):
            case 0:
                content[start:] = b""
            case 1:
                content[start : start + data.draw(st.integers(0, 40))] = data.draw(
                    st.binary(max_size=40)
                )
            case 2 if content:
                content[start % len(content)] ^= 1 << data.draw(st.integers(0, 7))
            case 3:
                content[start:start] = content[: data.draw(st.integers(0, 200))]
    (folder / name).write_bytes(content)
    try:
        load(folder)
    finally:
        shutil.copyfile(sound / name, folder / name)


@given(
    st.lists(st.sampled_from((0, 1, 3, -1, 10**6, 10**12, 2**63, 10**30)), max_size=5),
    st.sampled_from((*DTYPES, "O", "|O", "f4,f4", "9f4", "", "<f4\0")),
    st.booleans(),
)
@inputs(40)
@pytest.mark.filterwarnings("ignore")  # of numpy's about names
def test_headers_that_lie_are_refused(sound, folder, shape, dtype, zipped) -> None:
    shutil.copyfile(sound / "original_0.npy", folder / "original_0.npy")
    content = npy(tuple(shape), dtype, bytes(96))
    if zipped:
        with zipfile.ZipFile(sound / "arrays.npz") as kept:
            members = {name: kept.read(name) for name in kept.namelist()}
        with zipfile.ZipFile(folder / "arrays.npz", "w") as archive:
            for name, member in {**members, "faces.npy": content}.items():
                archive.writestr(name, member)
    else:
        (folder / "original_0.npy").write_bytes(content)
    load(folder)


@pytest.mark.parametrize("name", ["original_0.npy", "arrays.npz"])
def test_an_array_of_terabytes_takes_no_memory(folder, name) -> None:
    content = npy(TERABYTES, "<f4", bytes(999))
    if name == "arrays.npz":
        with zipfile.ZipFile(folder / name, "a") as archive:
            archive.writestr("faces.npy", content)
    else:
        (folder / name).write_bytes(content)
    assert not load(folder)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_bomb_is_not_unpacked(folder, method) -> None:
    with zipfile.ZipFile(folder / "arrays.npz") as kept:
        members = {name: kept.read(name) for name in kept.namelist()}
    members["vertices.npy"] = npy((2**18, 3), "<f4", bytes(3 * 2**20))
    with zipfile.ZipFile(folder / "arrays.npz", "w", method) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    assert "unpacks to more than" in refused(folder)["why"]


def test_code_in_arrays_is_not_run(folder) -> None:
    evil = np.array([Trap(folder.parent / "mark")], dtype=object)
    stream, archive = io.BytesIO(), io.BytesIO()
    np.save(stream, evil, allow_pickle=True)
    with np.load(folder / "arrays.npz") as arrays:
        np.savez(archive, **{**arrays, "faces": evil})
    for name, content in (
        ("original_0.npy", stream.getvalue()),
        ("original_0.npy", pickle.dumps(evil[0])),
        ("arrays.npz", stream.getvalue()),
        ("arrays.npz", archive.getvalue()),
        ("arrays.npz", pickle.dumps(evil[0])),
        ("job.json", pickle.dumps(evil[0])),
    ):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(content)
        assert not load(folder)
        (folder / name).write_bytes(before)
    assert not (folder.parent / "mark").exists()
    pickle.loads(pickle.dumps(evil[0]))
    assert (folder.parent / "mark").exists(), "the trap itself is broken"


# What is told


@pytest.mark.parametrize("name", ["job.json", "arrays.npz", "original_0.npy", "style/s.png"])
def test_the_program_refuses_in_one_message(folder, name) -> None:
    (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    assert refused(folder)["cure"]
