"""A memory that is full is told as such; other failures are not taken for it."""

import pytest
import torch

from engine.errors import JobError
from engine.run import enough_memory

CPU = torch.device("cpu")


def test_too_large_a_tensor_is_told_with_a_cure() -> None:
    told = r"Device cpu: its memory is full \(.*close other"
    with pytest.raises(JobError, match=told), enough_memory(CPU):
        torch.empty(1 << 56, dtype=torch.uint8)


def test_python_itself_may_run_out() -> None:
    with pytest.raises(JobError, match="its memory is full"), enough_memory(CPU):
        bytearray(1 << 62)


def test_other_failures_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), enough_memory(CPU):
        torch.ones(2, 3) @ torch.ones(2, 3)
