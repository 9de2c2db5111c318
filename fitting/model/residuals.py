"""Residuals: the prediction of Eq. 1 and 2 for every reading, in closed form, its misfit and slopes.

Between two changes of polarity a train is one cumulative sum of doses (Eq. 1 solved exactly). So
there are no time steps, and a ramp to -3.8 V is as cheap and as exact as one pulse.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from fitting.model.form import BRANCH_PRODUCTS, Form
from fitting.model.loss import LINEAR, Loss
from fitting.model.noise import weighting
from fitting.model.schedule import Kinds, Schedule, totals
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics.errors import InputError
from roa_circuit.device.arrays import LARGEST_EXPONENT
from roa_circuit.device.laws.law import Law
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.memristor import current, pulse_strength
from roa_circuit.device.parameters import UNITS

NAMES = ("k", "mu1", "mu2", "gamma", "delta", "alpha", "beta")


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
    omega = states(start, doses(p, s), s)
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


def start_slopes(start: FloatArray, total: FloatArray, s: Schedule) -> tuple[FloatArray, FloatArray]:
    """(omega (rows,), d omega / d start (rows,)) for the `totals` of all doses."""
    omega, _, shrink = moved(_before(start, total, s)[s.run], total)
    keep = shrink**2
    by_start, _ = s.scan.slopes(keep[s.last], np.empty((0, len(s.last))))
    return omega, keep * by_start[s.run]


def doses(p: Memristor, s: Schedule) -> FloatArray:
    """The dose of every row's pulse, (rows,)."""
    result: FloatArray = pulse_strength(s.kinds.voltage, s.kinds.width, p)[s.kinds.pulse]
    return result


def dose_slopes(m: Measurements | Kinds, p: Memristor) -> FloatArray:
    """d dose / d (log k, log mu1, log mu2), (3, rows or kinds); 0 where an exponent is clamped."""
    result = np.empty((3, len(m.voltage)))
    result[0] = pulse_strength(m.voltage, m.width, p)
    for row, x, sign in ((1, -p.mu1 * m.voltage, 1.0), (2, p.mu2 * m.voltage, -1.0)):
        inside = np.abs(x) < LARGEST_EXPONENT
        result[row] = sign * p.k * m.width * np.where(inside, x * np.exp(np.where(inside, x, 0.0)), 0.0)
    return result


def _of_constants(p: Memristor, s: Schedule) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(doses since the beginning of each run, Eq. 2 at omega = 1 and 0 [A]), all (rows,)."""
    V, reading = s.kinds.read_voltage, s.kinds.reading
    on, off = p.gamma * np.sinh(p.delta * V), -p.alpha * np.expm1(-p.beta * V)
    return totals(doses(p, s), s), on[reading], off[reading]


class Equations(Form):
    """Eq. 1 and 2: seven logarithms, in the order of NAMES."""

    LAW = "zhang2021"

    names = NAMES
    units = UNITS
    held_first = ("mu2", "mu1", "delta", "beta", "k", "gamma", "alpha")
    products = BRANCH_PRODUCTS
    starts_follow = False

    @property
    def title(self) -> str:
        """The law in a report."""
        return "Eq. 1-2"

    def law(self, x: FloatArray) -> Memristor:
        """The law with the constants of a search vector."""
        return from_search(x)[0]

    def prior(self, law: Law) -> Memristor:
        """What a law known before says of these constants."""
        return seven(law)

    def vector(self, law: Law, start: FloatArray) -> FloatArray:
        """The search vector (7 + trains,) of a law's constants and starting states in (0, 1)."""
        return to_search(law, start)

    def predict(self, x: FloatArray, m: Measurements, s: Schedule) -> FloatArray:
        """The current [A] of every reading, (rows,)."""
        return predict(*from_search(x), m, s)

    def slopes(
        self, x: FloatArray, m: Measurements, s: Schedule
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(current (rows,), its slopes by the constants (7, rows), by its own train's start (rows,))."""
        p, start = from_search(x)
        V = m.read_voltage
        slopes = dose_slopes(s.kinds, p)[:, s.kinds.pulse]
        omega, by_start, by_x = state_slopes(start, slopes[0], slopes, s)
        tunnel, barrier = p.gamma * np.sinh(p.delta * V), -p.alpha * np.expm1(-p.beta * V)
        reading = np.stack([
            omega * tunnel, omega * p.gamma * p.delta * V * np.cosh(p.delta * V),
            (1.0 - omega) * barrier, (1.0 - omega) * p.alpha * p.beta * V * np.exp(-p.beta * V),
        ])  # fmt: skip
        constants = np.concatenate([(tunnel - barrier) * by_x, reading])
        logit = (start * (1.0 - start))[m.train]
        return omega * tunnel + (1.0 - omega) * barrier, constants, (tunnel - barrier) * by_start * logit

    def start_slope(self, x: FloatArray, m: Measurements, s: Schedule) -> tuple[FloatArray, FloatArray]:
        """(current (rows,), its slope by its own train's start (rows,)): the cheap part of `slopes`."""
        start = self.start(x)
        total, tunnel, barrier = self.remembered(x, s, lambda: _of_constants(from_search(x)[0], s))
        omega, by_start = start_slopes(start, total, s)
        logit = (start * (1.0 - start))[m.train]
        return omega * tunnel + (1.0 - omega) * barrier, (tunnel - barrier) * by_start * logit


EQUATIONS = Equations()


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The misfit over `scale`, bent by `loss`, as a function of a form's search vector, with its slopes.

    A reading with an infinite `scale` counts nothing; its pulse acts all the same.
    """

    measurements: Measurements
    schedule: Schedule
    scale: FloatArray
    loss: Loss = LINEAR
    form: Form = EQUATIONS

    @classmethod
    def of(cls, m: Measurements, scale: FloatArray | None = None, form: Form = EQUATIONS) -> Objective:
        """The objective for these measurements, relative to them unless a `scale` [A] is given.

        All that does not depend on the search vector is worked out here, once.
        """
        given = weighting(m, "auto" if m.shift else "relative").scale if scale is None else scale
        return cls(measurements=m, schedule=form.schedule(m), scale=given, form=form)

    @property
    def plain(self) -> Objective:
        """The same objective without the loss."""
        return dataclasses.replace(self, loss=LINEAR)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the constants, in the order of the search vector."""
        return self.form.names

    def predict(self, x: FloatArray) -> FloatArray:
        """The current [A] of every reading, (rows,)."""
        return self.form.predict(x, self.measurements, self.schedule)

    def residual(self, x: FloatArray) -> FloatArray:
        """(predicted - measured) / scale, bent, (rows,)."""
        return self.loss.bent((self.predict(x) - self.measurements.current) / self.scale)[0]

    def slopes(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(residual (rows,), slopes by the constants (rows, n), by its own train's start (rows,))."""
        current, constants, start = self.form.slopes(x, self.measurements, self.schedule)
        residual, bend = self.loss.bent((current - self.measurements.current) / self.scale)
        return residual, (bend * (constants / self.scale)).T, bend * start / self.scale

    def start_slope(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(residual (rows,), its slope by its own train's start (rows,)): the cheap part of `slopes`."""
        current, start = self.form.start_slope(x, self.measurements, self.schedule)
        residual, bend = self.loss.bent((current - self.measurements.current) / self.scale)
        return residual, bend * start / self.scale


def seven(p: Law) -> Memristor:
    """The seven constants of a law, `current_scale` multiplied into gamma and alpha.

    Raises
    ------
    InputError : a device of a law without these constants.
    """
    constants = p.constants
    lacking = [name for name in NAMES if name not in constants]
    if lacking:
        raise InputError(
            f"the prior has law {p.name!r}, which has no {', '.join(lacking)}; take a parameter set of"
            " zhang2021 or windows for what the data leave open"
        )
    scaled = {name: constants[name] * p.constants["current_scale"] for name in ("gamma", "alpha")}
    return Memristor(**{name: constants[name] for name in NAMES} | scaled)


def to_search(p: Law, start: FloatArray) -> FloatArray:
    """The search vector (7 + trains,) of constants and starting states in (0, 1)."""
    logs = np.log([getattr(p, name) for name in NAMES])
    return np.concatenate([logs, np.log(start) - np.log1p(-start)])


def from_search(x: FloatArray) -> tuple[Memristor, FloatArray]:
    """The constants and the starting states (trains,) of a search vector."""
    values = np.exp(x[: len(NAMES)])
    start = 1.0 / (1.0 + np.exp(-x[len(NAMES) :]))
    return Memristor(**{name: float(v) for name, v in zip(NAMES, values, strict=True)}), start
