"""A team of processes that torchrun has started, on one machine or several."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Thread
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from .errors import JobError
from .messages import Send, error_message
from .team import Team

PATIENCE = timedelta(minutes=5)  # how long one process waits for another before it takes it as lost
REASON = "why a process has left"


class Workers(Team):
    """This process among others; all must call the same methods in the same order.

    A method whose others do not answer raises a JobError, with the reason that one of them left.

    Args:
        rank: of this process, as torchrun tells it; so is size.
        size: processes in all.
        send: takes the message with which the first process ends when it is told to: torchrun
            ends all when one is lost.

    Raises:
        JobError: if the others do not come.
    """

    def __init__(self, rank: int, size: int, send: Send) -> None:
        self.rank, self.size = rank, size
        self._store: Any = None
        if rank == 0 and hasattr(signal, "sigwait"):
            Thread(target=self._wait_for_the_end, args=(send,), daemon=True).start()
        gpus = torch.cuda.is_available() and dist.is_nccl_available()
        with self._others():
            store, *_ = next(rendezvous("env://", timeout=PATIENCE))
            store.set_timeout(PATIENCE)
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if gpus else "gloo",
                store=store,
                rank=rank,
                world_size=size,
                timeout=PATIENCE,
            )
        self._store = store

    def device(self, kind: torch.device) -> torch.device:
        """The GPU whose number is that of this process on its machine, or the CPU."""
        if kind.type == "cpu":
            return kind
        there = torch.cuda.device_count() if kind.type == "cuda" else 0
        number = int(os.environ["LOCAL_RANK"])
        if number >= there:
            raise JobError(
                f"Device {kind.type.upper()}",
                f"{os.environ['LOCAL_WORLD_SIZE']} processes want one each on this machine,"
                f" and several processes can use {there} of them here",
                "Start as many with --nproc-per-node as there are GPUs, or choose device CPU",
            )
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
        return device

    def sum_(self, tensors: Iterable[Tensor]) -> None:
        """As `Team.sum_`; all at once, for one message is faster than many."""
        parts = list(tensors)
        flat = torch.cat([part.flatten() for part in parts])
        with self._others():
            dist.all_reduce(flat)
        for part, total in zip(parts, flat.split([p.numel() for p in parts]), strict=True):
            part.copy_(total.view_as(part))

    def most(self, numbers: Sequence[int]) -> Sequence[int]:
        """As `Team.most`."""
        largest = torch.tensor(numbers)
        with self._others():
            dist.all_reduce(largest, dist.ReduceOp.MAX)
        return largest.tolist()

    def first(self, told: bytes) -> bytes:
        """As `Team.first`."""
        length = torch.tensor(len(told))
        with self._others():
            dist.broadcast(length, 0)
            text = torch.empty(int(length), dtype=torch.uint8)
            if self.rank == 0:
                text = torch.frombuffer(bytearray(told), dtype=torch.uint8)
            dist.broadcast(text, 0)
        return text.numpy().tobytes()

    def part(self) -> None:
        """As `Team.part`."""
        dist.destroy_process_group()

    def leave(self, error: JobError) -> None:
        """As `Team.leave`; what the others raise then is `error`."""
        with suppress(RuntimeError):
            if self._store is not None:
                self._store.set(REASON, json.dumps([error.what, error.why, error.cure]))

    @contextmanager
    def _others(self) -> Iterator[None]:
        """Tell as a JobError that one of the others is gone, or does not answer in time."""
        try:
            yield
        except RuntimeError as error:  # what torch.distributed raises, whatever is behind it
            raise self._lost((str(error).splitlines() or ["no answer"])[0]) from error

    def _lost(self, seen: str) -> JobError:
        with suppress(RuntimeError):
            if self._store is not None and self._store.check([REASON]):
                return JobError(*json.loads(self._store.get(REASON)))
        return JobError(
            f"Team of {self.size} processes",
            f"one of them was lost ({seen})",
            "See on stderr what became of it, and start all again: they go on from the last"
            " checkpoint",
        )

    def _wait_for_the_end(self, send: Send) -> None:
        """Whatever the other threads wait for: a GPU may wait for ever for one that is lost."""
        signal.sigwait({signal.SIGTERM})
        send(error_message(self._lost("torchrun ended the others, or was ended itself")))
        os._exit(1)
