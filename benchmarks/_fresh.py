"""Solver tasks in processes of their own, so that the memory they report is theirs alone."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.solver.read import effective_weights, read_currents

Floats = NDArray[np.float64]

TASKS = ("weights", "linear", "exact")
"""All effective weights, fresh linear reads, reads with Eq. 2 at every cell."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    seconds: float  # of wall clock
    processor: float  # [s] of all threads
    peak: int  # [B] of the whole process, Python and libraries included
    result: Floats


def run(task: str, size: int, reads: int = 1) -> Measured:
    """`task` for a random array of size x size cells of the design point, in a fresh process.

    The best of five where one takes less than a second.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.npy"
        command = [sys.executable, __file__, task, str(size), str(reads), str(answer)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        wall, processor, peak = float(said[0]), float(said[1]), int(said[2])
        return Measured(seconds=wall, processor=processor, peak=peak, result=np.load(answer))


def draw(size: int, reads: int) -> tuple[Floats, Floats]:
    """Random states (size, size) and voltages (reads, size)."""
    rng = np.random.default_rng(size * size)
    return rng.random((size, size)), rng.uniform(0, 0.1, (reads, size))


def _do(task: str, size: int, reads: int) -> Floats:
    state, voltages = draw(size, reads)
    crossbar, device = default_crossbar(size, size), default_device()
    if task == "weights":
        return effective_weights(crossbar, state, device)
    return read_currents(crossbar, state, voltages, device, exact=task == "exact")


def _main(task: str, size: str, reads: str, answer: str) -> None:
    _do(task, 64, 8)  # what is compiled or loaded on first use
    taken = []
    while not taken or (len(taken) < 5 and taken[0][0] < 1.0):
        wall, processor = time.perf_counter(), time.process_time()
        result = _do(task, int(size), int(reads))
        taken.append((time.perf_counter() - wall, time.process_time() - processor))
    np.save(answer, result)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)  # getrusage would count the parent's pages, too
    print(*map(min, zip(*taken, strict=True)), int(peak[1]) * 1024 if peak else 0)


if __name__ == "__main__":
    _main(*sys.argv[1:])
