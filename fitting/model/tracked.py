"""Tracked laws: readings and slopes of laws whose doses add on coordinates that are tabulated.

Each amplitude has a track (`roa_circuit.device.laws.tracks`). A search varies what shapes the tracks, so
they are tabulated anew at each step, together with those of every constant a little off: slopes by a
constant are those of the coordinate, d u_1 = speed(u_1) (dx(u_0) - dx(u_1) + d u_0 / speed(u_0)).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fitting.model.form import Form
from fitting.model.schedule import Schedule, schedule, totals
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics.errors import InputError

MOST_AMPLITUDES = 100
_STEP = 1e-6  # of a place, for slopes of a coordinate
_NODES = 513
_FURTHEST = 18.0  # of t: 1.5e-8 from an end
_SLOWEST = 1e-60  # of speeds; what is slower stands
_NEWTON = 3

Speeds = Callable[[FloatArray], FloatArray]


class _Motion:
    """Tracks as `roa_circuit.device.laws.tracks` has them, in numpy alone and no finer than a fit needs.

    x(t) of t = ln(u / (1 - u)) is Hermite's cubic between even nodes. Speeds have rows (sets *
    amplitudes): those of the constants come first, then those with each a step off.
    """

    def __init__(self, speeds: Speeds, amplitudes: int, sets: int) -> None:
        t = np.linspace(-_FURTHEST, _FURTHEST, 2 * _NODES - 1)
        u = 1.0 / (1.0 + np.exp(-t))
        slope = u * (1.0 - u) / np.maximum(speeds(u), _SLOWEST)
        self._step = 2.0 * _FURTHEST / (_NODES - 1)
        pieces = self._step / 6.0 * (slope[:, :-2:2] + 4.0 * slope[:, 1:-1:2] + slope[:, 2::2])
        x = np.concatenate([np.zeros((len(slope), 1)), np.cumsum(pieces, axis=1)], axis=1)
        x, rise = x - x[:, _NODES // 2, None], self._step * slope[:, ::2]  # of x, by a node's width
        self._x, self._rise = x[:amplitudes], rise[:amplitudes]
        self.amplitudes, self.sets = amplitudes, sets
        shape = (sets, amplitudes, _NODES)
        self._by_x, self._by_rise = (
            np.ascontiguousarray(np.moveaxis(one.reshape(shape)[1:] - one[:amplitudes], 0, -1) / _STEP)
            for one in (x, rise)
        )  # by every constant, the last axis

    def after(
        self, u: FloatArray, dose: FloatArray, track: NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(the states after signed doses, their sizes of du per dose before and after)."""
        x, steep = self._at(u, track)
        target, before = x + dose, self._speed(u, steep)
        node = np.zeros(len(u), dtype=np.int64)
        for one in range(self.amplitudes):
            here = track == one
            node[here] = np.searchsorted(self._x[one], target[here]) - 1
        node = np.clip(node, 0, _NODES - 2)
        x0, x1 = self._x[track, node], self._x[track, node + 1]
        m0, m1 = self._rise[track, node], self._rise[track, node + 1]
        s = np.clip((target - x0) / np.maximum(x1 - x0, _SLOWEST), 0.0, 1.0)
        for _ in range(_NEWTON):
            x, rise = _cubic(s, x0, x1, m0, m1)
            s = np.clip(s - (x - target) / np.maximum(rise, _SLOWEST), 0.0, 1.0)
        moved = 1.0 / (1.0 + np.exp(_FURTHEST - self._step * (node + s)))
        arrived = (target < self._x[track, 0]) | (target > self._x[track, -1])  # at an end, to stay
        speed = np.where(arrived, 0.0, self._speed(moved, _cubic(s, x0, x1, m0, m1)[1]))
        still = dose == 0
        return np.where(still, u, moved), before, np.where(still, before, speed)

    def _speed(self, u: FloatArray, rise: FloatArray) -> FloatArray:
        """The sizes of du per dose, from the rise of the coordinate."""
        found: FloatArray = u * (1.0 - u) * self._step / np.maximum(rise, _SLOWEST)
        return found

    def slopes(self, u: FloatArray, track: NDArray[np.int64]) -> FloatArray:
        """The coordinate's slopes by the constants (sets - 1, elements) at the states u."""
        node, s = self._node(u)
        x0, x1 = self._by_x[track, node], self._by_x[track, node + 1]
        m0, m1 = self._by_rise[track, node], self._by_rise[track, node + 1]
        return _cubic(s[:, None], x0, x1, m0, m1)[0].T

    def _at(self, u: FloatArray, track: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """(x, its rise by a node's width) at the states u."""
        node, s = self._node(u)
        x0, x1 = self._x[track, node], self._x[track, node + 1]
        return _cubic(s, x0, x1, self._rise[track, node], self._rise[track, node + 1])

    def _node(self, u: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
        """(the node below each state, how far it is to the next)."""
        least = float(np.exp(-_FURTHEST))
        inside = np.clip(u, least, 1.0 - least)
        whole = (np.log(inside) - np.log1p(-inside) + _FURTHEST) / self._step
        node = np.clip(whole.astype(np.int64), 0, _NODES - 2)
        return node, whole - node


def _cubic(
    s: FloatArray, x0: FloatArray, x1: FloatArray, m0: FloatArray, m1: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(Hermite's cubic with these ends and slopes, its slope) at s in [0, 1]."""
    rise = x1 - x0
    second, third = 3.0 * rise - 2.0 * m0 - m1, m0 + m1 - 2.0 * rise
    return x0 + s * (m0 + s * (second + s * third)), m0 + s * (2.0 * second + 3.0 * s * third)


class TrackedForm(Form):
    """A form whose starting states are those of the tracks' variable u in (0, 1)."""

    furthest: float = _FURTHEST - 1.0

    @abstractmethod
    def speeds(self, places: FloatArray, V: FloatArray) -> Speeds:
        """The sizes of du per dose, (sets * amplitudes, points) of states (points,), never negative.

        places : (sets, n), of the constants
        V : (amplitudes,) [V], each not 0
        """

    @abstractmethod
    def doses(self, m: Measurements) -> FloatArray:
        """The size of each row's dose, (rows,)."""

    @abstractmethod
    def currents(self, places: FloatArray, m: Measurements) -> tuple[FloatArray, FloatArray]:
        """The currents [A] at omega = 1 and 0 of every reading, (sets, rows) or (rows,)."""

    def omega(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(omega, its slope by u)."""
        return u, np.ones_like(u)

    def schedule(self, m: Measurements) -> Schedule:
        """Runs of pulses with one amplitude."""
        if len(np.unique(m.voltage)) > MOST_AMPLITUDES:
            raise InputError(
                f"{m.source}: has pulses of more than {MOST_AMPLITUDES} amplitudes, and law"
                f" {self.title} has a coordinate for each; fit windows or zhang2021 to it"
            )
        return schedule(m, by_amplitude=True)

    def predict(self, x: FloatArray, m: Measurements, s: Schedule) -> FloatArray:
        """The current [A] of every reading, (rows,)."""
        u = self._states(x, m, s, slopes=False, start=False)[0]
        omega, _ = self.omega(u)
        on, off = (one[0] if one.ndim > 1 else one for one in self.currents(x[None, : self.count], m))
        return omega * on + (1.0 - omega) * off

    def slopes(
        self, x: FloatArray, m: Measurements, s: Schedule
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(current (rows,), its slopes by the constants (n, rows), by its own train's start (rows,))."""
        return self._read(x, m, s, slopes=True)

    def start_slope(self, x: FloatArray, m: Measurements, s: Schedule) -> tuple[FloatArray, FloatArray]:
        """(current (rows,), its slope by its own train's start (rows,)): the cheap part of `slopes`."""
        current, _, start = self._read(x, m, s, slopes=False)
        return current, start

    def _read(
        self, x: FloatArray, m: Measurements, s: Schedule, *, slopes: bool
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        u, by_start, by_x = self._states(x, m, s, slopes=slopes, start=True)
        omega, by_u = self.omega(u)
        on, off = self.currents(self._sets(x, slopes=slopes), m)
        if on.ndim == 1:
            on, off = on[None], off[None]
        apart = (on[0] - off[0]) * by_u
        current = omega * on[0] + (1.0 - omega) * off[0]
        with np.errstate(over="ignore", invalid="ignore"):  # of constants that make no law
            reading = apart * by_x
            if len(on) > 1:
                moved = omega * (on[1:] - on[0]) + (1.0 - omega) * (off[1:] - off[0])
                reading = reading + moved / _STEP
            by_start = apart * by_start
        reading = np.where(np.isfinite(reading), reading, 0.0)  # no slope leads anywhere from there
        return current, reading, by_start

    def _motion(self, places: FloatArray, V: FloatArray) -> _Motion:
        """The tracks of these constants; those of last time where only starting states have changed."""
        key = (places.tobytes(), V.tobytes())
        last: tuple[object, _Motion] | None = self.__dict__.get("_last")
        if last is None or last[0] != key:
            last = (key, _Motion(self.speeds(places, V), len(V), len(places)))
            object.__setattr__(self, "_last", last)
        return last[1]

    def _sets(self, x: FloatArray, *, slopes: bool) -> FloatArray:
        """The places of the constants, and each of them a step off where slopes are asked for."""
        n = self.count
        if not slopes:
            return x[None, :n]
        places: FloatArray = np.repeat(x[None, :n], n + 1, axis=0)
        places[1:] += _STEP * np.eye(n)
        return places

    def _states(
        self, x: FloatArray, m: Measurements, s: Schedule, *, slopes: bool, start: bool
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(u (rows,), its slope by its train's logit (rows,), by the constants (n or 0, rows))."""
        V = np.unique(m.voltage[m.voltage != 0])
        before = 1.0 / (1.0 + np.exp(-x[self.count :]))
        steep = before * (1.0 - before)
        if not V.size:
            here = m.train
            return before[here], steep[here], np.zeros((self.count if slopes else 0, len(m)))
        places = self._sets(x, slopes=slopes)
        motion = self._motion(places, V)
        total = totals(np.sign(-m.voltage) * self.doses(m), s)
        pulsed = m.voltage != 0
        track = np.zeros(len(s.train), dtype=np.int64)  # of runs; one without pulses may have any
        track[s.run[pulsed]] = np.searchsorted(V, m.voltage[pulsed])
        u_0, d_start, d_x = _along(motion, before, total, track, s, slopes=slopes)
        u, before_it, after_it = motion.after(u_0[s.run], total, track[s.run])
        if not start:
            return u, d_start, d_x
        begun = motion.slopes(u_0, track)[:, s.run] if slopes else None
        keep, gained = _passed(motion, u, (before_it, after_it), total, track[s.run], begun)
        return u, keep * d_start[s.run] * steep[m.train], keep * d_x[:, s.run] + gained


def _along(
    motion: _Motion,
    start: FloatArray,
    total: FloatArray,
    track: NDArray[np.int64],
    s: Schedule,
    *,
    slopes: bool,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(u before every run (runs,), its slope by its train's start, by the constants (n, runs))."""
    n = motion.sets - 1 if slopes else 0
    now, d_now, d_x_now = start.copy(), np.ones(len(start)), np.zeros((n, len(start)))
    before, d_before, d_x = np.empty(len(track)), np.empty(len(track)), np.empty((n, len(track)))
    for runs, going in s.levels:
        train = s.train[runs]
        before[runs], d_before[runs], d_x[:, runs] = now[train], d_now[train], d_x_now[:, train]
        if not going.size:
            break
        train, dose = s.train[going], total[s.last[going]]
        after, *speeds = motion.after(before[going], dose, track[going])
        begun = motion.slopes(before[going], track[going]) if slopes else None
        keep, gained = _passed(motion, after, speeds, dose, track[going], begun)
        d_now[train] = keep * d_now[train]
        d_x_now[:, train] = keep * d_x_now[:, train] + gained
        now[train] = after
    return before, d_before, d_x


def _passed(
    motion: _Motion,
    after: FloatArray,
    speeds: Sequence[FloatArray],
    dose: FloatArray,
    track: NDArray[np.int64],
    begun: FloatArray | None,
) -> tuple[FloatArray, FloatArray]:
    """The slope of the states after a dose by those before, and by the constants (n, elements).

    speeds : of the motion, before and after
    begun : slopes of the coordinate (n, elements) at the states before; None if none are asked for
    """
    still, (slow, speed) = dose == 0, speeds
    keep = np.where(still, 1.0, speed / slow)
    if begun is None:
        return keep, np.zeros((0, len(after)))
    moved = speed * (begun - motion.slopes(after, track))
    return keep, np.where(still, 0.0, moved)
