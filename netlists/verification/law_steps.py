"""A device's law integrated through one pulse, with the cell voltages that a simulator found.

The simulator gives each cell's voltage at the pulse's full drive for two or three states of the
whole array: those before the pulse, on the way, and after it. In between, a cell's voltage follows its
own progress from the first state to the last, as the polynomial through what was found; on both
edges it is proportional to the drive. `scipy.integrate.solve_ivp` integrates the law over rise, flat
top and fall. Nothing of the surrogate's write takes part but the law itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.waveforms import WritePulse
from roa_circuit.device.memristor import current, state_derivative
from roa_circuit.device.parameters import Memristor

Floats = NDArray[np.float64]

_RESTING = 1e-6  # a change of omega whose square is no more than rounding
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


def after_pulse(found: Found, pulse: WritePulse, p: Memristor) -> Floats:
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


def halfway(before: Floats, after: Floats, volts: Floats, p: Memristor) -> Floats:
    """The states at half of the time that the law takes from `before` to `after` at these voltages [V].

    A place for a simulator to be asked at; no result depends on it to first order.
    """
    shares = np.linspace(0.0, 1.0, _STEPS).reshape(-1, *[1] * before.ndim)
    path = before + shares * (after - before)
    speed = np.abs(np.asarray(state_derivative(path, np.broadcast_to(volts, path.shape), p)))
    slowness = 1.0 / np.maximum(speed, 1e-300)
    times = np.cumsum(0.5 * (slowness[1:] + slowness[:-1]), axis=0)
    past = (times < 0.5 * times[-1]).sum(axis=0)
    share = (past + 0.5) / (_STEPS - 1)
    rests = np.abs(after - before) <= _RESTING
    return np.asarray(before + np.where(rests, 0.5, share) * (after - before))


def growth(found: Found, after: Floats, p: Memristor) -> Floats:
    """The factor (cells,) by which the law makes an error of the first state grow, or shrink.

    Of a state that moves by itself at one voltage, an error grows as its speed does.
    """
    volts = found.voltages[-1]
    speeds = [
        np.abs(np.asarray(state_derivative(omega, volts, p))) for omega in (found.states[0], after)
    ]
    rests = np.abs(after - found.states[0]) <= _RESTING
    return np.where(rests, 1.0, speeds[1] / np.maximum(speeds[0], 1e-300))


def mean_power(found: Found, node: int, p: Memristor) -> float:
    """The mean power of an edge over that of the full drive, at one node's states.

    The cells say how; wires, which take a little, are taken to go along.
    """
    omega, volts = found.states[node], found.voltages[node]
    full = float(np.sum(volts * np.asarray(current(omega, volts, p))))
    shares = (np.sum(x * volts * np.asarray(current(omega, x * volts, p))) for x in _POINTS)
    return float(_WEIGHTS @ np.fromiter(shares, float)) / full if full else 0.0


def of_cells(p: Memristor, cells: NDArray[np.intp]) -> Memristor:
    """The constants of some cells of a flat array."""
    own = {name: np.ravel(value)[cells] for name, value in vars(p).items() if np.ndim(value)}
    return replace(p, **own)


def _little(found: Found, pulse: WritePulse, p: Memristor) -> Floats:
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


def _integrated(found: Found, pulse: WritePulse, p: Memristor) -> Floats:
    from scipy.integrate import solve_ivp

    omega = found.states[0]

    def rise(t: float, omega: Floats) -> Floats:
        return np.asarray(state_derivative(omega, t / pulse.edge * found.at(omega, 0.0), p))

    def flat(t: float, omega: Floats) -> Floats:
        return np.asarray(state_derivative(omega, found.at(omega, t / pulse.width), p))

    def fall(t: float, omega: Floats) -> Floats:
        return np.asarray(state_derivative(omega, (1.0 - t / pulse.edge) * found.at(omega, 1.0), p))

    for speed, seconds in ((rise, pulse.edge), (flat, pulse.width), (fall, pulse.edge)):
        solved = solve_ivp(speed, (0.0, seconds), omega, method="DOP853", rtol=1e-8, atol=1e-12)
        omega = solved.y[:, -1]
    return np.asarray(omega)


def _through(nodes: Floats, values: Floats, at: Floats) -> Floats:
    """The polynomial through the nodes, by Lagrange."""
    found = np.zeros_like(at)
    for i, value in enumerate(values):
        others = [j for j in range(len(nodes)) if j != i]
        found += value * np.prod([(at - nodes[j]) / (nodes[i] - nodes[j]) for j in others], axis=0)
    return found
