"""References: two laws that know neither voltage nor time, to hold Eq. 1 against.

They are a constant step, G <- G + a, and exponential saturation, G <- a + b G, with constants of
their own for every kind of pulse (voltage and width). Like Eq. 1-2 they are fitted to whole trains,
each from the start that suits it best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.descent import descend

_LOG_B = (np.log(0.05), np.log(1.5))
_MOST_KINDS = 100  # a reference with more constants is none
_MOST_STEPS, _TOLERANCE = 40, 1e-7
_LARGEST = 300.0  # an exponent, of trains of thousands of pulses: e^300 still squares


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A fitted reference: G <- a + b G [S], an a and a b for each kind of pulse (rows of `kinds`)."""

    kinds: FloatArray
    a: FloatArray
    b: FloatArray
    constants: int

    def misfit(self, m: Measurements, scale: FloatArray) -> FloatArray:
        """(predicted - measured) / scale of every reading (rows,), with each train's start refitted."""
        return _Chain(m, scale, self.kinds).misfit(self.a, self.b)[0]


def fit_steps(m: Measurements, scale: FloatArray, *, decay: bool) -> Steps | None:
    """Fit a reference to trains without sweeps, with b = 1 unless `decay`; None for too many kinds."""
    kinds = np.unique(np.stack([m.voltage, m.width], axis=1)[m.voltage != 0], axis=0)
    if not 0 < len(kinds) <= _MOST_KINDS:
        return None
    chain = _Chain(m, scale, kinds)
    problem = _Problem(chain, decay=decay)
    high = np.append(np.full(len(kinds), np.inf), np.full(len(kinds) * decay, _LOG_B[1]))
    low = np.append(np.full(len(kinds), -np.inf), np.full(len(kinds) * decay, _LOG_B[0]))
    found = descend(problem, problem.first(), low, high, most=_MOST_STEPS, tolerance=_TOLERANCE)
    a, b = problem.unpack(found.x)
    return Steps(kinds=kinds, a=a, b=b, constants=len(kinds) * (2 if decay else 1))


class _Chain:
    """The readings as runs of equal pulses: within one, G = b^j G_0 + a (1 + b + ... + b^(j-1))."""

    def __init__(self, m: Measurements, scale: FloatArray, kinds: FloatArray) -> None:
        self.m, self.kinds, self.weight = m, kinds, np.abs(m.read_voltage) / scale
        pulsed = m.voltage != 0
        kind = np.where(pulsed, _nearest(m, kinds), -1)
        new_train = np.diff(m.train, prepend=-1) != 0
        latest = np.maximum.accumulate(np.where(pulsed | new_train, np.arange(len(m)), 0))
        kind = kind[latest]  # a reading without a pulse belongs to the run before
        begins = new_train | (np.diff(kind, prepend=-2) != 0)
        self.run = np.cumsum(begins) - 1
        first = np.flatnonzero(begins)
        self.train, self.kind = m.train[first], kind[first]
        count = np.cumsum(pulsed)
        self.place = count - (count[first] - pulsed[first])[self.run]  # pulses so far in the run
        self.last = np.append(first[1:], len(m)) - 1
        number = np.arange(len(first)) - np.searchsorted(self.train, self.train)
        order = np.argsort(number, kind="stable")
        edges = np.searchsorted(number[order], np.arange(1, number.max() + 1))
        self.levels: list[NDArray[np.int64]] = np.split(order, edges)

    def misfit(self, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(residual (rows,), its slopes by a and log b (2 kinds, rows), the best starts (trains,))."""
        kinds, trains = len(self.kinds), len(self.m.labels)
        k = self.kind
        log_b = np.append(np.log(b), 0.0)[k]  # the last: no pulse yet
        step = np.append(a, 0.0)[k]
        j = self.place.astype(np.float64)
        row_log = log_b[self.run]
        power = np.exp(np.minimum(j * row_log, _LARGEST))
        total, by_log = _series(j, row_log)
        # G = offset + gain * start of the train, with slopes of both by (a, log b) of every kind.
        offset, gain = np.empty(len(k)), np.empty(len(k))
        d_offset, d_gain = np.zeros((2 * kinds, len(k))), np.zeros((2 * kinds, len(k)))
        at_offset, at_gain = np.zeros(trains), np.ones(trains)
        at_d_offset, at_d_gain = np.zeros((2 * kinds, trains)), np.zeros((2 * kinds, trains))
        for runs in self.levels:
            t, end = self.train[runs], self.last[runs]
            offset[runs], gain[runs] = at_offset[t], at_gain[t]
            d_offset[:, runs], d_gain[:, runs] = at_d_offset[:, t], at_d_gain[:, t]
            own, by_step = k[runs] >= 0, step[runs]
            at_d_offset[:, t] *= power[end]
            at_d_gain[:, t] *= power[end]
            at = (k[runs][own], t[own])
            at_d_offset[at] += total[end][own]
            rows = (k[runs][own] + kinds, t[own])
            at_d_offset[rows] += (j[end] * power[end] * at_offset[t] + by_step * by_log[end])[own]
            at_d_gain[rows] += (j[end] * power[end] * at_gain[t])[own]
            at_offset[t] = power[end] * at_offset[t] + by_step * total[end]
            at_gain[t] = power[end] * at_gain[t]
        return self._eliminated(power, total, by_log, step, offset, gain, d_offset, d_gain)

    def _eliminated(
        self, power: FloatArray, total: FloatArray, by_log: FloatArray, step: FloatArray,
        offset: FloatArray, gain: FloatArray, d_offset: FloatArray, d_gain: FloatArray,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:  # fmt: skip
        """Put in the best start of every train, and take what it absorbs out of the slopes."""
        m, run, kinds = self.m, self.run, len(self.kinds)
        weight, trains = self.weight, len(m.labels)
        j, row_step, k = self.place, step[run], self.kind[run]
        level = (power * offset[run] + row_step * total) * weight
        slope = power * gain[run] * weight
        size = np.maximum(np.bincount(m.train, slope**2, trains), 1e-300)
        measured = m.conductance * weight
        start = np.bincount(m.train, (measured - level) * slope, trains) / size
        residual = level + slope * start[m.train] - measured
        before = offset[run] + gain[run] * start[m.train]
        J = (d_offset[:, run] + d_gain[:, run] * start[m.train]) * (power * weight)
        rows = np.flatnonzero(k >= 0)
        J[k[rows], rows] += (total * weight)[rows]
        J[k[rows] + kinds, rows] += ((j * power * before + row_step * by_log) * weight)[rows]
        share = np.stack([np.bincount(m.train, slope * one, trains) for one in J]) / size
        return residual, J - share[:, m.train] * slope, start


def _series(j: FloatArray, log_b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(the series 1 + b + ... + b^(j-1), its slope by log b), both (rows,)."""
    near = np.abs(log_b) < 1e-5
    c = np.where(near, 1.0, log_b)
    grown = np.minimum(j * c, _LARGEST)
    total = np.where(near, j * (1.0 + 0.5 * (j - 1.0) * log_b), np.expm1(grown) / np.expm1(c))
    far = (j * np.exp(grown) - total * np.exp(c)) / np.expm1(c)
    return total, np.where(near, 0.5 * j * (j - 1.0), far)


class _Problem:
    """A reference as a problem of least squares in (a / size, log b)."""

    def __init__(self, chain: _Chain, *, decay: bool) -> None:
        self._chain, self._decay = chain, decay
        self._size = float(np.median(chain.m.conductance))

    def unpack(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(a [S], b)."""
        kinds = len(self._chain.kinds)
        return x[:kinds] * self._size, np.exp(x[kinds:]) if self._decay else np.ones(kinds)

    def first(self) -> FloatArray:
        """First guess: a straight line through G over the G before it, for each kind of pulse."""
        m, kinds = self._chain.m, len(self._chain.kinds)
        follows = (np.diff(m.train, prepend=-1) == 0) & (m.voltage != 0)
        kind, G = self._chain.kind[self._chain.run], m.conductance
        a, c = np.zeros(kinds), np.zeros(kinds)
        for index in range(kinds):
            rows = np.flatnonzero(follows & (kind == index))
            if not rows.size:
                continue
            before, after = G[rows - 1], G[rows]
            b = 1.0
            if self._decay and len(rows) > 2 and np.ptp(before) > 0:
                b = float(np.clip(np.polyfit(before, after, 1)[0], 0.1, 1.2))
            a[index], c[index] = np.mean(after - b * before), np.log(b)
        a /= self._size
        return np.append(a, c) if self._decay else a

    def residual(self, x: FloatArray) -> FloatArray:
        """(rows,)."""
        return self._chain.misfit(*self.unpack(x))[0]

    def jacobian(self, x: FloatArray) -> FloatArray:
        """(rows, unknowns)."""
        J = self._chain.misfit(*self.unpack(x))[1]
        kinds = len(self._chain.kinds)
        J[:kinds] *= self._size
        return J[: kinds * (2 if self._decay else 1)].T


def _nearest(m: Measurements, kinds: FloatArray) -> NDArray[np.int64]:
    """The nearest kind for each row; one that was never fitted counts as the nearest in voltage."""
    pulse = np.stack([m.voltage, m.width], axis=1)
    met, place = np.unique(pulse, axis=0, return_inverse=True)
    off = np.abs(met[:, None, 0] - kinds[None, :, 0]) * 1e3 + np.abs(met[:, None, 1] - kinds[None, :, 1])
    result: NDArray[np.int64] = np.argmin(off, axis=1)[place.ravel()]
    return result
