"""The engine's process with tiny stand-ins for the engine."""

import json
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import worker
from style_transfer_3d.operators.messages import Done, Progress, Status, Warn, parse

from tests.operators.steps import alive


@pytest.fixture
def engine(tmp_path):
    """Start an engine whose __main__ is the given script; it is stopped at the end."""
    started = []

    def start(script, **options):
        package = tmp_path / "engine"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(
            "import json, os, sys, time\n" + textwrap.dedent(script)
        )
        started.append(worker.Engine(tmp_path / "job", sys.executable, root=tmp_path, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def error_of(engine):
    with pytest.raises(JobError) as caught:
        list(engine.messages())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_relief_must_be_there_if_it_is_told_of(engine, tmp_path):
    result, relief = tmp_path / "texture.png", tmp_path / "relief.png"
    result.touch()
    done = {"type": "DONE", "textures": [str(result)], "report": str(result),
            "reliefs": [str(relief)], "relief_height": 0.5}  # fmt: skip
    assert parse(json.dumps(done)) == Done((result,), result, (relief,), 0.5)
    assert "it left no result" in error_of(engine(f"print(json.dumps({done!r}), flush=True)"))


def test_messages_in_order_until_done(engine, tmp_path):
    result = tmp_path / "texture.png"
    result.touch()
    messages = [
        {"type": "STATUS", "text": "loading"},
        {
            "type": "PROGRESS",
            "step": 1,
            "steps": 2,
            "losses": {"total": 0.5},
            "seconds": 3,
            "share": 0.25,
            "previews": ["p.npy"],
        },
        {"type": "WARN", "text": "careful"},
        {"type": "DONE", "textures": [str(result)], "report": str(result)},
    ]
    said = engine(f"for m in {messages!r}: print(json.dumps(m), flush=True)").messages()
    assert list(said) == [
        Status("loading"),
        Progress(1, 2, {"total": 0.5}, 3.0, 0.25, (Path("p.npy"),)),
        Warn("careful"),
        Done((result,), result),
    ]


def test_it_gets_the_job_a_clean_environment_and_its_own_folder(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("KEPT", "yes")
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.setenv(name, "7")  # of torchrun, by which an engine would be one of several
    script = """
        words = ("PYTHON", "RANK", "LOCAL_", "WORLD_SIZE", "MASTER_")
        names = sorted(name for name in os.environ if name.startswith(words))
        flags = [sys.flags.no_user_site, sys.flags.utf8_mode]
        text = [os.environ["KEPT"], names, os.getcwd(), sys.argv[1:], flags]
        print(json.dumps({"type": "STATUS", "text": json.dumps(text)}), flush=True)
    """
    message = next(engine(script).messages())
    assert json.loads(message.text) == [
        "yes", ["PYTHONDONTWRITEBYTECODE"], str(tmp_path), [str(tmp_path / "job")], [1, 1]
    ]  # fmt: skip
    assert not list(tmp_path.rglob("__pycache__"))


def test_its_error_is_raised(engine):
    message = {"type": "ERROR", "what": "Style", "why": "it is empty", "cure": "Choose another"}
    one = engine(f"print(json.dumps({message!r})); sys.exit(1)")
    assert error_of(one) == "Style: it is empty. Choose another"


def test_a_chatty_log_does_not_block_it(engine):
    one = engine("sys.stderr.write('x' * 10**6 + '\\n' + 'the last line\\n'); sys.exit(3)")
    text = error_of(one)
    assert "exit code 3" in text
    assert "the last line" in text
    assert len(text) < 400


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("print('half a', end='', flush=True); os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("sys.exit(0)", "exit code 0"),
        ("raise ValueError('far too\\ngreen')", "green"),
        ("import torch_that_is_not_there", "No module named 'torch_that_is_not_there'"),
        ("print('hello')", "'hello'"),
        ("print('[1, 2]')", "'[1, 2]'"),
        ("print('{\"type\": \"DANCE\"}')", "no message"),
        ("print(json.dumps({'type': 'DONE', 'textures': ['a'], 'report': 'b'}))", "no result"),
    ],
)  # fmt: skip
def test_each_bad_end_is_one_clear_line(engine, script, words):
    assert words in error_of(engine(script))


def test_cancel_is_asked_for_politely(engine, tmp_path):
    flag = tmp_path / "asked"
    script = f"""
        print(json.dumps({{"type": "STATUS", "text": str(os.getpid())}}), flush=True)
        open({str(flag)!r}, "w").write(sys.stdin.readline())
    """
    one = engine(script)
    pid = int(next(one.messages()).text)
    one.stop()
    assert flag.read_text() == "cancel\n"
    assert not alive(pid)


def test_stopping_a_dead_engine_does_not_end_blender(engine):
    """Inside Blender nobody ignores SIGPIPE for us: its handler must not be reached."""
    caught = []
    before = signal.signal(signal.SIGPIPE, lambda *_: caught.append(True))
    try:
        one = engine("sys.exit(3)")
        error_of(one)
        one.stop()
    finally:
        signal.signal(signal.SIGPIPE, before)
    assert not caught


def test_a_deaf_engine_is_killed(engine):
    script = """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(json.dumps({"type": "STATUS", "text": str(os.getpid())}), flush=True)
        time.sleep(1000)
    """
    one = engine(script)
    pid = int(next(one.messages()).text)
    start = time.monotonic()
    one.stop()
    assert not alive(pid)
    assert time.monotonic() - start < 2


def until(condition, seconds=20.0):
    """Wait for it, as Blender's timer does."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds
        time.sleep(0.01)


def test_polling_never_waits(engine):
    one = engine("""
        for number in range(3):
            print(json.dumps({"type": "STATUS", "text": str(number)}), flush=True)
            time.sleep(0.5)
        print("garbage", flush=True)
        time.sleep(1000)
    """)
    said, longest = [], 0.0
    with pytest.raises(JobError, match="'garbage', which is no message"):  # noqa: PT012
        for _ in range(2000):
            begun = time.monotonic()
            said += one.poll()
            longest = max(longest, time.monotonic() - begun)
            time.sleep(0.01)
    assert [message.text for message in said] == ["0", "1", "2"]
    assert longest < 0.2


def test_what_it_said_before_it_died_is_heard(engine):
    one = engine("""
        print(json.dumps({"type": "STATUS", "text": "dying"}), flush=True)
        os.kill(os.getpid(), 9)
    """)
    one._process.wait(20)
    messages = one.poll()
    until(lambda: next(messages, None) is not None)
    with pytest.raises(JobError, match="SIGKILL"):  # noqa: PT012
        for _ in range(1000):
            list(one.poll())
            time.sleep(0.01)


@pytest.mark.parametrize("way", [worker.Engine.messages, worker.Engine.poll])
def test_an_engine_that_hangs_is_told_of(engine, way):
    one = engine("time.sleep(1000)", silence=0.5)
    with pytest.raises(JobError, match=r"said nothing for 0\.5 seconds"):  # noqa: PT012
        for _ in range(500):
            list(way(one))
            time.sleep(0.01)


def test_a_machine_that_slept_is_no_engine_that_hangs(engine, monkeypatch):
    """The clock has gone on for hours between two looks."""
    one = engine("time.sleep(1000)", silence=60)
    assert not list(one.poll())
    now = time.monotonic
    monkeypatch.setattr(worker.time, "monotonic", lambda: now() + 10_000)
    for _ in range(5):
        assert not list(one.poll())


def test_ending_it_never_waits_and_takes_less_than_two_seconds(engine):
    one = engine("""
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(json.dumps({"type": "STATUS", "text": str(os.getpid())}), flush=True)
        time.sleep(1000)
    """)
    pid = int(next(one.messages()).text)
    begun = time.monotonic()
    while True:
        before = time.monotonic()
        over = one.ended()
        assert time.monotonic() - before < 0.1
        if over:
            break
        time.sleep(0.01)
    assert time.monotonic() - begun < 2
    assert not alive(pid)


def test_one_that_is_watched_makes_previews_and_gives_way(engine):
    one = engine("""
        time.sleep(0.2)
        text = json.dumps([sys.argv[1], os.getpriority(os.PRIO_PROCESS, 0)])
        print(json.dumps({"type": "STATUS", "text": text}), flush=True)
    """, watched=True)  # fmt: skip
    before = os.getpriority(os.PRIO_PROCESS, 0)
    option, niceness = json.loads(next(one.messages()).text)
    assert option == "--previews"
    assert niceness == before + worker.NICENESS


def test_ctrl_c_that_only_the_engine_got(engine):
    with pytest.raises(KeyboardInterrupt):
        list(engine("import signal; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)").messages())


@pytest.mark.parametrize("text", [None, "neither a script nor a program"])
def test_a_python_that_is_no_program(tmp_path, text):
    python = tmp_path / "python"
    if text:
        python.write_text(text)
        python.chmod(0o755)
    with pytest.raises(JobError, match="cannot be started"):
        worker.Engine(tmp_path, str(python))


def test_no_room_for_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(JobError, match="Temporary folder: nothing can be written to it"):
        worker.Engine(tmp_path, sys.executable)
