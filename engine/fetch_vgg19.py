"""`python -m engine.fetch_vgg19 DESTINATION`: download VGG-19's weights and keep what is needed.

Torchvision's file carries the first digits of its SHA-256 in its name, and is checked by them. Of
its 575 MB only the convolutions are kept, 80 MB. Messages go to stdout as the engine's do. Ended
half-way it leaves nothing behind, but when killed: `part_of(DESTINATION)` then.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

from .contents import UNLOADABLE
from .errors import JobError
from .messages import Send, error_message, messenger
from .whole import part_of

TIMEOUT = 30.0  # seconds without a byte after which the server is taken to be gone
CANCELLED = 3
_CHUNK = 1 << 20
_ANOTHER_WAY = "try again, or name a file with the weights in the add-on's preferences"


def main(arguments: list[str]) -> int:
    """Fetch into the only argument; returns the exit code."""
    send = messenger()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(CANCELLED))
    try:
        if len(arguments) != 1:
            raise JobError("Download", f"it got the arguments {arguments}", "Give it one file")
        send({"type": "STATUS", "text": "Loading torch"})
        fetch(_url(), Path(arguments[0]), send)
    except JobError as error:
        send(error_message(error))
        return 1
    return 0


def _url() -> str:
    """Where the weights are; raises JobError if torchvision is not there to tell."""
    try:
        # Only here, so that a Python without torch can say so.
        from torchvision.models import VGG19_Weights  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise JobError(
            f"Engine Python {sys.executable!r}",
            f"torch or torchvision cannot be imported ({error})",
            "Install them for it",
        ) from error
    return VGG19_Weights.IMAGENET1K_V1.url


def fetch(url: str, destination: Path, send: Send) -> None:
    """Download, check, keep the convolutions; `destination` appears when all is done.

    Args:
        url: of a file such as `vgg19-dcbb9e9d.pth`, with the start of its SHA-256 in its name.
        destination: what `backbone.find_weights` will be told.
        send: gets the messages.

    Raises:
        JobError: if it cannot be had, is not what its name says, or cannot be written.
    """
    half = part_of(destination)
    try:
        digest = _download(url, half, send)
        expected = _digest_in(url)
        if not digest.startswith(expected):
            raise JobError(
                f"Download {url!r}",
                f"its SHA-256 begins with {digest[: len(expected)]} instead of {expected}",
                f"Something on the way has changed it: {_ANOTHER_WAY}",
            )
        send({"type": "STATUS", "text": "Taking out the convolutions"})
        _keep_convolutions(half)
        half.replace(destination)
    except OSError as error:
        raise JobError(
            f"File {str(destination)!r}",
            f"it cannot be written ({error.strerror or error})",
            "Check that you may write there and that there is room for 600 MB",
        ) from error
    finally:
        half.unlink(missing_ok=True)
    send({"type": "DONE", "weights": str(destination)})


def _digest_in(url: str) -> str:
    found = re.search(r"-([0-9a-f]{8,64})\.", url.rpartition("/")[2])
    if not found:
        raise ValueError(f"{url!r} carries no hash")
    return found[1]


def _download(url: str, file: Path, send: Send) -> str:
    """Write what `url` gives to `file`; returns its SHA-256 in hexadecimal."""
    what = f"Download {url!r}"
    try:
        response = urllib.request.urlopen(url, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        why = f"the server answered {error.code} {error.reason}"
        raise JobError(what, why, f"Later, {_ANOTHER_WAY}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(what, error) from error
    done, digest = 0, hashlib.sha256()
    with response, file.open("wb") as out:
        total = int(response.headers.get("Content-Length") or 0)
        while True:
            try:
                chunk = response.read(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _unreachable(what, error) from error
            if not chunk:
                break
            out.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            text = f"Downloading VGG-19: {done / 1e6:.0f} of {total / 1e6:.0f} MB"
            share = done / total if total else 0.0
            send({"type": "PROGRESS", "text": text, "share": share})
    if done < total:
        why = f"it broke off after {done} of {total} bytes"
        raise JobError(what, why, f"Check the network, then {_ANOTHER_WAY}")
    return digest.hexdigest()


def _unreachable(what: str, error: Exception) -> JobError:
    why = f"the server cannot be reached ({getattr(error, 'reason', None) or error})"
    return JobError(what, why, f"Check the network, then {_ANOTHER_WAY}")


def _keep_convolutions(file: Path) -> None:
    """Leave only the parameters below `features` in `file`.

    Raises:
        JobError: if it holds none.
    """
    import torch  # noqa: PLC0415

    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        kept = {k: v.clone() for k, v in state.items() if k.startswith("features.")}
        if not kept:
            raise ValueError("no features")
    except UNLOADABLE as error:
        raise JobError(
            "Download", "it holds no weights of VGG-19", _ANOTHER_WAY.capitalize()
        ) from error
    with file.open("wb") as out:
        torch.save(kept, out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
