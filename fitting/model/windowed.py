"""Windows with free exponents: their readings and slopes in closed form, run by run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from fitting.model.form import BOUNDS, BRANCH_PRODUCTS, Form
from fitting.model.residuals import EQUATIONS, dose_slopes, doses, seven
from fitting.model.schedule import Schedule, totals
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.device.laws import Law
from roa_circuit.device.laws.logarithmic import to_omega, to_u
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.laws.zhang2021 import Memristor

NAMES = ("k", "mu1", "mu2", "p", "q", "gamma", "delta", "alpha", "beta")
LOWEST, HIGHEST = -3.0, 8.0
"""The exponents that a fit tries; an exponential fall needs no larger ones."""

USUAL = 2.0
"""The exponent of Eq. 1, and what an error of one counts against."""
_STEPS: Mapping[str, float] = {"p": USUAL, "q": USUAL}

_BEGIN = ((2.0, 2.0), (1.0, 1.0), (4.0, 4.0), (0.1, 0.1), (6.0, 1.0), (1.0, 6.0), (-1.0, 1.0))
_NOTHING = 1e-12  # of the range that is left: the end
_END = float(np.log(_NOTHING))
_EVEN = 1e-9  # of 1 - p: an exponential fall
_GONE = -100.0  # of a logarithm: past the end
_FLAT = 1e-7  # of the logarithm of Gmax over Gmin: no range to be even in
_NEAR = 1e-3  # of an argument, below which a series is exact


@dataclass(frozen=True)
class WindowsForm(Form):
    """Windows on omega, or on the logarithm of the conductance at `read_voltage` [V] where it is given.

    Starting states are those of u, the variable that windows are powers of.
    """

    read_voltage: float | None = None

    LAW = "windows"
    names = NAMES
    units = Windows.UNITS
    held_first = ("mu2", "mu1", "delta", "beta", "q", "p", "k", "gamma", "alpha")
    steps = _STEPS
    products = BRANCH_PRODUCTS

    @property
    def coordinate(self) -> str:
        """What the windows are powers of."""
        return "linear" if self.read_voltage is None else "ln G"

    @property
    def title(self) -> str:
        """The law in a report."""
        return f"windows, {self.coordinate}"

    def bounds(self, name: str) -> tuple[float, float]:
        """Of a constant in a search."""
        return (LOWEST, HIGHEST) if name in self.steps else BOUNDS[name]

    def law(self, x: FloatArray) -> Windows:
        """The law with the constants of a search vector; its ratio follows from them."""
        return self.completed(Windows(**self.values(x)))

    def blind(self, m: Measurements, x: FloatArray | None = None) -> frozenset[str]:
        """Of a polarity without pulses all; with one amplitude or one read voltage, a steepness."""
        up, down = (np.unique(m.voltage[sign * m.voltage > 0]).size for sign in (-1.0, 1.0))
        found = {"mu1", "p"} if not up else set()
        found |= {"mu2", "q"} if not down else set()
        if up == 1 and not down:
            found |= {"mu1"}
        if up <= 1 and down == 1:
            found |= {"mu2"}
        if np.unique(m.read_voltage).size == 1:
            found |= {"delta", "beta"}
        return frozenset(found)

    def completed(self, law: Law) -> Windows:
        """The law with the ratio that its currents have."""
        if self.read_voltage is None:
            return cast(Windows, law.changed(ratio=1.0))
        smallest, largest = law.conductance_range(self.read_voltage)
        return cast(Windows, law.changed(ratio=max(float(largest / smallest), 1.0 + _FLAT)))

    def prior(self, law: Law) -> Windows:
        """What is known before of these constants: those of Eq. 1 where a law has others."""
        own = {name: float(law.constants.get(name, USUAL)) for name in ("p", "q")}
        common = seven(law).constants
        return self.completed(Windows(**{name: common[name] for name in EQUATIONS.names}, **own))

    def shapes(self, prior: Law) -> Iterator[Law]:
        """Laws to begin with: cells that slow down more or less, or speed up."""
        for p, q in _BEGIN:
            yield prior.changed(p=p, q=q)

    def start(self, x: FloatArray) -> FloatArray:
        """omega before each train, (trains,)."""
        result: FloatArray = np.asarray(to_omega(super().start(x), self.law(x).ratio))
        return result

    def vector(self, law: Law, start: FloatArray) -> FloatArray:
        """The search vector of constants and starting states omega (trains,) in (0, 1)."""
        u = np.asarray(to_u(start, law.constants["ratio"]))
        return np.concatenate([self.constants(law), np.log(u) - np.log1p(-u)])

    def predict(self, x: FloatArray, m: Measurements, s: Schedule) -> FloatArray:
        """The current [A] of every reading, (rows,)."""
        c = self.values(x)
        total = totals(doses(_rate_of(c), s), s)
        before = _runs(super().start(x), total, s, c)
        return self._current(c, _moved(before[s.run], total, c), s)[0]

    def slopes(
        self, x: FloatArray, m: Measurements, s: Schedule
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(current (rows,), its slopes by the constants (9, rows), by its own train's start (rows,))."""
        c, start = self.values(x), super().start(x)
        by_rate = dose_slopes(s.kinds, _rate_of(c))[:, s.kinds.pulse]
        total, by_total = totals(by_rate[0], s), totals(by_rate, s)
        before, d_start, d_x = _run_slopes(start, total, by_total, s, c)
        u, by_before, by_dose, by_p, by_q = _step(before[s.run], total, c)
        d_u = by_before * d_x[:, s.run]
        d_u[:3] += by_dose * by_total
        d_u[3] += by_p * USUAL
        d_u[4] += by_q * USUAL
        current, by_u, by_branches = self._current(c, u, s)
        logit = (start * (1.0 - start))[m.train]
        by_start = by_u * by_before * d_start[s.run] * logit
        return current, np.concatenate([by_u * d_u, by_branches]), by_start

    def start_slope(self, x: FloatArray, m: Measurements, s: Schedule) -> tuple[FloatArray, FloatArray]:
        """(current (rows,), its slope by its own train's start (rows,)): the cheap part of `slopes`."""
        start = super().start(x)
        c, push, log, (on, off) = self.remembered(x, s, lambda: self._of_constants(x, s))
        before, d_start, _ = _run_slopes(start, push.total, np.empty((0, len(m))), s, c)
        u, by_before = push.states(before)
        omega, by_u = (u, 1.0) if log is None else _bent_omega(u, log)
        apart = on - off
        slope = apart * by_u * by_before * (d_start * (start * (1.0 - start))[s.train])[s.run]
        return off + omega * apart, slope

    def _of_constants(
        self, x: FloatArray, s: Schedule
    ) -> tuple[dict[str, float], _Push, float | None, tuple[FloatArray, FloatArray]]:
        """(the constants, what pulses do, ln of Gmax over Gmin or None, both branches [A] (rows,))."""
        c = self.values(x)
        on, _, off, _ = _branches(c, s.kinds.read_voltage)
        push = _Push(totals(doses(_rate_of(c), s), s), s, c)
        return c, push, self._log_ratio(c), (on[s.kinds.reading], off[s.kinds.reading])

    def _current(
        self, c: dict[str, float], u: FloatArray, s: Schedule
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(current, its slope by u, by the logarithms of gamma, delta, alpha, beta (4, rows))."""
        every = np.stack(_branches(c, s.kinds.read_voltage))[:, s.kinds.reading]
        tunnel, by_delta, barrier, by_beta = every
        omega, by_u, by_log = self._omega(c, u)
        reading = np.stack(
            [omega * tunnel, omega * by_delta, (1.0 - omega) * barrier, (1.0 - omega) * by_beta]
        )
        apart = tunnel - barrier
        if self.read_voltage is not None:
            top, by_delta, bottom, by_beta = _branches(c, np.array(self.read_voltage))
            of_log = np.array([1.0, by_delta / top, -1.0, -by_beta / bottom])
            reading += of_log[:, None] * (apart * by_log)
        return omega * tunnel + (1.0 - omega) * barrier, apart * by_u, reading

    def _omega(self, c: dict[str, float], u: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(omega of u, its slope by u, by the logarithm of Gmax over Gmin)."""
        log = self._log_ratio(c)
        if log is None:
            return u, np.ones_like(u), np.zeros_like(u)
        omega, by_u = _bent_omega(u, log)
        whole, part = np.expm1(log), np.expm1(log * u)
        return omega, by_u, (u * (part + 1.0) - omega * (whole + 1.0)) / whole

    def _log_ratio(self, c: dict[str, float]) -> float | None:
        """The logarithm of Gmax over Gmin; None where u is omega."""
        if self.read_voltage is None:
            return None
        top, _, bottom, _ = _branches(c, np.array(self.read_voltage))
        log = float(np.log(top / bottom))
        return None if abs(log) < _FLAT else log


class _Push:
    """What doses do to states, apart from where each run of pulses begins.

    total : (rows,), since the beginning of each row's run
    """

    def __init__(self, total: FloatArray, s: Schedule, c: dict[str, float]) -> None:
        self.total, self._run = total, s.run
        self._up = total[s.last] > 0
        self._exponent = np.where(self._up, c["p"], c["q"])
        self._e = 1.0 - self._exponent
        self._dose, self._rising = np.abs(total), self._up[s.run]
        self._rows = self._exponent[s.run], self._e[s.run]

    def states(self, before: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(u (rows,), its slope by the state before its run), from the states `before` (runs,)."""
        room = np.where(self._up, 1.0 - before, before)
        log = np.log(np.maximum(room, _NOTHING))
        pace = -self._e * np.exp(np.minimum(-self._e * log, 300.0))
        exponent, e = self._rows
        fallen = _fallen(pace[self._run] * self._dose, self._dose, e)
        log_left = log[self._run] + fallen
        stays = log_left <= _END
        left = np.where(stays, 0.0, np.exp(np.minimum(log_left, 0.0)))
        keep = np.where(stays | (room <= _NOTHING)[self._run], 0.0, np.exp(exponent * fallen))
        return np.where(self._rising, 1.0 - left, left), keep


def _bent_omega(u: FloatArray, log: float) -> tuple[FloatArray, FloatArray]:
    """(omega of a state in ln G, its slope by u), for this logarithm of Gmax over Gmin."""
    whole, part = float(np.expm1(log)), np.expm1(log * u)
    return part / whole, (log / whole) * (part + 1.0)


def _rate_of(c: dict[str, float]) -> Memristor:
    """Eq. 1, for its doses."""
    return Memristor(**{name: c[name] for name in EQUATIONS.names})


def _branches(c: dict[str, float], V: FloatArray) -> tuple[FloatArray, ...]:
    """(tunnelling [A], its slope by log delta, the barrier [A], its slope by log beta)."""
    x, y = c["delta"] * V, c["beta"] * V
    return (
        c["gamma"] * np.sinh(x), c["gamma"] * x * np.cosh(x),
        -c["alpha"] * np.expm1(-y), c["alpha"] * y * np.exp(-y),
    )  # fmt: skip


def _runs(start: FloatArray, total: FloatArray, s: Schedule, c: dict[str, float]) -> FloatArray:
    """u before every run, (runs,)."""
    now, before = start.copy(), np.empty(len(s.train))
    for runs, going in s.levels:
        before[runs] = now[s.train[runs]]
        if going.size:
            now[s.train[going]] = _moved(before[going], total[s.last[going]], c)
    return before


def _run_slopes(
    start: FloatArray, total: FloatArray, by_total: FloatArray, s: Schedule, c: dict[str, float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(u before every run (runs,), its slope by its train's start, by the constants of motion)."""
    wanted = 5 if len(by_total) else 0
    now, d_now, d_x_now = start.copy(), np.ones(len(start)), np.zeros((wanted, len(start)))
    before, d_before = np.empty(len(s.train)), np.empty(len(s.train))
    d_x = np.empty((wanted, len(s.train)))
    for runs, going in s.levels:
        train = s.train[runs]
        before[runs], d_before[runs], d_x[:, runs] = now[train], d_now[train], d_x_now[:, train]
        if not going.size:
            break
        train, last = s.train[going], s.last[going]
        u, by_before, by_dose, by_p, by_q = _step(now[train], total[last], c, constants=wanted > 0)
        now[train] = u
        d_now[train] = by_before * d_now[train]
        if wanted:
            moved = by_before * d_x_now[:, train]
            moved[:3] += by_dose * by_total[:, last]
            moved[3] += by_p * USUAL
            moved[4] += by_q * USUAL
            d_x_now[:, train] = moved
    return before, d_before, d_x


def _moved(u: FloatArray, dose: FloatArray, c: dict[str, float]) -> FloatArray:
    up = dose > 0
    e = 1.0 - np.where(up, c["p"], c["q"])
    room = np.where(up, 1.0 - u, u)
    left = _left(room, np.abs(dose), e)
    return np.where(up, 1.0 - left, left)


def _left(room: FloatArray, dose: FloatArray, e: FloatArray) -> FloatArray:
    """(room^e - e dose)^(1/e), what a dose leaves of a room; 0 where the end is reached."""
    log = np.log(np.maximum(room, _NOTHING))
    change = -e * dose * np.exp(np.minimum(-e * log, 300.0))
    logs = log + _fallen(change, dose, e)
    return np.where(logs < _END, 0.0, np.exp(np.minimum(logs, 0.0)))


def _fallen(change: FloatArray, dose: FloatArray, e: FloatArray) -> FloatArray:
    """How far the logarithm of a room falls, ln(1 + change) / e; _GONE where the end is reached."""
    even = np.abs(e) < _EVEN
    if even.all():
        return -dose
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        fallen = np.log1p(np.maximum(change, -1.0)) / e
    arrived = change <= -1.0
    if arrived.any():
        fallen = np.where(arrived, _GONE, fallen)
    return np.where(even, -dose, fallen) if even.any() else fallen


def _step(
    u: FloatArray, dose: FloatArray, c: dict[str, float], *, constants: bool = True
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """(u after a dose, its slopes by u before, by the signed dose, by p, by q), all (n,).

    The last three are 0 without `constants`.
    """
    up = dose > 0
    exponent = np.where(up, c["p"], c["q"])
    room = np.where(up, 1.0 - u, u)
    left = _left(room, np.abs(dose), 1.0 - exponent)
    stays = (left <= _NOTHING) | (room <= _NOTHING)
    log_room, log_left = (np.log(np.where(stays, 1.0, one)) for one in (room, left))
    keep = np.where(stays, 0.0, np.exp(exponent * (log_left - log_room)))
    none = np.zeros_like(u)
    if not constants:
        return np.where(up, 1.0 - left, left), keep, none, none, none
    window = np.where(stays, 0.0, np.exp(exponent * log_left))
    by_exponent = window * (_bent(log_left, 1.0 - exponent) - _bent(log_room, 1.0 - exponent))
    by_p, by_q = np.where(up, -by_exponent, none), np.where(up, none, by_exponent)
    return np.where(up, 1.0 - left, left), keep, window, by_p, by_q


def _bent(log: FloatArray, e: FloatArray) -> FloatArray:
    """The slope by the exponent of the dose from room 1 to here, from the room's logarithm."""
    t = e * log
    small = np.abs(t) < _NEAR
    far = np.where(small, 1.0, t)
    shape = np.where(small, 0.5 + t / 3.0 + t**2 / 8.0, (1.0 + np.exp(far) * (far - 1.0)) / far**2)
    return log**2 * shape
