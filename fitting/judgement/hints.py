"""Hints: what a table shows of how it was measured, where a fit would misread it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.judgement.advice import usual_read
from fitting.readers.measurements import Measurements
from fitting.search.fit import Fit
from roa_circuit.basics.units import counted, engineering
from roa_circuit.device.memristor import current

_CLEARLY = 0.3  # of all that the conductance moved: more against Eq. 1 than with it
_FEWEST_MOVES = 5
_FEWEST_POINTS = 12  # of a sweep
_OTHER_BRANCH = 2.0  # times the way of the current along the sweep
_SAME_CURRENT, _FEWEST_LIMITED, _APART = 1e-3, 4, 0.05

_TURNED = "are the terminals exchanged? --polarity positive-sets (or negative-sets) turns them"


def hints(m: Measurements) -> list[str]:
    """A line for each: exchanged terminals, sweeps that moved the state, limited currents."""
    found = []
    if _runs_backwards(m):
        found.append(f"V < 0 lowers the conductance here, and V > 0 raises it: {_TURNED}")
    sweeps = _sweeps(m)
    moved = [label for label, rows in sweeps if m.still[rows].all() and _has_branches(m, rows)]
    if moved:
        found.append(f"{_named(moved)}: the current comes back on another branch, so the sweep moved "
                     "the state; --dwell 20ms, the time at each point, fits it as pulses")  # fmt: skip
    limited = [(label, n, top) for label, rows in sweeps for n, top in [_limited(m, rows)] if n]
    if limited:
        names = _named([label for label, _, _ in limited])
        n, top = sum(n for _, n, _ in limited), limited[0][2]
        found.append(f"{names}: {counted(n, 'point')} at one current, {engineering(top, 'A')}; leave "
                     "their cells empty if that is a compliance")  # fmt: skip
    return found


def hints_of(f: Fit) -> list[str]:
    """`hints` of what was fitted; and of a device that conducts less when set, whatever was measured."""
    m, p = f.objective.measurements, f.memristor
    found = hints(m)
    V_r = usual_read(m)
    turned = abs(float(current(1.0, V_r, p))) < abs(float(current(0.0, V_r, p)))
    if turned and f.describes and not any(_TURNED in line for line in found):
        found.append(f"the fitted device conducts less when set (ω = 1) than when reset: {_TURNED}")
    return found


def _named(labels: list[str]) -> str:
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")


def _runs_backwards(m: Measurements) -> bool:
    """Whether readings at one voltage go against Eq. 1 by much more than they go with it."""
    rows = np.flatnonzero(~m.sweep)
    rows = rows[np.lexsort((m.read_voltage[rows], m.train[rows]))]
    if len(rows) < _FEWEST_MOVES:
        return False
    counts = np.cumsum([m.voltage < 0, m.voltage > 0], axis=1)[:, rows]
    up, down = np.diff(counts, axis=1) > 0
    alike = (np.diff(m.train[rows]) == 0) & (np.diff(m.read_voltage[rows]) == 0) & (up != down)
    step = (np.where(up, 1.0, -1.0) * np.diff(m.conductance[rows]))[alike]
    return len(step) >= _FEWEST_MOVES and float(step.sum()) < -_CLEARLY * float(np.abs(step).sum())


def _sweeps(m: Measurements) -> list[tuple[str, NDArray[np.int64]]]:
    """(label, rows) of every sweep that is long enough, in the order in which it was taken."""
    rows = np.flatnonzero(m.sweep)
    parts = np.split(rows, np.flatnonzero(np.diff(m.train[rows])) + 1)
    return [(m.labels[m.train[part[0]]], part) for part in parts if len(part) >= _FEWEST_POINTS]


def _has_branches(m: Measurements, rows: NDArray[np.int64]) -> bool:
    """Whether the current jumps about when it is put in the order of the voltage."""
    size, order = m.current[rows], np.argsort(m.read_voltage[rows], kind="stable")
    along, across = (float(np.abs(np.diff(one)).sum()) for one in (size, size[order]))
    return across > _OTHER_BRANCH * along


def _limited(m: Measurements, rows: NDArray[np.int64]) -> tuple[int, float]:
    """(points that share the largest current of a sweep at clearly different voltages, that current)."""
    size, V = np.abs(m.current[rows]), m.read_voltage[rows]
    top = float(size.max())
    at_top = size >= (1.0 - _SAME_CURRENT) * top
    apart = np.ptp(np.abs(V[at_top])) > _APART * np.abs(V).max()
    return (int(at_top.sum()) if apart and at_top.sum() >= _FEWEST_LIMITED else 0), top
