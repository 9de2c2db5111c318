"""Residuals: what Eq. 1 and 2 predict for every reading, in closed form, and the misfit.

Between two changes of polarity a train is one cumulative sum of doses (Eq. 1 solved exactly),
so nothing is stepped through time and a ramp to -3.8 V costs and keeps as much as one pulse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.measurements import FloatArray, Measurements
from roa_circuit.memristor import after_dose, current, pulse_strength
from roa_circuit.parameters import Memristor

NAMES = ("k", "mu1", "mu2", "gamma", "delta", "alpha", "beta")
_STEP = 1e-5  # of the central difference: truncation and rounding both near 1e-10
_CURRENT_LEAST = 1e-27  # [A], so that a sweep of nothing but zeros divides
_CURRENT_FLOOR = 0.01  # of a train's largest current: below it noise is taken as absolute


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The order of the pulses, apart from their strength: which rows add up to one dose.

    A run is a stretch of one train without a change of polarity. `rows` (runs, longest) says
    where its readings stand, padded; `filled` marks the true ones, in order. `levels[i]`
    holds the i-th run of every train that has so many, `train` (runs,) whose it is.
    """

    rows: NDArray[np.int64]
    filled: NDArray[np.bool_]
    train: NDArray[np.int64]
    levels: tuple[NDArray[np.int64], ...]


def schedule(m: Measurements) -> Schedule:
    """Find the runs of constant polarity; a row without a pulse belongs to the run before."""
    first = np.flatnonzero(_begins_run(m))
    length = np.diff(np.append(first, len(m)))
    place = np.arange(length.max())
    filled = place < length[:, None]
    train = m.train[first]
    number = np.arange(len(first)) - np.searchsorted(train, train)
    levels = tuple(np.flatnonzero(number == level) for level in range(number.max() + 1))
    rows = np.where(filled, first[:, None] + place, 0)
    return Schedule(rows=rows, filled=filled, train=train, levels=levels)


def _begins_run(m: Measurements) -> NDArray[np.bool_]:
    sign = np.sign(m.voltage).astype(np.int64)
    latest = np.maximum.accumulate(np.where(sign != 0, np.arange(len(m)), 0))
    polarity = sign[latest]
    new_train = np.diff(m.train, prepend=-1) != 0
    turned = (sign != 0) & (polarity != np.concatenate(([0], polarity[:-1])))
    result: NDArray[np.bool_] = new_train | turned
    return result


def states(start: FloatArray, dose: FloatArray, s: Schedule) -> FloatArray:
    """omega (rows,) after each row's dose (rows,), from each train's start (trains,)."""
    total = np.cumsum(np.where(s.filled, dose[s.rows], 0.0), axis=1)
    state = np.array(start, dtype=np.float64)
    before = np.empty(len(s.train))
    for runs in s.levels:
        train = s.train[runs]
        before[runs] = state[train]
        state[train] = after_dose(state[train], total[runs, -1])
    omega: FloatArray = after_dose(before[:, None], total)[s.filled]
    return omega


def predict(p: Memristor, start: FloatArray, m: Measurements, s: Schedule) -> FloatArray:
    """The current [A] of every reading, (rows,); Eq. 1 in closed form, then Eq. 2.

    `start` (trains,) is omega before the first row of each train.
    """
    omega = states(start, pulse_strength(m.voltage, m.width, p), s)
    result: FloatArray = current(omega, m.read_voltage, p)
    return result


def scale(m: Measurements) -> FloatArray:
    """What a reading's error is measured against [A], (rows,): the reading itself.

    Instruments err in proportion, until the current is lost in their floor: below a hundredth
    of its train's largest current an I-V point counts by that hundredth.
    """
    size = np.abs(m.current)
    largest = np.zeros(len(m.labels))
    np.maximum.at(largest, m.train, size)
    floor = np.where(m.sweep, _CURRENT_FLOOR * largest[m.train], 0.0) + _CURRENT_LEAST
    result: FloatArray = np.maximum(size, floor)
    return result


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The relative misfit as a function of a search vector, with its derivative.

    The vector is the logarithm of the seven constants (in the order of NAMES), then the
    logit of every train's starting state: whatever the search tries is physical.
    """

    measurements: Measurements
    schedule: Schedule
    scale: FloatArray

    @classmethod
    def of(cls, m: Measurements) -> Objective:
        """The objective for these measurements; what does not change is worked out here."""
        return cls(measurements=m, schedule=schedule(m), scale=scale(m))

    def residual(self, x: FloatArray) -> FloatArray:
        """(predicted - measured) / scale, (rows,)."""
        p, start = from_search(x)
        m = self.measurements
        return (predict(p, start, m, self.schedule) - m.current) / self.scale

    def jacobian(self, x: FloatArray) -> FloatArray:
        """d residual / d x, (rows, 7 + trains).

        A reading feels only its own train's start, so all starts move in one evaluation.
        """
        m, n = self.measurements, len(NAMES)
        result = np.zeros((len(m), len(x)))
        for column in range(n):
            result[:, column] = self._slope(x, np.arange(len(x)) == column)
        result[np.arange(len(m)), n + m.train] = self._slope(x, np.arange(len(x)) >= n)
        return result

    def _slope(self, x: FloatArray, moved: NDArray[np.bool_]) -> FloatArray:
        step = _STEP * moved
        return (self.residual(x + step) - self.residual(x - step)) / (2.0 * _STEP)


def to_search(p: Memristor, start: FloatArray) -> FloatArray:
    """The search vector (7 + trains,) of constants and starting states in (0, 1)."""
    logs = np.log([getattr(p, name) for name in NAMES])
    return np.concatenate([logs, np.log(start) - np.log1p(-start)])


def from_search(x: FloatArray) -> tuple[Memristor, FloatArray]:
    """The constants and the starting states (trains,) of a search vector."""
    values = np.exp(x[: len(NAMES)])
    start = 1.0 / (1.0 + np.exp(-x[len(NAMES) :]))
    return Memristor(**{name: float(v) for name, v in zip(NAMES, values, strict=True)}), start
