"""Compiled reads of eight drives side by side: word lines and bit lines answer each other in turn.

With cells that carry i(u) at u = V + w - b, w the drops of the word lines, b the voltages of the
bit lines, s slopes near those of i, L and Lb the lines' Laplacians, each round solves

    (Lb + s) b = x,         x = i(u) + s b of the last round,
    (L + s) w = s b - d,    d = x - s w of the last round,

ladders both: word lines row by row on the way down, which eliminates the bit lines too; their
voltages follow on the way up. Where a round leaves much of an error, Chebyshev's recursion takes
some four times less. All sweeps are recursions over impedances, so that any resistance may be 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from roa_circuit.basics.compilation import ENTRY, INNER, watch
from roa_circuit.solver._lanes import LANES, load, spread, store

watch()

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Array(NamedTuple):
    """Lines of resistances [Ohm] and an array of slopes s (rows, columns) [S], ready to be solved.

    source, word, bit, sense : as in `roa_circuit.solver._kernels.Lines`
    up, on : a bit or word node's voltage over that of its neighbour nearer the line's end
    """

    source: Floats
    word: Floats
    bit: Floats
    sense: Floats
    s: Floats
    up: Floats
    on: Floats


@numba.njit(**INNER)
def _down(
    V: Floats, c: Any, a: Array, b: Floats, d: Any, w: Any, older: Any, row: Floats,
    shift: float, pull: float,
) -> None:  # fmt: skip
    """Word lines answer b, and bit lines are eliminated: b becomes the currents towards the end.

    c, d : None where cells are their slopes
    w, older : None without acceleration; `older` becomes the newest
    """
    rows, columns = a.s.shape
    for k in range(rows):
        volts, sk, on, bk = load(V, k), a.s[k], a.on[k], b[k]
        flow, share = spread(0.0), 0.0
        for j in range(columns - 1, -1, -1):
            if d is None:
                flow = flow * share + sk[j] * (load(bk, j) - volts)
            else:
                flow = flow * share + (sk[j] * load(bk, j) - load(d[k], j))
            store(row, j, flow)
            share = on[j]
        drop, segment = a.source[k] * flow, a.word[k]
        above, passed, weight = b[max(k - 1, 0)], a.up[max(k - 1, 0)], min(k, 1)
        for j in range(columns):
            drop = drop * on[j] + (segment * on[j]) * load(row, j)
            new = drop
            if w is not None:
                last, before = load(w[k], j), load(older[k], j)
                new = before + pull * (shift * (drop - last) + (last - before))
                store(older[k], j, new)
            if c is None:
                x = sk[j] * (volts + new)
            else:
                here, of_cell = load(bk, j), c[k, j]
                u = volts + (new - here)
                i = spread(of_cell[-1])
                for n in range(len(of_cell) - 2, -1, -1):
                    i = i * u + of_cell[n]
                x = i * u + sk[j] * here
                store(d[k], j, x - sk[j] * new)
            store(bk, j, x + (weight * passed[j]) * load(above, j))


@numba.njit(**INNER)
def _up(a: Array, b: Floats) -> None:
    """The currents that `_down` left become the bit lines' voltages."""
    rows, columns = a.s.shape
    last = rows - 1
    for j in range(columns):
        store(b[last], j, load(b[last], j) * ((a.bit[j] + a.sense[j]) * a.up[last, j]))
    for k in range(last - 1, -1, -1):
        bk, below, up = b[k], b[k + 1], a.up[k]
        for j in range(columns):
            store(bk, j, load(below, j) * up[j] + load(bk, j) * (up[j] * a.bit[j]))


@numba.njit(**INNER)
def _settle(
    V: Floats, c: Any, a: Array, b: Floats, d: Any, w: Any, older: Any, row: Floats, sensed: Floats,
    bound: float, rate: float, tolerance: float, most: int,
) -> bool:  # fmt: skip
    """The sensed currents (columns, lanes) of drives V (rows, lanes); whether `most` rounds sufficed."""
    rows, columns = a.s.shape
    b[:] = 0.0
    if d is not None:
        for k in range(rows):
            for j in range(columns):
                store(d[k], j, a.s[k, j] * load(V, k))
    if w is not None:
        w[:] = 0.0
        older[:] = 0.0
    sensed[:] = 0.0
    shift, pull, spectrum = 1.0, 1.0, bound / (2.0 - bound)
    last = np.zeros(LANES)
    newest, oldest = w, older
    for n in range(most):
        _down(V, c, a, b, d, newest, oldest, row, shift, pull)
        if _settled(b[rows - 1], a.up[rows - 1], sensed, last, rate, tolerance):
            return True
        _up(a, b)
        newest, oldest = oldest, newest
        if n > 0:
            pull = 1.0 / (1.0 - spectrum * spectrum * pull * (0.5 if n == 1 else 0.25))
        shift = 2.0 / (2.0 - bound)
    return False


@numba.njit(**INNER)
def _settled(
    flow: Floats, share: Floats, sensed: Floats, last: Floats, rate: float, tolerance: float
) -> bool:
    """Whether all that is still to come of the currents, now in `sensed`, is within the tolerance.

    last : (lanes,) what the largest change was to be expected to be; a smaller one is luck
    """
    done = True
    for lane in range(LANES):
        change = largest = 0.0
        for j in range(len(share)):
            now = flow[j, lane] * share[j]
            change = max(change, abs(now - sensed[j, lane]))
            largest = max(largest, abs(now))
            sensed[j, lane] = now
        last[lane] = max(change, rate * last[lane])
        done = done and last[lane] * rate <= tolerance * largest * (1.0 - rate)
    return done


_CUBE = numba.float64[:, :, ::1]
_SQUARE = numba.float64[:, ::1]
_LINES = (numba.float64[::1],) * 4


@numba.njit(numba.types.UniTuple(numba.float64, 2)(*_LINES, numba.float64[::1], _CUBE), **ENTRY)
def factor(
    source: Floats, word: Floats, bit: Floats, sense: Floats, far: Floats, f: Floats
) -> tuple[float, float]:
    """Factors (3, rows, columns) of the slopes in f[0]: s, up and on of `Array`.

    Returns the contractions of word and bit lines: the largest answer to a line of volts.
    far : (rows,) [S] what ends the word lines behind their last cells
    """
    s, up, on = f
    rows, columns = s.shape
    onward, share = np.zeros(columns), np.ones(columns)
    for k in range(rows):
        for j in range(columns):
            r = bit[j] + (sense[j] if k == rows - 1 else 0.0)
            onward[j] += s[k, j]
            up[k, j] = 1.0 / (1.0 + r * onward[j])
            onward[j] *= up[k, j]
            share[j] *= up[k, j]
    of_bits, of_words = 1.0 - share.min(), 0.0
    row = np.empty(columns)
    for k in range(rows):
        ahead, flow, drop = far[k], 0.0, 0.0
        for j in range(columns - 1, -1, -1):
            ahead += s[k, j]
            flow += s[k, j]
            row[j] = flow
            on[k, j] = 1.0 / (1.0 + (word[k] + (source[k] if j == 0 else 0.0)) * ahead)
            ahead *= on[k, j]
            flow *= on[k, j]
        for j in range(columns):
            drop = (drop + (word[k] + (source[k] if j == 0 else 0.0)) * row[j]) * on[k, j]
            of_words = max(of_words, drop)
    return of_words, of_bits


_FACTORED = (*_LINES, _CUBE)
_WORK = numba.float64[:, :, :, ::1]


@numba.njit(numba.float64(*_FACTORED, _WORK, _SQUARE, numba.int64), **ENTRY)
def left_by_a_round(
    source: Floats, word: Floats, bit: Floats, sense: Floats, f: Floats, work: Floats, row: Floats,
    rounds: int,
) -> float:  # fmt: skip
    """An upper bound of what a round leaves of an error: some `rounds` of vector iteration.

    A matrix without negative elements shrinks no positive vector by less than its spectral radius
    everywhere (Collatz and Wielandt).
    """
    a = Array(source, word, bit, sense, f[0], f[1], f[2])
    b, newest, oldest = work
    newest[:] = 0.0
    oldest[:] = 0.0
    b[:] = 1.0
    none = np.zeros((len(word), LANES))
    for _ in range(rounds):
        _down(none, None, a, b, None, newest, oldest, row, 1.0, 1.0)
        _up(a, b)
        newest, oldest = oldest, newest
    largest = 0.0
    for k in range(len(word)):
        for j in range(len(bit)):
            if oldest[k, j, 0] > 0.0:
                largest = max(largest, newest[k, j, 0] / oldest[k, j, 0])
    return largest


@numba.njit(
    numba.boolean(_CUBE, _CUBE, *_FACTORED, _CUBE, _WORK, _SQUARE, *(numba.float64,) * 3, numba.int64),
    **ENTRY,
)
def read(
    V: Floats, c: Floats, source: Floats, word: Floats, bit: Floats, sense: Floats, f: Floats,
    sensed: Floats, work: Floats, row: Floats, bound: float, rate: float, tolerance: float, most: int,
) -> bool:  # fmt: skip
    """Sensed currents (blocks, columns, lanes) of drives V (blocks, rows, lanes).

    c : (rows, columns, degree) of cells i = u (c0 + c1 u + ...); degree 0 where they are their slopes
    work, row : (arrays, rows, columns, lanes) and (columns, lanes) to work in
    bound, rate : what is left of an error by a round, plain and as it is done
    """
    a = Array(source, word, bit, sense, f[0], f[1], f[2])
    linear, plain = c.shape[2] == 0, rate >= bound
    for k in range(len(V)):
        how = row, sensed[k], bound, rate, tolerance, most
        if linear and plain:
            done = _settle(V[k], None, a, work[0], None, None, None, *how)
        elif linear:
            done = _settle(V[k], None, a, work[0], None, work[1], work[2], *how)
        elif plain:
            done = _settle(V[k], c, a, work[0], work[1], None, None, *how)
        else:
            done = _settle(V[k], c, a, work[0], work[3], work[1], work[2], *how)
        if not done:
            return False
    return True


@numba.njit(**INNER)
def _between_lines(V: Floats, a: Array, b: Floats, row: Floats) -> None:
    """The bit lines' voltages become those of the cells, as word lines answer them."""
    rows, columns = a.s.shape
    for k in range(rows):
        volts, sk, on, bk = load(V, k), a.s[k], a.on[k], b[k]
        flow, share = spread(0.0), 0.0
        for j in range(columns - 1, -1, -1):
            flow = flow * share + sk[j] * (load(bk, j) - volts)
            store(row, j, flow)
            share = on[j]
        drop, segment = a.source[k] * flow, a.word[k]
        for j in range(columns):
            drop = drop * on[j] + (segment * on[j]) * load(row, j)
            store(bk, j, volts + (drop - load(bk, j)))


@numba.njit(
    numba.boolean(_CUBE, *_FACTORED, _WORK, _WORK, _SQUARE, *(numba.float64,) * 3, numba.int64),
    **ENTRY,
)
def cells(
    V: Floats, source: Floats, word: Floats, bit: Floats, sense: Floats, f: Floats, u: Floats,
    work: Floats, row: Floats, bound: float, rate: float, tolerance: float, most: int,
) -> bool:  # fmt: skip
    """Voltages u (blocks, rows, columns, lanes) of linear cells under drives V (blocks, rows, lanes).

    work, row, bound, rate : as for `read`
    """
    a = Array(source, word, bit, sense, f[0], f[1], f[2])
    sensed = np.empty((len(bit), LANES))
    for k in range(len(V)):
        how = row, sensed, bound, rate, tolerance, most
        if rate >= bound:
            done = _settle(V[k], None, a, u[k], None, None, None, *how)
        else:
            done = _settle(V[k], None, a, u[k], None, work[0], work[1], *how)
        if not done:
            return False
        _up(a, u[k])
        _between_lines(V[k], a, u[k], row)
    return True
