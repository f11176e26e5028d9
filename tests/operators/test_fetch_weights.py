"""Fetching weights with tiny stand-ins for the engine's program."""

import sys

import pytest
from style_transfer_3d.engine.errors import JobError
from style_transfer_3d.operators import fetch_weights
from style_transfer_3d.operators.child import Step

from tests.operators.steps import follow, processes, until


class TestFetch:
    """Fetching with tiny stand-ins for the engine's program."""

    def fetch(self, tmp_path, script):
        package = tmp_path / "root" / "engine"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "fetch_vgg19.py").write_text(
            "import json, pathlib, sys, time\nto = pathlib.Path(sys.argv[1])\n"
            "half = to.with_name(to.name + '.part')\nhalf.touch()\n"
            "def say(**message): print(json.dumps(message), flush=True)\n" + script
        )
        return fetch_weights.fetch(
            sys.executable, tmp_path / "vgg19.pt", tmp_path / "fetch.log", package.parent
        )

    def left(self, tmp_path):
        return sorted(path.name for path in tmp_path.glob("vgg19*"))

    def test_progress_and_the_end(self, tmp_path):
        script = "say(type='PROGRESS', text='half', share=0.5)\nprint('a warning')\n"
        steps = self.fetch(tmp_path, script + "time.sleep(0.2)\nto.touch(); say(type='DONE')\n")
        assert until(steps, "half") == Step("half", 0.5)
        assert "VGG-19 is here" in follow(steps)[1]
        assert self.left(tmp_path) == ["vgg19.pt"]
        assert "a warning" in (tmp_path / "fetch.log").read_text()

    @pytest.mark.parametrize(
        ("script", "words"),
        [
            ("say(type='ERROR', what='Download', why='gone', cure='Wait')", "Download: gone. Wait"),
            ("raise ValueError('far too green')", "ValueError: far too green"),
            ("say(type='DONE')", "ended half-way"),
            ("sys.exit(3)", "it said nothing"),
        ],
    )
    def test_each_bad_end_is_one_clear_line(self, tmp_path, script, words):
        with pytest.raises(JobError) as caught:
            follow(self.fetch(tmp_path, script))
        assert words in str(caught.value)
        assert self.left(tmp_path) == []

    def test_closed_half_way(self, tmp_path):
        steps = self.fetch(tmp_path, "say(type='STATUS', text='there')\ntime.sleep(1000)\n")
        until(steps, "there")
        assert self.left(tmp_path) == ["vgg19.pt.part"]
        assert processes(tmp_path / "vgg19.pt")
        steps.close()
        assert not processes(tmp_path / "vgg19.pt")
        assert self.left(tmp_path) == []

    def test_a_python_that_is_gone(self, tmp_path):
        with pytest.raises(JobError, match="'/no/python'"):
            follow(fetch_weights.fetch("/no/python", tmp_path / "vgg19.pt", tmp_path / "log"))
