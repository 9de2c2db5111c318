"""Residuals: the prediction of Eq. 1 and 2 for every reading, in closed form, its misfit and slopes.

Between two changes of polarity a train is one cumulative sum of doses (Eq. 1 solved exactly). So
there are no time steps, and a ramp to -3.8 V is as cheap and as exact as one pulse.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.model._scan import Scan
from fitting.model.loss import LINEAR, Loss
from fitting.model.noise import weighting
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.device.memristor import LARGEST_EXPONENT, current, pulse_strength
from roa_circuit.device.parameters import Memristor

NAMES = ("k", "mu1", "mu2", "gamma", "delta", "alpha", "beta")

Block = tuple[NDArray[np.int64], NDArray[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The order of the pulses, apart from their strength: which rows add up to one dose.

    A run is a stretch of one train without a change of polarity; `run` (rows,) says which,
    `train` (runs,) whose it is, `last` (runs,) where it ends; `scan` goes from run to run.
    `blocks` gathers runs of like length, padded to twice at most: (rows of each run, which of them are
    not padding), both (runs in it, longest).
    """

    run: NDArray[np.int64]
    train: NDArray[np.int64]
    last: NDArray[np.int64]
    scan: Scan
    blocks: tuple[Block, ...]


def schedule(m: Measurements) -> Schedule:
    """Find the runs of constant polarity; a row without a pulse belongs to the run before it."""
    begins = _begins_run(m)
    first = np.flatnonzero(begins)
    train = m.train[first]
    number = np.arange(len(first)) - np.searchsorted(train, train)
    length = np.diff(np.append(first, len(m)))
    return Schedule(
        run=np.cumsum(begins) - 1, train=train, last=first + length - 1,
        scan=Scan.of(number), blocks=_blocks(first, length),
    )  # fmt: skip


def _blocks(first: NDArray[np.int64], length: NDArray[np.int64]) -> tuple[Block, ...]:
    """Group runs by the power of two that holds their length."""
    size = np.ceil(np.log2(length)).astype(np.int64)
    result = []
    for one in np.unique(size):
        chosen = size == one
        place = np.arange(length[chosen].max())
        filled = place < length[chosen][:, None]
        result.append((np.where(filled, first[chosen][:, None] + place, 0), filled))
    return tuple(result)


def _begins_run(m: Measurements) -> NDArray[np.bool_]:
    sign = np.sign(m.voltage).astype(np.int64)
    latest = np.maximum.accumulate(np.where(sign != 0, np.arange(len(m)), 0))
    polarity = sign[latest]
    new_train = np.diff(m.train, prepend=-1) != 0
    turned = (sign != 0) & (polarity != np.concatenate(([0], polarity[:-1])))
    result: NDArray[np.bool_] = new_train | turned
    return result


def totals(dose: FloatArray, s: Schedule) -> FloatArray:
    """The dose (..., rows) since the beginning of each row's run, including its own `dose`."""
    result = np.empty_like(dose)
    for rows, filled in s.blocks:
        sums = np.cumsum(np.where(filled, dose[..., rows], 0.0), axis=-1)
        result[..., rows[filled]] = sums[..., filled]
    return result


def states(start: FloatArray, dose: FloatArray, s: Schedule) -> FloatArray:
    """omega (rows,) after each row's dose (rows,), from each train's start (trains,)."""
    total = totals(dose, s)
    return moved(_before(start, total, s)[s.run], total)[0]


def moved(before: FloatArray, dose: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(`after_dose`, room r, shrink s) in numpy alone, as dispatch costs more than sums on short arrays.

    The room is r = 1 - omega_0 upwards and r = omega_0 downwards; the dose shrinks it by
    s = 1 / (1 + r |dose|).
    """
    up = dose > 0
    room = np.where(up, 1.0 - before, before)
    shrink = 1.0 / (1.0 + room * np.abs(dose))
    left = room * shrink
    return np.where(up, 1.0 - left, left), room, shrink


def _before(start: FloatArray, total: FloatArray, s: Schedule) -> FloatArray:
    """omega at the beginning of every run, (runs,)."""
    return s.scan.states(np.asarray(start, dtype=np.float64)[s.train], total[s.last])


def predict(p: Memristor, start: FloatArray, m: Measurements, s: Schedule) -> FloatArray:
    """The current [A] of every reading, (rows,); Eq. 1 in closed form, then Eq. 2.

    `start` (trains,) is omega before the first row of each train.
    """
    omega = states(start, pulse_strength(m.voltage, m.width, p), s)
    result: FloatArray = current(omega, m.read_voltage, p)
    return result


def state_slopes(
    start: FloatArray, dose: FloatArray, slopes: FloatArray, s: Schedule
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(omega (rows,), d omega / d start (rows,), d omega / d x (n, rows)) for d dose / d x (n, rows).

    One dose: omega' = s^2 omega_0' + (r s)^2 dose'.
    """
    total, slope = totals(dose, s), totals(slopes, s)
    before = _before(start, total, s)
    omega, room, shrink = moved(before[s.run], total)
    keep, gain = shrink**2, (room * shrink) ** 2
    by_start, by_x = s.scan.slopes(keep[s.last], (gain * slope)[:, s.last])
    return omega, keep * by_start[s.run], keep * by_x[:, s.run] + gain * slope


def dose_slopes(m: Measurements, p: Memristor) -> FloatArray:
    """d dose / d (log k, log mu1, log mu2), (3, rows); 0 where an exponent is clamped."""
    result = np.empty((3, len(m)))
    result[0] = pulse_strength(m.voltage, m.width, p)
    for row, x, sign in ((1, -p.mu1 * m.voltage, 1.0), (2, p.mu2 * m.voltage, -1.0)):
        inside = np.abs(x) < LARGEST_EXPONENT
        result[row] = sign * p.k * m.width * np.where(inside, x * np.exp(np.where(inside, x, 0.0)), 0.0)
    return result


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The misfit over `scale`, bent by `loss`, as a function of a search vector, with its slopes.

    The vector has the logarithms of the seven constants (in the order of NAMES), then the logit of
    every train's starting state, so that all that a search may try is physical.
    """

    measurements: Measurements
    schedule: Schedule
    scale: FloatArray
    loss: Loss = LINEAR

    @classmethod
    def of(cls, m: Measurements, scale: FloatArray | None = None) -> Objective:
        """The objective for these measurements, relative to them unless a `scale` [A] is given.

        All that does not depend on the search vector is worked out here, once.
        """
        given = weighting(m, "relative").scale if scale is None else scale
        return cls(measurements=m, schedule=schedule(m), scale=given)

    @property
    def plain(self) -> Objective:
        """The same objective without the loss."""
        return dataclasses.replace(self, loss=LINEAR)

    def residual(self, x: FloatArray) -> FloatArray:
        """(predicted - measured) / scale, bent, (rows,)."""
        p, start = from_search(x)
        m = self.measurements
        return self.loss.bent((predict(p, start, m, self.schedule) - m.current) / self.scale)[0]

    def slopes(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(residual (rows,), slopes by the constants (rows, 7), by its own train's start (rows,))."""
        p, start = from_search(x)
        m, V = self.measurements, self.measurements.read_voltage
        slopes = dose_slopes(m, p)
        omega, by_start, by_x = state_slopes(start, slopes[0], slopes, self.schedule)
        tunnel, barrier = p.gamma * np.sinh(p.delta * V), -p.alpha * np.expm1(-p.beta * V)
        reading = np.stack([
            omega * tunnel, omega * p.gamma * p.delta * V * np.cosh(p.delta * V),
            (1.0 - omega) * barrier, (1.0 - omega) * p.alpha * p.beta * V * np.exp(-p.beta * V),
        ])  # fmt: skip
        constants = np.concatenate([(tunnel - barrier) * by_x, reading]) / self.scale
        logit = (start * (1.0 - start))[m.train]
        plain = (omega * tunnel + (1.0 - omega) * barrier - m.current) / self.scale
        residual, bend = self.loss.bent(plain)
        return residual, (bend * constants).T, bend * (tunnel - barrier) * by_start * logit / self.scale

    def start_slope(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(residual (rows,), its slope by its own train's start (rows,)): the cheap part of `slopes`."""
        p, start = from_search(x)
        m, V = self.measurements, self.measurements.read_voltage
        dose = pulse_strength(m.voltage, m.width, p)
        omega, by_start, _ = state_slopes(start, dose, np.empty((0, len(m))), self.schedule)
        tunnel, barrier = p.gamma * np.sinh(p.delta * V), -p.alpha * np.expm1(-p.beta * V)
        logit = (start * (1.0 - start))[m.train]
        plain = (omega * tunnel + (1.0 - omega) * barrier - m.current) / self.scale
        residual, bend = self.loss.bent(plain)
        return residual, bend * (tunnel - barrier) * by_start * logit / self.scale


def to_search(p: Memristor, start: FloatArray) -> FloatArray:
    """The search vector (7 + trains,) of constants and starting states in (0, 1)."""
    logs = np.log([getattr(p, name) for name in NAMES])
    return np.concatenate([logs, np.log(start) - np.log1p(-start)])


def from_search(x: FloatArray) -> tuple[Memristor, FloatArray]:
    """The constants and the starting states (trains,) of a search vector."""
    values = np.exp(x[: len(NAMES)])
    start = 1.0 / (1.0 + np.exp(-x[len(NAMES) :]))
    return Memristor(**{name: float(v) for name, v in zip(NAMES, values, strict=True)}), start
