"""How bad input is told."""

from __future__ import annotations


class JobError(Exception):
    """Bad input, said in one line: the thing, the cause and the cure.

    Args:
        what: the thing that is wrong, by the name its owner gave it.
        why: the cause, quoting what was got.
        cure: what to do about it.
    """

    def __init__(self, what: str, why: str, cure: str) -> None:
        what, why, cure = (" ".join(text.splitlines()) for text in (what, why, cure))
        super().__init__(f"{what}: {why}. {cure}")
        self.what, self.why, self.cure = what, why, cure
