"""A device's law integrated through one pulse, with the cell voltages that a simulator found.

The simulator gives each cell's voltage at the pulse's full drive for two or three states of the
whole array: those before the pulse, on the way, and after it. In between, a cell's voltage follows its
own progress from the first state to the last, as the polynomial through what was found; on both
edges it is proportional to the drive. `scipy.integrate.solve_ivp` integrates the law over rise, flat
top and fall: the speed of the state, or, of a cell that comes to an end of its range, the speed of the
dose, as that of the state may jump or have no limit there. Nothing of the surrogate's write takes part
but the law itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.waveforms import WritePulse
from roa_circuit.device.laws.law import Law
from roa_circuit.device.memristor import after_dose, current, rate, state_derivative

Floats = NDArray[np.float64]

_RESTING = 1e-6  # a change of omega whose square is no more than rounding
_END = 1e-3  # of the range: closer to an end, the dose is integrated
_STEPS = 65  # of the states between two, for the state at half time
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(10)
_POINTS, _WEIGHTS = 0.5 * (_POINTS + 1.0), 0.5 * _WEIGHTS


@dataclass(frozen=True, kw_only=True)
class Found:
    """The cell voltages that a simulator found at the full drive of one pulse.

    states : (nodes, cells) omega of the whole array, before the pulse ... after it
    voltages : (nodes, cells) [V]
    """

    states: Floats
    voltages: Floats

    def part(self, cells: NDArray[np.intp]) -> Found:
        """Of some cells alone."""
        return Found(states=self.states[:, cells], voltages=self.voltages[:, cells])

    def at(self, omega: Floats, share: float) -> Floats:
        """Voltages (cells,) [V] of cells at these states, a share of the flat top being over.

        A cell that rests has no progress of its own and follows the time.
        """
        first, last = self.states[0], self.states[-1]
        moves = np.abs(last - first) > _RESTING
        way = np.where(moves, last - first, 1.0)
        progress = np.where(moves, (omega - first) / way, share)
        times = np.linspace(0.0, 1.0, len(self.states))[:, None]
        nodes = np.where(moves, (self.states - first) / way, times)
        return _through(nodes, self.voltages, progress)


def after_pulse(found: Found, pulse: WritePulse, p: Law) -> Floats:
    """The states (cells,) that the law reaches from the first ones in one pulse.

    p : the law's constants, numbers or arrays (cells,)
    """
    start, span = found.states[0], pulse.width + 2.0 * pulse.edge
    slope = np.abs(np.asarray(state_derivative(start, found.voltages[0], p)))
    moving = (slope * span > _RESTING) | (np.abs(found.states[-1] - start) > _RESTING)
    cells = np.flatnonzero(moving)
    after = start + _little(found, pulse, p)
    if len(cells):
        after[cells] = _integrated(found.part(cells), pulse, of_cells(p, cells))
    return np.asarray(after)


def halfway(before: Floats, after: Floats, volts: Floats, p: Law) -> Floats:
    """The states at half of the time that the law takes from `before` to `after` at these voltages [V].

    A place for a simulator to be asked at; no result depends on it to first order.
    """
    shares = np.linspace(0.0, 1.0, _STEPS).reshape(-1, *[1] * before.ndim)
    path = before + shares * (after - before)
    speed = np.abs(np.asarray(state_derivative(path, np.broadcast_to(volts, path.shape), p)))
    # A cell that has come to its end takes no more time.
    slowness = np.where(speed > 0.0, 1.0 / np.maximum(speed, 1e-300), 0.0)
    times = np.cumsum(0.5 * (slowness[1:] + slowness[:-1]), axis=0)
    past = (times < 0.5 * times[-1]).sum(axis=0)
    share = (past + 0.5) / (_STEPS - 1)
    rests = np.abs(after - before) <= _RESTING
    return np.asarray(before + np.where(rests, 0.5, share) * (after - before))


def growth(found: Found, after: Floats, p: Law) -> Floats:
    """The factor (cells,) by which the law makes an error of the first state grow, or shrink.

    Of a state that moves by itself at one voltage, an error grows as its speed does.
    """
    volts = found.voltages[-1]
    speeds = [
        np.abs(np.asarray(state_derivative(omega, volts, p))) for omega in (found.states[0], after)
    ]
    rests = np.abs(after - found.states[0]) <= _RESTING
    return np.where(rests, 1.0, speeds[1] / np.maximum(speeds[0], 1e-300))


def mean_power(found: Found, node: int, p: Law) -> float:
    """The mean power of an edge over that of the full drive, at one node's states.

    The cells say how; wires, which take a little, are taken to go along.
    """
    omega, volts = found.states[node], found.voltages[node]
    full = float(np.sum(volts * np.asarray(current(omega, volts, p))))
    shares = (np.sum(x * volts * np.asarray(current(omega, x * volts, p))) for x in _POINTS)
    return float(_WEIGHTS @ np.fromiter(shares, float)) / full if full else 0.0


def of_cells(p: Law, cells: NDArray[np.intp]) -> Law:
    """The constants of some cells of a flat array."""
    own = {name: np.ravel(value)[cells] for name, value in p.constants.items() if np.ndim(value)}
    return p.changed(**own) if own else p


def _little(found: Found, pulse: WritePulse, p: Law) -> Floats:
    """The change of cells that move too little for their speed to change."""
    start, moved = found.states[0], np.zeros_like(found.states[0])
    for point, weight in zip(_POINTS, _WEIGHTS, strict=True):
        for volts, seconds in (
            (point * found.voltages[0], pulse.edge),
            (found.at(start, point), pulse.width),
            (point * found.voltages[-1], pulse.edge),
        ):
            moved += weight * seconds * np.asarray(state_derivative(start, volts, p))
    return np.asarray(moved)


def _integrated(found: Found, pulse: WritePulse, p: Law) -> Floats:
    after, last = found.states[0].copy(), found.states[-1]
    ends = (np.minimum(last, 1.0 - last) < _END) & p.one_coordinate
    for integrate, chosen in ((_by_dose, ends), (_by_state, ~ends)):
        cells = np.flatnonzero(chosen)
        if len(cells):
            after[cells] = integrate(found.part(cells), pulse, of_cells(p, cells))
    return np.asarray(after)


def _by_state(found: Found, pulse: WritePulse, p: Law) -> Floats:
    """The states that their speed leads to."""

    def speed(omega: Floats, volts: Floats) -> Floats:
        return np.asarray(state_derivative(np.clip(omega, 0.0, 1.0), volts, p))

    return np.clip(_over(pulse, found.states[0], speed, found.at), 0.0, 1.0)


def _by_dose(found: Found, pulse: WritePulse, p: Law) -> Floats:
    """The states that their doses lead to."""
    start, full = found.states[0], found.voltages[0]

    def state(dose: Floats) -> Floats:
        return np.asarray(after_dose(start, dose, p, full))

    def speed(dose: Floats, volts: Floats) -> Floats:
        return np.asarray(rate(volts, p))

    return state(
        _over(pulse, np.zeros_like(start), speed, lambda dose, share: found.at(state(dose), share))
    )


def _over(
    pulse: WritePulse,
    start: Floats,
    speed: Callable[[Floats, Floats], Floats],
    at: Callable[[Floats, float], Floats],
) -> Floats:
    """What `speed` of a quantity and the voltage leads to from `start` over rise, flat top and fall.

    at : the voltage at full drive, by the quantity and the share of the flat top that is over
    """
    from scipy.integrate import solve_ivp

    def rise(t: float, x: Floats) -> Floats:
        return speed(x, t / pulse.edge * at(x, 0.0))

    def flat(t: float, x: Floats) -> Floats:
        return speed(x, at(x, t / pulse.width))

    def fall(t: float, x: Floats) -> Floats:
        return speed(x, (1.0 - t / pulse.edge) * at(x, 1.0))

    reached = start
    for slope, seconds in ((rise, pulse.edge), (flat, pulse.width), (fall, pulse.edge)):
        solved = solve_ivp(slope, (0.0, seconds), reached, method="DOP853", rtol=1e-9, atol=1e-12)
        if not solved.success:
            raise InputError(
                "--analysis collocation: the law's motion cannot be integrated over a pulse, as it has"
                " no limit at an end of the range; take --analysis transient"
            )
        reached = solved.y[:, -1]
    return np.asarray(reached)


def _through(nodes: Floats, values: Floats, at: Floats) -> Floats:
    """The polynomial through the nodes, by Lagrange."""
    found = np.zeros_like(at)
    for i, value in enumerate(values):
        others = [j for j in range(len(nodes)) if j != i]
        found += value * np.prod([(at - nodes[j]) / (nodes[i] - nodes[j]) for j in others], axis=0)
    return found
