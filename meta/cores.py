"""Cores: work over a processor's cores, a process each.

A task's tensors are small: two threads that share every operation wait for each other more than they
compute, and two that take a task each wait for Python's lock a third of their time. Processes wait
for nothing, but take seconds to start.
"""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from typing import Any, TypeVar

from meta.line import Line, pair
from roa_circuit.errors import WorkerError

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
    """Processes of one thread each. They end with this object, or with this process however it ends."""

    def __init__(self, count: int) -> None:
        self.processes = [_start() for _ in range(count)]
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
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item]
    ) -> list[Result]:
        """function(shared, item) of every item, in their order; whoever is free takes the next.

        function : of a module, which is how a process finds it

        Raises
        ------
        WorkerError : a process was killed. What a function raises is raised here, when all is done.
        """
        self.started(within=None)
        try:
            outcomes = self._outcomes((function, shared), items)
        except (EOFError, OSError):
            raise WorkerError(
                f"a process for one of the cores was killed, most often for want of memory; {_ALONE}"
            ) from None
        for _, error in outcomes:
            if error is not None:
                raise error
        return [result for result, _ in outcomes]

    def _outcomes(self, work: Any, items: Sequence[Any]) -> list[Any]:
        for line in self._lines:
            line.send(work)
        for line in self._lines:
            line.receive()  # or the first item would overwrite the arrays of the work
        left, doing, done, free = deque(enumerate(items)), {}, {}, list(self._lines)
        while free:
            for line in free:
                if left:
                    doing[line], item = left.popleft()
                    line.send((item,))
                else:
                    line.send(())
            free = _with_news(list(doing))
            for line in free:
                done[doing.pop(line)] = line.receive()
        return [done[index] for index in range(len(items))]


def _with_news(lines: list[Line], within: float | None = None) -> list[Line]:
    """Those of some lines, waited for, that have something to say, or are cut."""
    return wait(lines, within) if lines else []  # type: ignore[arg-type, return-value]


def _start() -> tuple[Line, subprocess.Popen[bytes]]:
    ours, its = pair()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "meta._core", *map(str, its.ends)],
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
