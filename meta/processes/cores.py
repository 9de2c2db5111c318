"""Cores: work over a processor's cores, a process each.

A task's tensors are small: two threads that share every operation wait for each other more than they
compute, and two that take a task each wait for Python's lock a third of their time. Processes wait
for nothing, but take seconds to start.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any, TypeVar

from meta.processes.line import Line, pair
from roa_circuit.basics.errors import WorkerError

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

START = 4.0
"""What processes take to start, or nearly [s]: they import torch."""

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # glibc: give nothing back after a task, the next asks for as much again; a sixth of the time
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}

_ALONE = "a training goes on with --resume, and with OMP_NUM_THREADS=1 in this process alone"

POSSIBLE = os.name == "posix"
"""Whether a process can be handed a socket here."""


class Cores:
    """Processes of one thread each. They end with this object, or with this process however it ends.

    module : loaded by each as it starts, of the function that they will compute first
    """

    def __init__(self, count: int, module: str = __name__) -> None:
        self.processes = [_start(module) for _ in range(count)]
        self._lines = [line for line, _ in self.processes]
        self._starting = list(self._lines)
        weakref.finalize(self, _end, self.processes)

    def started(self, *, within: float | None = 0.0) -> bool:
        """Whether all of them have started, or do within so many seconds; None waits until they have."""
        try:
            while self._starting and (begun := _with_news(self._starting, within)):
                for line in begun:
                    line.receive()
                    self._starting.remove(line)
        except (EOFError, OSError):
            raise WorkerError(
                f"a process for one of the cores ended before it began, and said why above; {_ALONE}"
            ) from None
        return not self._starting

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """function(shared, item) for every item, in order; a process that is free takes the next.

        function : of a module, which is how a process finds it
        items : the next is drawn as soon as a process is free for it

        Raises
        ------
        WorkerError : a process was killed. An error of `function` is raised in the turn of its item.
        """
        self.started(within=None)
        work = _Work(self._lines, items)
        try:
            for result, error in work.outcomes(function, shared):
                if error is not None:
                    raise error
                yield result
        finally:
            work.end()


class _Work:
    """Items on their way to the processes and back."""

    def __init__(self, lines: Sequence[Line], items: Iterable[Any]) -> None:
        self.lines, self.items = lines, enumerate(items)
        self.doing: dict[Line, int] = {}

    def outcomes(self, function: Callable[..., Any], shared: Any) -> Iterator[Any]:
        """(result, error) of every item, in order."""
        done, turn = {}, 0
        with _alive():
            self.begin(function, shared)
        while self.doing:
            with _alive():
                for line in _with_news(list(self.doing)):
                    done[self.doing.pop(line)] = line.receive()
                    self.send_next(line)
            while turn in done:
                yield done.pop(turn)
                turn += 1

    def begin(self, function: Callable[..., Any], shared: Any) -> None:
        """Send every process the function and its first item."""
        for line in self.lines:
            line.send((function, shared))
        for line in self.lines:
            line.receive()  # or an item would overwrite the arrays of the work
        for line in self.lines:
            self.send_next(line)

    def send_next(self, line: Line) -> None:
        """Send the next item, if there is one."""
        if (numbered := next(self.items, None)) is not None:
            index, item = numbered
            line.send((item,))
            self.doing[line] = index

    def end(self) -> None:
        """Wait for what is still on its way, so that the processes are ready for other work."""
        with contextlib.suppress(EOFError, OSError):  # said already
            for line in self.doing:
                line.receive()
            for line in self.lines:
                line.send(())


@contextlib.contextmanager
def _alive() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError):
        raise WorkerError(
            f"a process for one of the cores was killed, most often for want of memory; {_ALONE}"
        ) from None


def _with_news(lines: list[Line], within: float | None = None) -> list[Line]:
    """The lines that have a message to receive or were closed, at least one unless time runs out."""
    return wait(lines, within) if lines else []  # type: ignore[arg-type, return-value]


def _start(module: str) -> tuple[Line, subprocess.Popen[bytes]]:
    ours, its = pair()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "meta.processes._core", module, *map(str, its.ends)],
        stdin=subprocess.DEVNULL,
        pass_fds=its.ends,
        env=os.environ | _ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path)},
        process_group=0,  # a Ctrl-C is for us. A session of its own would outweigh what is nice in ours
    )
    its.close()
    return ours, process


def _end(processes: Sequence[tuple[Line, subprocess.Popen[bytes]]]) -> None:
    for line, process in processes:
        line.close()
        process.kill()
        process.wait()
