"""The compiled solver: line sweeps in machine code, on every core.

numba translates the sweeps of `_kernels` on first use and keeps the result on disk. Without
numba, or where it would not pay, `solver` uses numpy instead; both agree to 1e-10.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics import compilation
from roa_circuit.basics.cores import on_all_cores
from roa_circuit.circuit.lines import Lines
from roa_circuit.device.laws.law import Law
from roa_circuit.device.polynomials import polynomials
from roa_circuit.solver import batches
from roa_circuit.solver.iterative import Cells
from roa_circuit.solver.linear import LinearNetwork

Floats = NDArray[np.float64]

_LEAST_WORK = 64  # cells times drives: numpy needs a millisecond, loading compiled code a second
_SMALL = 1024  # cells: up to here numpy is at hand should the last digits not come
_OF_CURRENTS = 0.01  # of what a small array's loops may lack: lines make more of what currents lack
_MANY_ROUNDS = 200  # of reads; beyond, conjugate gradients need fewer
_FEW_ROUNDS = 2000  # of all linear reads together, what all weights cost
_ALIKE = 1e-3  # from here up to the largest, reads know all weights well
_MANY_ITERATIONS = 60  # from here the direct solver wins on arrays of up to ...
_NARROW = 128  # ... so many lines in the shorter direction


def pays(lines: Lines, g: Floats, e: Floats) -> bool:
    """Whether compiled sweeps are the quicker way to solve loop drives e (..., rows, columns)."""
    if not _worth_loading(e.size):
        return False
    easy = min(_iterations(lines, g)) <= _MANY_ITERATIONS
    return easy or min(lines.shape) > _NARROW


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
    network: LinearNetwork, state: Floats, e: Floats, p: Law, tolerance: float
) -> Cells | None:
    """As `solver.solve_cells`; None where the I-V is too steep, or iterations too many: numpy has to."""
    from roa_circuit.solver import _kernels

    largest = float(e.max(initial=0.0) - e.min(initial=0.0))  # no cell sees more: passivity
    c = polynomials(state, p, largest or 1.0)
    if c is None:
        return None
    lines = _as_solved(network.lines, network.conductances)
    g, c = lines.turn(network.conductances), np.ascontiguousarray(lines.turn(c))
    flat = lines.turn(e).reshape(-1, *lines.shape)
    u, y = np.empty((2, *flat.shape))
    how = *_prepared(lines, g), _aim(lines, tolerance), _most(lines, g)

    def solve(part: slice) -> bool:
        return bool(_kernels.solve_cells(flat[part], c, u[part], y[part], *how))

    if not on_all_cores(solve, len(flat), flat.size):
        return None
    shape = (*e.shape[:-2], *lines.shape)
    return Cells(lines.back(u.reshape(shape)), lines.back(y.reshape(shape)))


def read_cells(
    network: LinearNetwork,
    state: Floats,
    voltages: Floats,
    p: Law,
    tolerance: float,
    coming: int = 1,
) -> Floats | None:
    """Sensed currents (reads, columns) [A] of word-line voltages (reads, rows) [V].

    coming : how many tasks like this one will follow, which share the cost of loading numba

    None as for `solve_cells`.
    """
    lines = network.lines
    if not _worth_loading(coming * len(voltages) * state.size):
        return None
    lowest, highest = float(voltages.min(initial=0.0)), float(voltages.max(initial=0.0))
    c = polynomials(state, p, (highest - lowest) or 1.0)
    if c is None:
        return None
    batch = batches.of_cells(_ohms(lines), lines.turn(c), lowest, highest)
    return _read(batch, lines, voltages, tolerance, _MANY_ROUNDS)


def read_conductances(lines: Lines, g: Floats, voltages: Floats, tolerance: float) -> Floats | None:
    """As `read_cells`, of conductances (rows, columns) [S]; None where elimination is quicker."""
    if len(voltages) > _with_fewest_drives(lines).shape[0]:
        weights = effective_weights(lines, g, tolerance)
        return None if weights is None else np.asarray(voltages @ weights)
    if not _worth_loading(len(voltages) * g.size):
        return None
    batch = batches.of_conductances(_ohms(lines), lines.turn(g))
    return _read(batch, lines, voltages, tolerance, _FEW_ROUNDS / max(1, len(voltages)))


def effective_weights(lines: Lines, g: Floats, tolerance: float) -> Floats | None:
    """W (rows, columns) [S] from one read for each line; None where elimination is quicker, or better.

    A read is accurate to a fraction of its largest current. Elimination adds positive terms only, which
    keeps the relative accuracy of every weight.
    """
    lines = _with_fewest_drives(lines)
    reads = lines.shape[0]
    if not _worth_loading(reads * g.size) or reads > _FEW_ROUNDS:
        return None
    batch = batches.of_conductances(_ohms(lines), lines.turn(g))
    if reads * batch.rounds(tolerance) > _FEW_ROUNDS:
        return None
    weights = batch.read(np.eye(reads), tolerance)
    if weights is None or weights.min() < _ALIKE * weights.max():
        return None
    return lines.back(weights)


def cells_of_lines(lines: Lines, g: Floats, e: Floats, tolerance: float) -> Floats | None:
    """Cell voltages (drives, rows, columns) under drives e of the same shape, one for each word line.

    lines : exchanged where bit lines are driven; None as for `read_conductances`
    """
    if lines.far.any() or not _worth_loading(e.size):
        return None
    batch = batches.of_conductances(_ohms(lines), lines.turn(g))
    if batch.rounds(tolerance) > _MANY_ROUNDS:
        return None
    u = batch.cells(lines.turn(e)[..., 0], tolerance)
    return None if u is None else lines.back(u)


def _with_fewest_drives(lines: Lines) -> Lines:
    """Exchange word and bit lines where that takes fewer drives; lines driven at one end allow it."""
    rows, columns = lines.shape
    return lines.exchange() if columns < rows and not lines.far.any() else lines


def _worth_loading(work: int) -> bool:
    """Whether cells times drives are worth the time that numba takes to load."""
    return compilation.available() and work >= _LEAST_WORK


def _read(
    batch: batches.Batch, lines: Lines, voltages: Floats, tolerance: float, rounds: float
) -> Floats | None:
    if batch.rounds(tolerance) > rounds:
        return None
    sensed = batch.read(voltages[:, :: lines.steps[0]], tolerance)
    return None if sensed is None else sensed[:, :: lines.steps[1]]


def solve_linear(lines: Lines, g: Floats, e: Floats, tolerance: float) -> Floats | None:
    """As `solver.solve_linear`; None if that took too many iterations."""
    from roa_circuit.solver import _kernels

    lines, alike = _as_solved(lines, g), not any(g.strides[:-2])
    flat, own = lines.turn(e).reshape(-1, *lines.shape), lines.turn(g)
    each = np.empty((0, 1, 1)) if alike else np.broadcast_to(own, lines.turn(e).shape)
    each, first = each.reshape(-1, *each.shape[-2:]), own.reshape(-1, *lines.shape)[0]
    y = np.empty(flat.shape)
    how = *_prepared(lines, first), _aim(lines, tolerance), _most(lines, first)

    def solve(part: slice) -> bool:
        return bool(_kernels.solve_conductances(flat[part], each[part], y[part], *how))

    if not on_all_cores(solve, len(flat), flat.size):
        return None
    return lines.back(y.reshape(*e.shape[:-2], *lines.shape))


def _as_solved(lines: Lines, g: Floats) -> Lines:
    """The lines as they are solved: exchanged where that is quicker and word lines have one driver."""
    as_is, exchanged = _iterations(lines, g)
    return lines.exchange() if exchanged < 0.9 * as_is and not lines.far.any() else lines


def _most(lines: Lines, g: Floats) -> int:
    return 100 + 4 * int(_iterations(lines, g)[0])


def _aim(lines: Lines, tolerance: float) -> float:
    """The tolerance of currents that brings the loops' voltages within `tolerance`."""
    return tolerance * (_OF_CURRENTS if math.prod(lines.shape) <= _SMALL else 1.0)


def _ohms(lines: Lines) -> batches.Ohms:
    """The lines as the kernels take them."""
    source, word, bit, sense = map(np.array, (lines.source, lines.word, lines.bit, lines.sense))
    return source, word, bit, sense, np.array(lines.far)


def _prepared(lines: Lines, g: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """(the lines as `_ohms` has them, the cells as the kernels factor them)."""
    from roa_circuit.solver import _kernels

    factors, ohms = np.empty((4, *g.shape)), _ohms(lines)
    factors[0] = g
    _kernels.factor(*ohms, factors)
    return *ohms, factors
