"""Tasks one by one: in this process at first, on every core once that is seen to pay."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Self

import torch

from meta.cores import POSSIBLE, START, Cores, Item, Result, Shared


class Pool:
    """Computes items, the same to the last bit on any number of cores: a whole item on one thread.

    As many processes as torch has threads when this is made. They start when what is to come is seen
    to take longer than that, and end with this object; until then, items are computed here.
    """

    def __init__(self) -> None:
        self.cores: Cores | None = None
        self._count = torch.get_num_threads() if POSSIBLE else 1
        self._computed = 0

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Its processes end with the last who holds it."""

    def on_cores(self) -> bool:
        """Whether the next item is computed by one of the processes."""
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
        items : each is asked for when somebody is free for it
        to_come : how many items there are, in this call and in those like it that will follow

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
        with _one_thread():
            result = function(shared, item)
        self._computed += 1
        left = (time.perf_counter() - begun) * to_come
        if self._count > 1 and self._computed > 1 and left > 2 * START:  # the first also loads kernels
            self.cores = self.cores or Cores(self._count)
        return result


_held = threading.local()


def pool() -> Pool:
    """The pool that somebody in this thread holds, so that processes start once; else a new one.

    Hold it for as long as there is work of any kind: `with pool():`.
    """
    found: Pool | None = getattr(_held, "pool", lambda: None)()
    if found is None:
        found = Pool()
        _held.pool = weakref.ref(found)
    return found


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """As in the other processes: torch sums in another order with more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
