"""The compiled solver: line sweeps in machine code, on every core.

numba translates the sweeps of `_kernels` on first use and keeps the result on disk. Without
numba, or where it would not pay, `solver` takes the numpy one; both agree to 1e-10.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from roa_circuit.iterative import Cells
from roa_circuit.linear import LinearNetwork
from roa_circuit.lines import Lines
from roa_circuit.parameters import Memristor
from roa_circuit.polynomials import polynomials

Floats = NDArray[np.float64]

_LEAST_CELLS = 1024  # of an array: below, numpy keeps its inverse
_LEAST_WORK = 32_768  # cells times drives
_WORK_OF_A_THREAD = 16_384
_LEAST_LINES = 40  # in the shorter direction: narrower arrays are quickly eliminated
_FEW_ITERATIONS = 500  # of all reads together, what the weights of a wide array cost
_MANY_ITERATIONS = 60  # from here the direct solver wins on arrays of up to ...
_NARROW = 128  # ... so many lines in the shorter direction


@functools.cache
def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def pays(lines: Lines, g: Floats, e: Floats, coming: int = 1) -> bool:
    """Whether loop drives e (..., rows, columns) are a task for compiled sweeps.

    coming : how many tasks like this one there will be
    """
    if not available() or (g.size < _LEAST_CELLS and coming * e.size < _LEAST_WORK):
        return False
    easy = min(_iterations(lines, g)) <= _MANY_ITERATIONS
    return easy or min(lines.shape) > _NARROW


def beats_weights(lines: Lines, g: Floats, reads: int) -> bool:
    """Whether so few linear reads are quicker one by one than all weights."""
    if not available() or min(lines.shape) < _LEAST_LINES:
        return False
    return reads * min(_iterations(lines, g)) <= _FEW_ITERATIONS


def _iterations(lines: Lines, g: Floats) -> tuple[float, float]:
    """Expected iterations for a digit in a trillion, and those with the lines exchanged.

    Between a smooth and a rough drop along the columns, S over its preconditioner changes by
    what the word lines' softness and the bit lines' coupling allow.
    """
    s, (rows, columns) = float(g.max()), lines.shape
    if lines.far.any():
        columns = (columns + 1) // 2  # of either driver
    word = s * (0.4 * float(lines.word.max()) * columns**2 + float(lines.source.max()) * columns)
    bit = s * (0.4 * float(lines.bit.max()) * rows**2 + float(lines.sense.max()) * rows)
    return 14 * math.sqrt(1 + word * bit / (1 + bit)), 14 * math.sqrt(1 + word * bit / (1 + word))


def solve_cells(
    network: LinearNetwork, state: Floats, e: Floats, p: Memristor, tolerance: float
) -> Cells | None:
    """As `solver.solve_cells`; None where numpy has to: a steep I-V, or too many iterations."""
    c = _polynomials(state, e, p)
    if c is None:
        return None
    lines = _as_solved(network.lines, network.conductances)
    g, c, flat = lines.turn(network.conductances), lines.turn(c), lines.turn(e)
    flat = flat.reshape(-1, *lines.shape)
    kept = np.empty(flat.shape), np.empty(flat.shape)
    if _run_cells(lines, g, c, flat, tolerance, kept) is None:
        return None
    shape = (*e.shape[:-2], *lines.shape)
    voltages, currents = (lines.back(of_cells.reshape(shape)) for of_cells in kept)
    return Cells(voltages, currents)


def read_cells(
    network: LinearNetwork, state: Floats, e: Floats, p: Memristor, tolerance: float
) -> Floats | None:
    """The sensed currents (drives, columns) of `solve_cells` alone, which leaves much unwritten."""
    c, lines = _polynomials(state, e, p), _as_solved(network.lines, network.conductances)
    if c is None or lines.exchanged:
        return None
    g = lines.turn(network.conductances)
    sensed = _run_cells(lines, g, lines.turn(c), lines.turn(e), tolerance, None)
    return None if sensed is None else sensed[:, :: lines.steps[1]]


def _polynomials(state: Floats, e: Floats, p: Memristor) -> Floats | None:
    largest = float(e.max(initial=0.0) - e.min(initial=0.0))  # no cell sees more: passivity
    return polynomials(state, p, largest or 1.0)


def _run_cells(
    lines: Lines,
    g: Floats,
    c: Floats,
    e: Floats,
    tolerance: float,
    kept: tuple[Floats, Floats] | None,
) -> Floats | None:
    """The sensed currents; cell voltages and currents go to `kept`, if that is wanted."""
    from roa_circuit import _kernels

    sensed, c = np.empty((len(e), lines.shape[1])), np.ascontiguousarray(c)
    ohms, most = _ohms(lines), _most(lines, g)
    shared = _factors(ohms, g)

    def solve(part: slice) -> bool:
        u, y = (kept[0][part], kept[1][part]) if kept else np.empty((2, 1, *lines.shape))
        args = (*ohms, shared, tolerance, most)
        return bool(_kernels.solve_cells(e[part], c, u, y, sensed[part], *args))

    return sensed if _on_all_cores(solve, e) else None


def solve_linear(lines: Lines, g: Floats, e: Floats, tolerance: float) -> Floats | None:
    """As `solver.solve_linear`; None if that took too many iterations."""
    lines, alike = _as_solved(lines, g), not any(g.strides[:-2])
    flat = lines.turn(e).reshape(-1, *lines.shape)
    y = np.empty(flat.shape)
    own = lines.turn(g)
    each = np.empty((0, 1, 1)) if alike else np.broadcast_to(own, lines.turn(e).shape)
    first = own.reshape(-1, *lines.shape)[0]
    each = each.reshape(-1, *each.shape[-2:])
    found = _run_conductances(lines, first, each, flat, tolerance, y)
    return None if found is None else lines.back(y.reshape(*e.shape[:-2], *lines.shape))


def read_conductances(lines: Lines, g: Floats, e: Floats, tolerance: float) -> Floats | None:
    """The sensed currents (drives, columns) of conductances (rows, columns) alone."""
    lines = _as_solved(lines, g)
    if lines.exchanged:
        return None
    none = np.empty((0, 1, 1))
    sensed = _run_conductances(lines, lines.turn(g), none, lines.turn(e), tolerance, None)
    return None if sensed is None else sensed[:, :: lines.steps[1]]


def _run_conductances(
    lines: Lines, g: Floats, each: Floats, e: Floats, tolerance: float, kept: Floats | None
) -> Floats | None:
    """As `_run_cells`; `each` drive has conductances of its own, or is empty."""
    from roa_circuit import _kernels

    sensed = np.empty((len(e), lines.shape[1]))
    ohms, most = _ohms(lines), _most(lines, g)
    shared = _factors(ohms, g)

    def solve(part: slice) -> bool:
        own = each[part] if len(each) else each
        y = np.empty((1, *lines.shape)) if kept is None else kept[part]
        args = (*ohms, shared, tolerance, most)
        return bool(_kernels.solve_conductances(e[part], own, y, sensed[part], *args))

    return sensed if _on_all_cores(solve, e) else None


def _as_solved(lines: Lines, g: Floats) -> Lines:
    """The lines, in exchanged roles where that is quicker; a second driver stays on word lines."""
    as_is, exchanged = _iterations(lines, g)
    return lines.exchange() if exchanged < 0.9 * as_is and not lines.far.any() else lines


def _most(lines: Lines, g: Floats) -> int:
    return 100 + 4 * int(_iterations(lines, g)[0])


def _ohms(lines: Lines) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """What the kernels know of the lines."""
    source, word, bit, sense = map(np.array, (lines.source, lines.word, lines.bit, lines.sense))
    return source, word, bit, sense, np.array(lines.far)


def _factors(ohms: tuple[Floats, Floats, Floats, Floats, Floats], g: Floats) -> Floats:
    from roa_circuit import _kernels

    factors = np.empty((4, *g.shape))
    factors[0] = g
    _kernels.factor(*ohms, factors)
    return factors


def _on_all_cores(solve: Callable[[slice], bool], drives: Floats) -> bool:
    """Solve all drives, shared out over threads where there is work for several."""
    count = len(drives)
    threads = min(_cores(), count, max(1, drives.size // _WORK_OF_A_THREAD))
    if threads == 1:
        return solve(slice(0, count))
    bounds = np.linspace(0, count, threads + 1).astype(int)
    parts = [slice(a, b) for a, b in itertools.pairwise(bounds)]
    return all(_pool().map(solve, parts))


@functools.cache
def _pool() -> ThreadPoolExecutor:
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
    return ThreadPoolExecutor(_cores(), thread_name_prefix="roa-solver")


@functools.cache
def _cores() -> int:
    import numba

    return int(numba.get_num_threads())
