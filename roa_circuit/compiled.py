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

from roa_circuit.crossbar import Crossbar
from roa_circuit.iterative import Cells
from roa_circuit.linear import LinearNetwork, flip, flip_crossbar
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


def pays(crossbar: Crossbar, g: Floats, e: Floats) -> bool:
    """Whether loop drives e (..., rows, columns) are a task for compiled sweeps."""
    if not available() or (g.size < _LEAST_CELLS and e.size < _LEAST_WORK):
        return False
    easy = min(_iterations(crossbar, g)) <= _MANY_ITERATIONS
    return easy or min(crossbar.shape) > _NARROW


def beats_weights(crossbar: Crossbar, g: Floats, reads: int) -> bool:
    """Whether so few linear reads are quicker one by one than all weights."""
    if not available() or min(crossbar.shape) < _LEAST_LINES:
        return False
    return reads * min(_iterations(crossbar, g)) <= _FEW_ITERATIONS


def _iterations(c: Crossbar, g: Floats) -> tuple[float, float]:
    """Expected iterations for a digit in a trillion, and those with the lines exchanged.

    Between a smooth and a rough drop along the columns, S over its preconditioner changes by
    what the word lines' softness and the bit lines' coupling allow.
    """
    s = float(g.max())
    word = s * (0.4 * c.r_word * c.columns**2 + c.r_source * c.columns)
    bit = s * (0.4 * c.r_bit * c.rows**2 + c.r_sense * c.rows)
    return 14 * math.sqrt(1 + word * bit / (1 + bit)), 14 * math.sqrt(1 + word * bit / (1 + word))


def solve_cells(
    network: LinearNetwork, state: Floats, e: Floats, p: Memristor, tolerance: float
) -> Cells | None:
    """As `solver.solve_cells`; None where numpy has to: a steep I-V, or too many iterations."""
    largest = float(e.max(initial=0.0) - e.min(initial=0.0))  # no cell sees more: passivity
    c = polynomials(state, p, largest or 1.0)
    return None if c is None else _cells(network.crossbar, network.conductances, c, e, tolerance)


def read_cells(
    network: LinearNetwork, state: Floats, e: Floats, p: Memristor, tolerance: float
) -> Floats | None:
    """The sensed currents (drives, columns) of `solve_cells` alone, which leaves much unwritten."""
    crossbar, g = network.crossbar, network.conductances
    largest = float(e.max(initial=0.0) - e.min(initial=0.0))
    c = polynomials(state, p, largest or 1.0)
    if c is None or _exchange(crossbar, g):
        return None
    return _run_cells(crossbar, g, c, e, tolerance, None)


def _cells(crossbar: Crossbar, g: Floats, c: Floats, e: Floats, tolerance: float) -> Cells | None:
    if _exchange(crossbar, g):
        turned = _cells(flip_crossbar(crossbar), flip(g), flip(c), flip(e), tolerance)
        return turned and Cells(flip(turned.voltages), flip(turned.currents))
    flat = e.reshape(-1, *crossbar.shape)
    kept = np.empty(flat.shape), np.empty(flat.shape)
    if _run_cells(crossbar, g, c, flat, tolerance, kept) is None:
        return None
    return Cells(kept[0].reshape(e.shape), kept[1].reshape(e.shape))


def _run_cells(
    crossbar: Crossbar,
    g: Floats,
    c: Floats,
    e: Floats,
    tolerance: float,
    kept: tuple[Floats, Floats] | None,
) -> Floats | None:
    """The sensed currents; cell voltages and currents go to `kept`, if that is wanted."""
    from roa_circuit import _kernels

    sensed, c = np.empty((len(e), crossbar.columns)), np.ascontiguousarray(c)
    lines, most = _lines(crossbar), _most(crossbar, g)
    shared = _factors(lines, g)

    def solve(part: slice) -> bool:
        u, y = (kept[0][part], kept[1][part]) if kept else np.empty((2, 1, *crossbar.shape))
        args = (*lines, shared, tolerance, most)
        return bool(_kernels.solve_cells(e[part], c, u, y, sensed[part], *args))

    return sensed if _on_all_cores(solve, e) else None


def solve_linear(crossbar: Crossbar, g: Floats, e: Floats, tolerance: float) -> Floats | None:
    """As `solver.solve_linear`; None if that took too many iterations."""
    if _exchange(crossbar, g):
        turned = solve_linear(flip_crossbar(crossbar), flip(g), flip(e), tolerance)
        return None if turned is None else flip(turned)
    flat = e.reshape(-1, *crossbar.shape)
    y = np.empty(flat.shape)
    alike = not any(g.strides[:-2])
    each = np.empty((0, 1, 1)) if alike else np.broadcast_to(g, e.shape).reshape(flat.shape)
    first = g.reshape(-1, *crossbar.shape)[0]
    found = _run_conductances(crossbar, first, each, flat, tolerance, y)
    return None if found is None else y.reshape(e.shape)


def read_conductances(crossbar: Crossbar, g: Floats, e: Floats, tolerance: float) -> Floats | None:
    """The sensed currents (drives, columns) of conductances (rows, columns) alone."""
    if _exchange(crossbar, g):
        return None
    return _run_conductances(crossbar, g, np.empty((0, 1, 1)), e, tolerance, None)


def _run_conductances(
    crossbar: Crossbar, g: Floats, each: Floats, e: Floats, tolerance: float, kept: Floats | None
) -> Floats | None:
    """As `_run_cells`; `each` drive has conductances of its own, or is empty."""
    from roa_circuit import _kernels

    sensed = np.empty((len(e), crossbar.columns))
    lines, most = _lines(crossbar), _most(crossbar, g)
    shared = _factors(lines, g)

    def solve(part: slice) -> bool:
        own = each[part] if len(each) else each
        y = np.empty((1, *crossbar.shape)) if kept is None else kept[part]
        args = (*lines, shared, tolerance, most)
        return bool(_kernels.solve_conductances(e[part], own, y, sensed[part], *args))

    return sensed if _on_all_cores(solve, e) else None


def _exchange(c: Crossbar, g: Floats) -> bool:
    """Whether the lines had better change roles."""
    as_is, exchanged = _iterations(c, g)
    return exchanged < 0.9 * as_is


def _most(c: Crossbar, g: Floats) -> int:
    return 100 + 4 * int(_iterations(c, g)[0])


def _lines(c: Crossbar) -> tuple[Floats, Floats, Floats, Floats]:
    """Source and word resistances of every row, bit and sense of every column [Ohm]."""
    each = (c.r_source, c.rows), (c.r_word, c.rows), (c.r_bit, c.columns), (c.r_sense, c.columns)
    source, word, bit, sense = (np.full(count, float(ohms)) for ohms, count in each)
    return source, word, bit, sense


def _factors(lines: tuple[Floats, Floats, Floats, Floats], g: Floats) -> Floats:
    from roa_circuit import _kernels

    factors = np.empty((4, *g.shape))
    factors[0] = g
    _kernels.factor(*lines, factors)
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
