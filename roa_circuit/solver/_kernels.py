"""Compiled line sweeps: conjugate gradients on the word lines' drops, one drive pattern at a time.

A bit line is a ladder: two sweeps solve for its voltages, whatever flows into it. What remains
for the drops w of the word lines is

    S w = -(cell currents at w = 0),      S = L + s - s (Lb + s)^-1 s,

with L and Lb the Laplacians of word and bit lines and s the slopes of the cells: symmetric,
positive definite, and preconditioned by the word-line ladders alone, the columns' coupling
lumped on the diagonal. All sweeps are recursions over impedances, so that any resistance may be
0; L w is carried along and never formed. Around it, Newton with slopes that are refreshed only
when the last ones gain too little.

Loops run over rows with few arrays each: that is what the compiler turns into vector code. All is one
file because numba's cache watches an entry's own file alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from roa_circuit.basics.compilation import ENTRY, INNER, watch

watch()

Floats = np.ndarray[Any, np.dtype[np.float64]]

NEWTON_STEPS = 60


class Lines(NamedTuple):
    """As `circuit.lines.Lines`: of every row source, word and far, of every column bit and sense."""

    source: Floats
    word: Floats
    bit: Floats
    sense: Floats
    far: Floats


class Factors(NamedTuple):
    """An array of slopes s (rows, columns) [S], ready to be solved.

    bit, word : a node's voltage over that of its neighbour nearer the line's end
    load : [S] the columns' coupling, lumped: what a word line feels if all move alike
    """

    s: Floats
    bit: Floats
    load: Floats
    word: Floats


@numba.njit(**INNER)
def _factor(lines: Lines, f: Factors) -> None:
    """Fill f.bit, f.load and f.word from f.s."""
    rows, columns = f.s.shape
    onward = np.zeros(columns)
    for k in range(rows):
        s, q = f.s[k], f.bit[k]
        for j in range(columns):
            r = lines.bit[j] + (lines.sense[j] if k == rows - 1 else 0.0)
            onward[j] += s[j]
            q[j] = 1.0 / (1.0 + r * onward[j])
            onward[j] *= q[j]
    share = np.ones(columns)  # of a voltage at the sense end
    for k in range(rows - 1, -1, -1):
        s, q, load = f.s[k], f.bit[k], f.load[k]
        for j in range(columns):
            share[j] *= q[j]
            load[j] = s[j] * share[j]
    ahead = lines.far.copy()
    for j in range(columns - 1, -1, -1):
        for k in range(rows):
            r = lines.word[k] + (lines.source[k] if j == 0 else 0.0)
            ahead[k] += f.load[k, j]
            q0 = 1.0 / (1.0 + r * ahead[k])
            f.word[k, j] = q0
            ahead[k] *= q0


@numba.njit(**INNER)
def _bits(q: Floats, lines: Lines, x: Floats) -> None:
    """Currents x into the bit nodes [A] become their voltages [V], in place."""
    rows, columns = x.shape
    for k in range(1, rows):
        here, above, share = x[k], x[k - 1], q[k - 1]
        for j in range(columns):
            here[j] += above[j] * share[j]
    here, share = x[rows - 1], q[rows - 1]
    for j in range(columns):
        here[j] *= (lines.bit[j] + lines.sense[j]) * share[j]
    segment = lines.bit
    for k in range(rows - 2, -1, -1):
        here, below, share = x[k], x[k + 1], q[k]
        for j in range(columns):
            here[j] = (below[j] + segment[j] * here[j]) * share[j]


@numba.njit(**INNER)
def _words(r: Floats, q: Floats, lines: Lines, z: Floats) -> float:
    """z: voltages [V] of the word nodes for currents r [A] into them; returns r . z [W].

    Four rows at a time hide the latency of the recursion.
    """
    rows, columns = r.shape
    total = 0.0
    full = rows - rows % 4
    for k in range(0, full, 4):
        r0, r1, r2, r3 = r[k], r[k + 1], r[k + 2], r[k + 3]
        q0, q1, q2, q3 = q[k], q[k + 1], q[k + 2], q[k + 3]
        z0, z1, z2, z3 = z[k], z[k + 1], z[k + 2], z[k + 3]
        g0, g1, g2, g3 = lines.word[k], lines.word[k + 1], lines.word[k + 2], lines.word[k + 3]
        a0 = a1 = a2 = a3 = 0.0
        for j in range(columns - 1, -1, -1):
            a0 += r0[j]
            a1 += r1[j]
            a2 += r2[j]
            a3 += r3[j]
            z0[j] = a0
            z1[j] = a1
            z2[j] = a2
            z3[j] = a3
            a0 *= q0[j]
            a1 *= q1[j]
            a2 *= q2[j]
            a3 *= q3[j]
        a0, a1, a2, a3 = (
            lines.source[k] * z0[0],
            lines.source[k + 1] * z1[0],
            lines.source[k + 2] * z2[0],
            lines.source[k + 3] * z3[0],
        )
        t0 = t1 = t2 = t3 = 0.0
        for j in range(columns):
            a0 = (a0 + g0 * z0[j]) * q0[j]
            a1 = (a1 + g1 * z1[j]) * q1[j]
            a2 = (a2 + g2 * z2[j]) * q2[j]
            a3 = (a3 + g3 * z3[j]) * q3[j]
            z0[j] = a0
            z1[j] = a1
            z2[j] = a2
            z3[j] = a3
            t0 += a0 * r0[j]
            t1 += a1 * r1[j]
            t2 += a2 * r2[j]
            t3 += a3 * r3[j]
        total += t0 + t1 + t2 + t3
    for k in range(full, rows):
        a = 0.0
        for j in range(columns - 1, -1, -1):
            a += r[k, j]
            z[k, j] = a
            a *= q[k, j]
        a = lines.source[k] * z[k, 0]
        for j in range(columns):
            a = (a + lines.word[k] * z[k, j]) * q[k, j]
            z[k, j] = a
            total += a * r[k, j]
    return total


@numba.njit(**INNER)
def _turn(
    lines: Lines, f: Factors, r: Floats, z: Floats, beta: float, t: Floats, p: Floats, sp: Floats
) -> float:
    """The next direction p = z + beta p and S p; returns p . S p. L z is r - load z."""
    rows, columns = z.shape
    for k in range(rows):
        tk, sk, zk = t[k], f.s[k], z[k]
        for j in range(columns):
            tk[j] = sk[j] * zk[j]
    _bits(f.bit, lines, t)
    curvature = 0.0
    for k in range(rows):
        tk, sk, zk = t[k], f.s[k], z[k]
        for j in range(columns):
            tk[j] = sk[j] * (zk[j] - tk[j])
        rk, lk = r[k], f.load[k]
        for j in range(columns):
            tk[j] += rk[j] - lk[j] * zk[j]
        pk, spk = p[k], sp[k]
        for j in range(columns):
            spk[j] = tk[j] + beta * spk[j]
        for j in range(columns):
            pk[j] = zk[j] + beta * pk[j]
        for j in range(columns):
            curvature += pk[j] * spk[j]
    return curvature


@numba.njit(**INNER)
def _solve_words(
    lines: Lines, f: Factors, w: Floats, r: Floats, work: Floats, limit: float, most: int
) -> int:
    """Conjugate gradients: w += S^-1 r until the error's power is below `limit` [W]."""
    z, t, p, sp = work
    p[:] = 0.0
    sp[:] = 0.0
    before = np.inf
    for step in range(most):
        rz = _words(r, f.word, lines, z)
        if rz <= limit:
            return step
        alpha = rz / _turn(lines, f, r, z, rz / before, t, p, sp)
        before = rz
        for k in range(len(w)):
            wk, pk, rk, spk = w[k], p[k], r[k], sp[k]
            for j in range(len(wk)):
                wk[j] += alpha * pk[j]
            for j in range(len(wk)):
                rk[j] -= alpha * spk[j]
    return most


@numba.njit(**INNER)
def _currents(u: Floats, c: Floats, i: Floats) -> float:
    """i = u (c0 + c1 u + ...) of every cell; returns the largest |i|."""
    degree = len(c)
    rows, columns = u.shape
    largest = 0.0
    for k in range(rows):
        ik, uk = i[k], u[k]
        ck = c[degree - 1, k]
        for j in range(columns):
            ik[j] = ck[j]
        for d in range(degree - 2, -1, -1):
            ck = c[d, k]
            for j in range(columns):
                ik[j] = ik[j] * uk[j] + ck[j]
        for j in range(columns):
            ik[j] *= uk[j]
            largest = max(largest, abs(ik[j]))
    return largest


@numba.njit(**INNER)
def _slopes(u: Floats, c: Floats, s: Floats) -> None:
    """d i / d u of every cell."""
    rows, columns = u.shape
    for k in range(rows):
        sk, uk = s[k], u[k]
        for j in range(columns):
            sk[j] = 0.0
        for d in range(len(c) - 1, -1, -1):
            ck = c[d, k]
            for j in range(columns):
                sk[j] = sk[j] * uk[j] + (d + 1) * ck[j]


@numba.njit(**INNER)
def _settle(
    e: Floats, w: Floats, f: Factors, norton: Floats, lines: Lines, b: Floats, u: Floats, y: Floats
) -> None:
    """The bit lines' answer b to word lines at e + w, and what the cells s u + norton then carry."""
    rows, columns = e.shape
    for k in range(rows):
        bk, sk, ek, wk = b[k], f.s[k], e[k], w[k]
        for j in range(columns):
            bk[j] = sk[j] * (ek[j] + wk[j])
        nk = norton[k]
        for j in range(columns):
            bk[j] += nk[j]
    _bits(f.bit, lines, b)
    for k in range(rows):
        uk, ek, wk, bk = u[k], e[k], w[k], b[k]
        for j in range(columns):
            uk[j] = ek[j] + wk[j] - bk[j]
        yk, sk, nk = y[k], f.s[k], norton[k]
        for j in range(columns):
            yk[j] = sk[j] * uk[j] + nk[j]


@numba.njit(**INNER)
def _solve_linear(
    e: Floats,
    norton: Floats,
    lines: Lines,
    f: Factors,
    w: Floats,
    r: Floats,
    u: Floats,
    y: Floats,
    work: Floats,
    aim: float,
    most: int,
) -> int:
    """Cells s u + norton behind the lines; w, r and y go on from the last solution.

    The error's power falls below aim^2 of what the drives deliver. Returns the iterations.
    """
    rows, columns = e.shape
    for k in range(rows):
        rk, yk = r[k], y[k]
        for j in range(columns):
            rk[j] += yk[j]  # -L w of the last solution
    _settle(e, w, f, norton, lines, work[0], u, y)
    power = 0.0
    for k in range(rows):
        rk, yk, ek = r[k], y[k], e[k]
        for j in range(columns):
            rk[j] -= yk[j]
            power += abs(ek[j] * yk[j])
    steps = _solve_words(lines, f, w, r, work, aim * aim * power, most)
    _settle(e, w, f, norton, lines, work[0], u, y)
    return steps


@numba.njit(**INNER)
def _answer_of_bits(i: Floats, b: Floats, y: Floats, r: Floats, lines: Lines, f: Factors) -> None:
    """Bit voltages b for cells that carry i at the last ones; y and r = -L w - y follow."""
    for k in range(len(b)):
        rk, yk = r[k], y[k]
        for j in range(len(yk)):
            rk[j] += yk[j]
        ik, bk, sk = i[k], b[k], f.s[k]
        for j in range(len(bk)):
            bk[j] = ik[j] + sk[j] * bk[j]
        for j in range(len(bk)):
            ik[j] = bk[j]
    _bits(f.bit, lines, b)
    for k in range(len(b)):
        ik, bk, sk, yk, rk = i[k], b[k], f.s[k], y[k], r[k]
        for j in range(len(bk)):
            yk[j] = ik[j] - sk[j] * bk[j]
        for j in range(len(bk)):
            rk[j] -= yk[j]


@numba.njit(**INNER)
def _answer_of_words(
    e: Floats, b: Floats, z: Floats, w: Floats, y: Floats, r: Floats, u: Floats, lines: Lines, f: Factors
) -> float:
    """Word drops w for what r says is missing; y, r and u follow. The largest change of s u [A]."""
    _words(r, f.word, lines, z)
    change = 0.0
    for k in range(len(w)):
        zk, rk, lk, sk, yk = z[k], r[k], f.load[k], f.s[k], y[k]
        for j in range(len(zk)):
            rk[j] = (lk[j] - sk[j]) * zk[j]
        for j in range(len(zk)):
            yk[j] += sk[j] * zk[j]
        wk, uk, ek, bk = w[k], u[k], e[k], b[k]
        for j in range(len(zk)):
            wk[j] += zk[j]
        for j in range(len(zk)):
            now = ek[j] + wk[j] - bk[j]
            change = max(change, abs(now - uk[j]) * sk[j])
            uk[j] = now
    return change


@numba.njit(**INNER)
def _relax(
    e: Floats, c: Floats, u: Floats, y: Floats, lines: Lines, f: Factors, work: Floats, tolerance: float
) -> bool:
    """Bit lines, then word lines, each answering the other, while that gains a digit a round.

    Enough where wires are weak beside the cells; else False, and u and y are of no use.
    """
    i, b, w, r, z = work[0], work[1], work[2], work[3], work[4]
    b[:] = 0.0
    w[:] = 0.0
    r[:] = 0.0
    y[:] = 0.0
    u[:] = e
    last, before = 0.0, 1.0
    for _ in range(NEWTON_STEPS):
        largest = _currents(u, c, i)
        _answer_of_bits(i, b, y, r, lines, f)
        change = _answer_of_words(e, b, z, w, y, r, u, lines, f)
        if change > 0.0:
            change /= largest
        gain = change / last if last > 0.0 else 1.0
        # The next round's change; one gain alone may be luck.
        if change * max(gain, before) <= tolerance:
            _currents(u, c, y)
            return True
        if gain > 0.1 and last > 0.0:
            return False
        last, before = change, gain
    return False


@numba.njit(**INNER)
def _newton(
    e: Floats,
    c: Floats,
    u: Floats,
    y: Floats,
    lines: Lines,
    shared: Factors,
    own: Factors,
    work: Floats,
    tolerance: float,
    most: int,
) -> bool:
    """u and y become the cells' voltages and currents; whether they did within `most` iterations.

    Slopes of `shared` serve as long as each step leaves less than a twentieth of the error.
    """
    rows, columns = e.shape
    i, w, r, norton = work[0], work[1], work[2], work[3]
    f, error, last, aim = shared, 1.0, np.inf, 1.0
    w[:] = 0.0
    r[:] = 0.0
    y[:] = 0.0
    u[:] = e
    for newton in range(NEWTON_STEPS):
        largest = _currents(u, c, i)
        if newton > 0:
            error = 0.0
            for k in range(rows):
                ik, yk = i[k], y[k]
                for j in range(columns):
                    error = max(error, abs(ik[j] - yk[j]))
            if error <= tolerance * largest and aim <= tolerance:
                return True
            error /= largest
            if error > 0.05 * last:
                f = own
                _slopes(u, c, f.s)
                _factor(lines, f)
            last = error
        for k in range(rows):
            nk, ik, sk, uk = norton[k], i[k], f.s[k], u[k]
            for j in range(columns):
                nk[j] = ik[j] - sk[j] * uk[j]
        aim = max(0.1 * tolerance, 1e-3 * min(1.0, error))
        if _solve_linear(e, norton, lines, f, w, r, u, y, work[4:8], aim, most) == most:
            return False
    return False


# Signatures keep it to one translation each: drives in any layout, everything else contiguous.
_ANY = numba.types.Array(numba.float64, 3, "A", readonly=True)
_CUBE = numba.float64[:, :, ::1]
_LINES = (numba.float64[::1],) * 5


@numba.njit(numba.void(*_LINES, _CUBE), **ENTRY)
def factor(source: Floats, word: Floats, bit: Floats, sense: Floats, far: Floats, f: Floats) -> None:
    """Factors (4, rows, columns) of the slopes in f[0]."""
    _factor(Lines(source, word, bit, sense, far), Factors(f[0], f[1], f[2], f[3]))


@numba.njit(
    numba.boolean(_ANY, _CUBE, _CUBE, _CUBE, *_LINES, _CUBE, numba.float64, numba.int64),
    **ENTRY,
)
def solve_cells(
    e: Floats,
    c: Floats,
    u: Floats,
    y: Floats,
    source: Floats,
    word: Floats,
    bit: Floats,
    sense: Floats,
    far: Floats,
    shared: Floats,
    tolerance: float,
    most: int,
) -> bool:
    """Cells i = u (c0 + c1 u + ...), c (degree, rows, columns), under e (drives, rows, columns).

    u and y (drives, rows, columns) become their voltages and currents.
    """
    drives, rows, columns = e.shape
    lines = Lines(source, word, bit, sense, far)
    common = Factors(shared[0], shared[1], shared[2], shared[3])
    work = np.empty((12, rows, columns))
    own = Factors(work[8], work[9], work[10], work[11])
    mine = np.empty((rows, columns))
    for d in range(drives):
        mine[:] = e[d]
        solved = _relax(mine, c, u[d], y[d], lines, common, work[:5], tolerance)
        if not solved:
            solved = _newton(mine, c, u[d], y[d], lines, common, own, work[:8], tolerance, most)
        if not solved:
            return False
    return True


@numba.njit(numba.boolean(_ANY, _ANY, _CUBE, *_LINES, _CUBE, numba.float64, numba.int64), **ENTRY)
def solve_conductances(
    e: Floats,
    g: Floats,
    y: Floats,
    source: Floats,
    word: Floats,
    bit: Floats,
    sense: Floats,
    far: Floats,
    shared: Floats,
    tolerance: float,
    most: int,
) -> bool:
    """Conductances g (drives, rows, columns), or those of `shared` for all drives if g is empty.

    y as in `solve_cells`.
    """
    drives, rows, columns = e.shape
    lines = Lines(source, word, bit, sense, far)
    work = np.empty((11, rows, columns))
    f = Factors(shared[0], shared[1], shared[2], shared[3])
    u, w, r, norton = work[0], work[1], work[2], np.zeros((rows, columns))
    mine = np.empty((rows, columns))
    for d in range(drives):
        mine[:] = e[d]
        if len(g):
            f = Factors(work[7], work[8], work[9], work[10])
            f.s[:] = g[d]
            _factor(lines, f)
        if not _relax(mine, f.s.reshape(1, rows, columns), u, y[d], lines, f, work[1:6], tolerance):
            w[:] = 0.0
            r[:] = 0.0
            y[d] = 0.0
            steps = _solve_linear(mine, norton, lines, f, w, r, u, y[d], work[3:7], tolerance, most)
            if steps == most:
                return False
    return True
