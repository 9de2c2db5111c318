"""A pool computes tasks one by one: in this process at first, on all cores once that pays."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Self

import torch

from meta.processes.cores import POSSIBLE, START, Cores, Item, Result, Shared

MOST = 16
"""The most processes, of 400 MB each: more than a batch has tasks, they would mostly wait."""


class Pool:
    """Computes items in order, with the same results to the last bit on any number of cores.

    Every item is computed on one thread. The pool starts a process for each of torch's threads, but no
    more than `MOST`, as soon as the remaining work is seen to take longer than that start. Until then
    it computes items in this process. The processes end with the pool.
    """

    def __init__(self) -> None:
        self.cores: Cores | None = None
        self._count = min(torch.get_num_threads(), MOST) if POSSIBLE else 1
        self._computed = 0

    def __enter__(self) -> Self:
        """Keep the pool, and its processes, until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it; the processes end when nobody else holds the pool."""

    def on_cores(self) -> bool:
        """Whether the processes have started and compute the next items."""
        return self.cores is not None and self.cores.started()

    def map(
        self,
        function: Callable[[Shared, Item], Result],
        shared: Shared,
        items: Iterable[Item],
        *,
        to_come: int,
    ) -> Iterator[Result]:
        """function(shared, item) of every item, in their order.

        function : of a module, which is how a process finds it
        items : the next is drawn as soon as somebody is free for it
        to_come : how many items this call has, and calls of the same kind that will follow it

        Raises
        ------
        WorkerError : a process was killed.
        """
        left = iter(items)
        if not self.on_cores():
            for item in left:
                to_come -= 1
                yield self._here(function, shared, item, to_come)
                if self.on_cores():
                    break
        if self.cores and self.on_cores():
            yield from self.cores.map(function, shared, left)

    def _here(
        self, function: Callable[[Shared, Item], Result], shared: Shared, item: Item, to_come: int
    ) -> Result:
        begun = time.perf_counter()
        with one_thread():
            result = function(shared, item)
        self._computed += 1
        left = (time.perf_counter() - begun) * to_come
        if self._count > 1 and self._computed > 1 and left > 2 * START:  # the first also loads kernels
            self.cores = self.cores or Cores(self._count, function.__module__)
        return result


_held = threading.local()


def pool() -> Pool:
    """The pool that this thread holds already, or a new one.

    Hold it with `with pool():` around work of several kinds, so that its processes start only once.
    """
    found: Pool | None = getattr(_held, "pool", lambda: None)()
    if found is None:
        found = Pool()
        _held.pool = weakref.ref(found)
    return found


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread, as in the other processes: with more, torch sums in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
