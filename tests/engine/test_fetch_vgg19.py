"""Fetching VGG-19's weights from a server on this machine that has something like them."""

import hashlib
import http.server
import json
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import torch
from torchvision.models import VGG19_Weights

from engine.errors import JobError
from engine.fetch_vgg19 import fetch
from engine.whole import part_of
from tests.engine.processes import ROOT, started


@pytest.fixture
def weights(tmp_path):
    """A file as torchvision's, but for its size."""
    file = tmp_path / "made.pth"
    state = {"features.0.weight": torch.rand(64, 3, 3, 3), "features.0.bias": torch.rand(64)}
    torch.save({**state, "classifier.0.weight": torch.zeros(700, 700)}, file)
    return file.read_bytes(), state


@pytest.fixture
def destination(tmp_path):
    folder = tmp_path / "user"
    folder.mkdir()
    return folder / "vgg19.pt"


@pytest.fixture
def serve():
    """Serve bytes under a name; its address."""
    servers = []

    def start(name, content, *, size=None, slow=False):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path != f"/{name}":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(size or len(content)))
                self.end_headers()
                self.wfile.write(content)
                while slow and not ended.wait(0.1):
                    pass

            def log_message(self, *_):
                pass

        ended = threading.Event()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append((server, ended))
        return f"http://127.0.0.1:{server.server_port}/{name}"

    yield start
    for server, ended in servers:
        ended.set()
        server.shutdown()
        server.server_close()


def name_of(content):
    """As torchvision names its files."""
    return f"vgg19-{hashlib.sha256(content).hexdigest()[:8]}.pth"


def test_only_the_convolutions_are_kept(serve, weights, destination):
    content, state = weights
    said = []
    fetch(serve(name_of(content), content), destination, said.append)
    kept = torch.load(destination, weights_only=True)
    assert kept.keys() == state.keys()
    assert all(torch.equal(kept[name], state[name]) for name in state)
    assert destination.stat().st_size < len(content) / 10
    assert [path.name for path in destination.parent.iterdir()] == ["vgg19.pt"]
    kinds = [message["type"] for message in said]
    assert kinds == ["PROGRESS"] * (len(kinds) - 2) + ["STATUS", "DONE"]
    shares = [message["share"] for message in said if message["type"] == "PROGRESS"]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert said[-1]["weights"] == str(destination)


def bad(url, destination):
    """Why it cannot be fetched; what was there before is still there, and nothing else."""
    destination.write_text("before")
    with pytest.raises(JobError) as caught:
        fetch(url, destination, lambda _message: None)
    assert destination.read_text() == "before"
    assert list(destination.parent.iterdir()) == [destination]
    assert "\n" not in str(caught.value)
    return caught.value.why


def test_another_file_under_its_name(serve, weights, destination):
    content, _state = weights
    found = hashlib.sha256(content + b"!").hexdigest()[:8]
    why = bad(serve(name_of(content), content + b"!"), destination)
    assert why == f"its SHA-256 begins with {found} instead of {name_of(content)[6:14]}"


def test_broken_off(serve, weights, destination):
    content, _state = weights
    url = serve(name_of(content), content[:1000], size=len(content))
    assert bad(url, destination) == f"it broke off after 1000 of {len(content)} bytes"


def test_not_found(serve, weights, destination):
    url = serve("other.pth", b"")
    assert bad(url.replace("other", "vgg19-00000000"), destination).startswith(
        "the server answered 404"
    )


def test_no_network(destination):
    assert "cannot be reached" in bad("http://127.0.0.1:9/vgg19-00000000.pth", destination)
    assert "cannot be reached" in bad("http://no-such-host.invalid/vgg19-00000000.pth", destination)


def test_a_server_that_falls_silent(serve, weights, destination, monkeypatch):
    monkeypatch.setattr("engine.fetch_vgg19.TIMEOUT", 0.5)
    content, _state = weights
    url = serve(name_of(content), content[:1000], size=len(content), slow=True)
    assert "timed out" in bad(url, destination)


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", b""])
def test_what_is_no_weights(content, serve, destination):
    assert bad(serve(name_of(content), content), destination) == "it holds no weights of VGG-19"


def test_a_folder_that_is_not_there(serve, weights, tmp_path):
    content, _state = weights
    with pytest.raises(JobError, match="it cannot be written"):
        fetch(serve(name_of(content), content), tmp_path / "none" / "vgg19.pt", lambda _: None)


def test_torchvisions_file_carries_its_hash():
    assert VGG19_Weights.IMAGENET1K_V1.url.endswith("/vgg19-dcbb9e9d.pth")


def start(destination, url):
    """The program itself, with torchvision's address replaced."""
    script = f"""
        import sys
        from torchvision.models import VGG19_Weights
        from types import SimpleNamespace
        import torchvision.models
        torchvision.models.VGG19_Weights = SimpleNamespace(
            IMAGENET1K_V1=SimpleNamespace(url={url!r}))
        from engine.fetch_vgg19 import main
        sys.exit(main([{str(destination)!r}]))
    """
    return started(sys.executable, "-c", textwrap.dedent(script), errors=subprocess.DEVNULL)


def test_the_program(serve, weights, destination):
    content, _state = weights
    with start(destination, serve(name_of(content), content)) as process:
        messages = [json.loads(line) for line in process.communicate(timeout=120)[0].splitlines()]
    assert process.returncode == 0
    assert messages[0] == {"type": "STATUS", "text": "Loading torch"}
    assert messages[-1] == {"type": "DONE", "weights": str(destination)}


def test_terminated_half_way(serve, weights, destination):
    content, _state = weights
    url = serve(name_of(content), content[:1000], size=len(content), slow=True)
    with start(destination, url) as process:
        end = time.monotonic() + 120
        while not part_of(destination).exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert part_of(destination).exists()
        process.terminate()
        assert process.wait(timeout=20) == 3
    assert list(destination.parent.iterdir()) == []


def test_wrong_arguments():
    done = subprocess.run(
        [sys.executable, "-m", "engine.fetch_vgg19"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["type"] == "ERROR"
