"""Weights, checkpoints and variants that were made to do harm: used, refused, or left alone."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.backbone import Backbone, Weights
from engine.checkpoint import Checkpoint
from engine.critic import LAYERS
from engine.errors import JobError
from engine.job import Job
from engine.painting import Painting
from engine.picture import read_picture
from engine.sheet import Cell, draw_sheet
from engine.state import State
from engine.stylize import optimise, prepare
from engine.variants import FILE, Comparison, Variant
from tests.engine.hostile import ANYTHING, Trap, inputs, nothing_outside, places, sound_or_refused
from tests.engine.jobs import job_of

CPU = torch.device("cpu")
TENSORS = st.sampled_from(
    (
        torch.ones(3), torch.ones(()), torch.ones(0), torch.full((2, 2), torch.nan),
        torch.ones(3, dtype=torch.int64), torch.ones(3, dtype=torch.bool),
        torch.ones(3, dtype=torch.complex64), torch.ones(1).expand(2**40),
        torch.eye(3).to_sparse(), torch.empty(3, device="meta"),
        torch.ones(2, dtype=torch.float16), torch.nn.Parameter(torch.ones(2)),
    )
)  # fmt: skip
# What torch takes to be harmless when it reads weights alone.
STORED = st.recursive(
    TENSORS | st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(("0.weight", "features.0.weight", "0.bias", "state_dict", "x")), inner,
        max_size=3,
    ),
    max_leaves=5,
)  # fmt: skip


class NoStorage:
    """A tensor whose numbers are a word: torch takes how it is made to be harmless."""

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, ("abc", 0, (1,), (1,), False, None)


def torch_bytes(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def repickled(whole: bytes, value: object) -> bytes:
    """A sound archive of torch's, but for the pickle in it, which is of `value`."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as kept, zipfile.ZipFile(out, "w") as archive:
        for name in kept.namelist():
            is_pickle = name.endswith("/data.pkl")
            archive.writestr(name, pickle.dumps(value, 2) if is_pickle else kept.read(name))
    return out.getvalue()


# Weights


def takes(file: Path) -> bool:
    with nothing_outside(file.parent):
        return sound_or_refused(lambda: Backbone(Weights("VGG19", file), LAYERS), str(file))


@given(STORED)
@inputs(25)
@pytest.mark.filterwarnings("ignore")
def test_weights_of_any_kind_are_refused(tmp_path, value) -> None:
    (tmp_path / "vgg19.pt").write_bytes(torch_bytes(value))
    assert not takes(tmp_path / "vgg19.pt")


@given(TENSORS, st.sampled_from(("0.weight", "0.bias", "34.bias")))
@inputs(15)
@pytest.mark.filterwarnings("ignore")
def test_one_weight_of_another_kind_is_refused(tmp_path, likeness, value, name) -> None:
    (tmp_path / "vgg19.pt").write_bytes(torch_bytes({**likeness, name: value}))
    assert not takes(tmp_path / "vgg19.pt")


@pytest.fixture(scope="module")
def likeness() -> dict[str, torch.Tensor]:
    """VGG-19's parameters, but each a single number that is repeated: a small file."""
    from torchvision.models.vgg import cfgs, make_layers  # noqa: PLC0415

    with torch.device("meta"):
        shapes = make_layers(cfgs["E"], batch_norm=False).state_dict()
    return {name: torch.ones(1).expand(like.shape) for name, like in shapes.items()}


def test_the_likeness_itself_is_taken(tmp_path, likeness) -> None:
    (tmp_path / "vgg19.pt").write_bytes(torch_bytes(likeness))
    assert takes(tmp_path / "vgg19.pt")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", ["sparse", "bool", "quantized"])
def test_weights_of_the_right_shape_in_a_strange_layout(tmp_path, likeness, layout) -> None:
    like = likeness["0.weight"].contiguous()
    strange = {
        "sparse": like.to_sparse,
        "bool": lambda: like > 0,
        "quantized": lambda: torch.quantize_per_tensor(like, 0.1, 0, torch.qint8),
    }[layout]()
    (tmp_path / "vgg19.pt").write_bytes(torch_bytes({**likeness, "0.weight": strange}))
    assert not takes(tmp_path / "vgg19.pt")


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
@inputs(20)
@pytest.mark.filterwarnings("ignore")
def test_damaged_weights_are_read_or_refused(tmp_path, likeness, at, change) -> None:
    content = bytearray(torch_bytes(likeness))
    at %= len(content)
    content[at : at + len(change)] = change
    (tmp_path / "vgg19.pt").write_bytes(content)
    takes(tmp_path / "vgg19.pt")


@pytest.mark.filterwarnings("ignore")
def test_weights_without_numbers_are_refused(tmp_path, likeness) -> None:
    content = repickled(torch_bytes(likeness), {"0.bias": NoStorage()})
    (tmp_path / "vgg19.pt").write_bytes(content)
    assert not takes(tmp_path / "vgg19.pt")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["archive", "bare", "legacy"])
def test_code_in_weights_is_not_run(tmp_path, kind) -> None:
    mark, file = tmp_path / "mark", tmp_path / "vgg19.pt"
    state = {name: Trap(mark) for name in ("0.weight", "features.0.weight")}
    if kind == "bare":
        file.write_bytes(pickle.dumps(state))
    else:
        torch.save(state, file, _use_new_zipfile_serialization=kind == "archive")
    assert not takes(file)
    assert not mark.exists()
    torch.load(file, weights_only=False) if kind != "bare" else pickle.loads(file.read_bytes())
    assert mark.exists(), "the trap itself is broken"


# Checkpoints


class Left(NamedTuple):
    """What a run left that was ended, and its checkpoint as it wrote it."""

    job: Job
    painting: Painting
    state: State
    file: Path
    whole: bytes


@pytest.fixture
def left(pictures, backbone, tmp_path) -> Left:
    """A job after its first step, and its checkpoint."""
    job = job_of(pictures, steps=4, view_count=3)
    painting = prepare(job, [read_picture(style.file) for style in job.styles], CPU)
    state = State(job.settings, painting, backbone)
    next(optimise(job, painting, backbone, state))
    (tmp_path / "result").mkdir()
    Checkpoint(tmp_path / "result", job, "VGG16", [].append).write(state)
    file = tmp_path / "result" / "checkpoint.pt"
    return Left(job, painting, state, file, file.read_bytes())


def resumed(left: Left, content: bytes) -> bool:
    """Whether the state goes on from it; what does not leaves the state as it was, with a WARN."""
    job, painting, state, file, _whole = left
    said: list[dict] = []
    file.write_bytes(content)
    state.done = -1
    before = [values.clone() for values in painting.field.values]
    with nothing_outside(file.parents[1]):
        Checkpoint(file.parent, job, "VGG16", said.append).resume(state)
    (message,) = said
    if message["type"] == "STATUS":
        return True
    assert "it is ignored" in message["text"]
    assert state.done == -1
    assert all(x.equal(y) for x, y in zip(before, painting.field.values, strict=True))
    return False


@given(st.data())
@inputs(15)
@pytest.mark.filterwarnings("ignore")
def test_a_part_of_another_kind_is_ignored(left, data) -> None:
    """The job's hash in it is right: it is no secret."""
    kept = torch.load(io.BytesIO(left.whole), weights_only=True)
    path = data.draw(st.sampled_from([path for path in places(kept) if path]))
    holder = kept
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(
        st.sampled_from((None, "x", torch.ones(3, 1, 1, 1, 1), 10**400, -1, torch.nan))
    )
    running = path[:2] == ("critic", "running") and len(path) > 2
    assert resumed(left, torch_bytes(kept)) <= running, path
    assert resumed(left, left.whole)


@pytest.mark.filterwarnings("ignore")
def test_a_generator_that_is_none_is_refused(left) -> None:
    kept = torch.load(left.file, weights_only=True)
    kept["generators"][0] = torch.zeros(7, dtype=torch.uint8)
    with pytest.raises(JobError, match="no state that a run can go on from"):
        resumed(left, torch_bytes(kept))


@pytest.mark.filterwarnings("ignore")
def test_settled_from_too_few_values_is_refused(left) -> None:
    kept = torch.load(left.file, weights_only=True)
    kept["settled"] = torch.zeros(7, 3)
    with pytest.raises(JobError, match=r"no state that a run can go on from \(settled from 7 val"):
        resumed(left, torch_bytes(kept))


@pytest.mark.filterwarnings("ignore")
def test_a_tensor_without_numbers_is_ignored(left) -> None:
    job = Checkpoint(left.file.parent, left.job, "VGG16", [].append).job
    content = repickled(left.whole, {"job": job, "notch": NoStorage()})
    assert not resumed(left, content)
    left.file.write_bytes(content)
    assert Checkpoint(left.file.parent, left.job, "VGG16", [].append).notch() == 0


def test_a_bomb_is_not_unpacked(left) -> None:
    with zipfile.ZipFile(left.file) as kept:
        members = {name: kept.read(name) for name in kept.namelist()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
        archive.writestr("archive/data/bomb", bytes(2**26))
    assert not resumed(left, packed.getvalue())


# Variants


@pytest.fixture
def folder(pictures, tmp_path) -> Path:
    job = job_of(pictures, steps=2)
    job.save(tmp_path / "job")
    Comparison(1, (Variant("one", {"seed": 1}), Variant("two", {}, job.style.file))).save(
        tmp_path / "job"
    )
    return tmp_path / "job"


def load(folder: Path) -> bool:
    with nothing_outside(folder):
        return sound_or_refused(lambda: Comparison.load(folder).jobs(Job.load(folder)))


@given(st.data())
@inputs(40)
def test_any_variants_are_read_or_refused(folder, data) -> None:
    text = {"columns": 1, "variants": [{"label": "a", "changes": {"seed": 1}, "style": None}]}
    path = data.draw(st.sampled_from([path for path in places(text) if path]))
    holder = text
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(ANYTHING)
    (folder / FILE).write_text(json.dumps(text))
    load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"columns": 10**9}, {"columns": float("inf")}, {"columns": -1}, {"columns": 0},
        {"variants": [{"label": "a", "changes": {}, "style": None}] * 10_000},
        {"variants": [{"label": "a", "changes": {"brush": 1}, "style": None}]},
        {"variants": [{"label": "a", "changes": {"layer_weights": "five"}, "style": None}]},
        {"variants": [{"label": "a", "changes": {"layer_weights": 5}, "style": None}]},
        {"variants": [{"label": "a", "changes": {"texture_size": 10**9}, "style": None}]},
        {"variants": [{"label": "a", "changes": {"validate": None}, "style": None}]},
        {"variants": [{"label": "a", "changes": {}, "style": "../../../secret.png"}]},
    ],
)  # fmt: skip
def test_variants_that_make_no_sense_are_refused(folder, change) -> None:
    text = {"columns": 1, "variants": [{"label": "a", "changes": {}, "style": None}], **change}
    (folder / FILE).write_text(json.dumps(text))
    assert not load(folder)


@pytest.mark.parametrize("label", ["two\nlines", "\0", "\ud800", "\u202eback", "x" * 10_000, ""])
@pytest.mark.timeout(60)
def test_any_label_can_be_drawn(folder, label) -> None:
    text = {"columns": 1, "variants": [{"label": label, "changes": {}, "style": None}]}
    (folder / FILE).write_text(json.dumps(text))
    if not load(folder):
        return
    draw_sheet([], [Cell(Comparison.load(folder).variants[0].label, None)], 1)
