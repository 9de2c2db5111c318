"""Cores: the tasks of a batch over a processor's threads, each task on one.

The tensors of a task are small: two threads that share every operation wait for each other more than
they compute. Two that take a task each do not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


class Cores:
    """As many threads as torch has when this is made; results come in the order of the tasks."""

    def __init__(self) -> None:
        count = torch.get_num_threads()
        self._pool = _single_threaded(count) if count > 1 else None

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """`work` of every task."""
        return map(work, tasks) if self._pool is None else self._pool.map(work, tasks)


def _single_threaded(count: int) -> ThreadPoolExecutor:
    """Threads whose operations use one core each; the caller's keep theirs.

    Torch counts for every thread by itself, and a new one takes over what was set last when it first
    asks: so all ask here, and the count is set back when they have.
    """
    pool, started = ThreadPoolExecutor(count), threading.Barrier(count + 1)

    def start() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()
        started.wait()

    for _ in range(count):
        pool.submit(start)
    started.wait()
    torch.set_num_threads(count)
    return pool
