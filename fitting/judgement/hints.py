"""Hints: what a table shows of how it was measured, where a fit would misread it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.judgement.advice import usual_read
from fitting.model.loops import opening
from fitting.readers.measurements import Measurements, few
from fitting.readers.titles import way
from fitting.search.fit import Fit
from roa_circuit.basics.units import counted, engineering
from roa_circuit.device.memristor import current

_CLEARLY = 0.3  # of all that the conductance moved: more against Eq. 1 than with it
_FEWEST_MOVES = 5
_FEWEST_POINTS = 12  # of a sweep
_OTHER_BRANCH = 2.0  # times the way of the current along the sweep
_IN_TURN = 0.9  # of all steps, against the one before
_FAR, _ONE_IN = 15.0, 50  # times the usual misfit, in one reading of so many
_TURN = 0.15  # of a train's range, by which its extreme lies beyond both ends
_OPEN = 0.1  # of ln |I| between the branches of a loop
_FEW_VOLTAGES = 5
_FEWEST_OF_A_KIND = 3
_FEWEST_HELD, _FEWEST_OF_TRAIN = 6, 9
_SAME_CURRENT, _FEWEST_LIMITED, _APART = 1e-3, 4, 0.05

_TURNED = "are the terminals exchanged? --polarity positive-sets (or negative-sets) turns them"


def hints(m: Measurements) -> list[str]:
    """A line for each: exchanged terminals, sweeps that moved the state, limited currents."""
    found = _of_one_sign(m)
    if not found and _runs_backwards(m):
        found.append(f"V < 0 lowers the conductance here, and V > 0 raises it: {_TURNED}{_misnamed(m)}")
    sweeps = _sweeps(m)
    moved = [(label, rows) for label, rows in sweeps if m.still[rows].all() and _has_branches(m, rows)]
    if moved:
        found.append(
            f"{_named([label for label, _ in moved])}: the current comes back on another branch, so "
            f"the sweep moved the state; {_dwell(m, moved[0][1])}, fits it as pulses"
        )
    turned = [label for label, rows in sweeps if _is_turned(m, rows)]
    if turned:
        found.append(f"{_named(turned)}: the loop is set at V > 0 and reset at V < 0: {_TURNED}")
    drifted = [(label, rows) for label, rows in sweeps if m.still[rows].all() and _drifts(m, rows)]
    if drifted:
        found.append(
            f"{_named([label for label, _ in drifted])}: the current at one voltage changes, so "
            f"something moved the state; {_dwell(m, drifted[0][1])}, fits it as pulses"
        )
    found += _pulses_alike(m)
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
    found = hints(m) + _far_off(f)
    V_r = usual_read(m)
    turned = abs(float(current(1.0, V_r, p))) < abs(float(current(0.0, V_r, p)))
    if turned and f.describes and not any(_TURNED in line for line in found):
        found.append(f"the fitted device conducts less when set (ω = 1) than when reset: {_TURNED}")
    return found


def _far_off(f: Fit) -> list[str]:
    """The few readings that the model misses by far more than the others, where they stand."""
    m, size = f.objective.measurements, np.abs(f.residual)
    far = np.flatnonzero(size > _FAR * max(float(np.median(size)), 1e-12))
    if m.line is None or not 0 < len(far) <= max(1, len(m) // _ONE_IN) or not f.describes:
        return []
    lines = ", ".join(str(line) for line in np.unique(m.line[far])[:4])
    option = f"--drop-outlier {m.line[far[0]]}"
    return [f"the reading in line {lines} is far off the model; {option} takes it for missing"]


def _named(labels: list[str]) -> str:
    return few(labels, 3)


def _misnamed(m: Measurements) -> str:
    """A word on trains that are named after potentiation, or depression, and have the other's pulses."""
    for index, label in enumerate(m.labels):
        V = m.voltage[(m.train == index) & (m.voltage != 0)]
        if way(label) and len(V) and (np.sign(V) == way(label)).all():
            return (f", or have the trains each other's pulses ({label!r} has {V[0]:g} V)? Give --pulse "
                    "in the order of the files or titles")  # fmt: skip
    return ""


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


def _of_one_sign(m: Measurements) -> list[str]:
    """Pulses that all have one sign, of which some clearly raise the conductance and others lower it."""
    pulsed = m.voltage != 0
    signs = np.unique(np.sign(m.voltage[pulsed]))
    if len(signs) != 1 or len(np.unique(m.voltage[pulsed])) == 1:
        return []
    up, down = _opposed(m, m.voltage)
    by_train = not (up and down)
    if by_train:
        up, down = _opposed(m, m.train)
    if not (up and down):
        return []
    raising, lowering = (
        _named([m.labels[int(one)] for one in found]) if by_train else _volts(found)
        for found in (up, down)
    )
    kind, sign = ("depression", "above") if signs[0] > 0 else ("potentiation", "below")
    return [
        f"every pulse is {sign} 0 V and was taken for {kind}, though those of {raising} raise the"
        f" conductance and those of {lowering} lower it: signs come from a column 'polarity' of + and -,"
        " or from --pulse V,T[,N] twice, once --ignore leaves out the columns of the pulses"
    ]


def _opposed(m: Measurements, kinds: NDArray[Any]) -> tuple[list[float], list[float]]:
    """Which kinds (rows,) of pulses raise and which lower the conductance; none if one way prevails."""
    rows = np.flatnonzero((m.voltage[1:] != 0) & ~m.sweep[1:] & ~m.sweep[:-1]) + 1
    alike = (m.train[rows] == m.train[rows - 1]) & (m.read_voltage[rows] == m.read_voltage[rows - 1])
    rows = rows[alike]
    step = m.conductance[rows] - m.conductance[rows - 1]
    ways: tuple[list[float], list[float]] = ([], [])
    moved = [0.0, 0.0]
    for kind in np.unique(kinds[rows]).tolist():
        own = step[kinds[rows] == kind]
        net = float(own.sum())
        if len(own) >= _FEWEST_OF_A_KIND and abs(net) > _CLEARLY * float(np.abs(own).sum()):
            ways[int(net < 0)].append(float(kind))
            moved[int(net < 0)] += abs(net)
    return ways if min(moved) > _CLEARLY * max(moved) else ([], [])


def _volts(values: list[float]) -> str:
    ends = (min(values), max(values))
    return f"{' to '.join(dict.fromkeys(f'{one:g}' for one in ends))} V"


def _sweeps(m: Measurements) -> list[tuple[str, NDArray[np.int64]]]:
    """(label, rows) of every sweep that is long enough, in the order in which it was taken."""
    rows = np.flatnonzero(m.sweep)
    parts = np.split(rows, np.flatnonzero(np.diff(m.train[rows])) + 1)
    return [(m.labels[m.train[part[0]]], part) for part in parts if len(part) >= _FEWEST_POINTS]


def _dwell(m: Measurements, rows: NDArray[np.int64]) -> str:
    """The option that says how long each point was held, from the time of the points if it is known."""
    times = None if m.time is None else np.diff(m.time[rows])
    if times is None or not np.isfinite(times).all() or not (times > 0).all():
        return "--dwell 20ms, the time at each point"
    usual = engineering(float(np.median(times)), "s").replace(" ", "").replace("µ", "u")
    return f"--dwell {usual} from the times of the points (or --dwell time, each its own)"


def _is_turned(m: Measurements, rows: NDArray[np.int64]) -> bool:
    """Whether a loop opens as if V > 0 potentiated, by its higher branch on the way back."""
    up, down = (opening(m.read_voltage[rows], m.current[rows], sign) for sign in (1.0, -1.0))
    sets = up.certain and up.size > _OPEN
    resets = down.certain and down.size < -_OPEN
    against = (up.certain and up.size < -_OPEN) or (down.certain and down.size > _OPEN)
    return (sets or resets) and not against


def _drifts(m: Measurements, rows: NDArray[np.int64]) -> bool:
    """Whether the current moves one way while the voltage is held."""
    V = m.read_voltage[rows]
    held = np.split(rows, np.flatnonzero(np.diff(V)) + 1)
    if len(np.unique(V)) < _FEW_VOLTAGES:
        held = [rows[value == V] for value in np.unique(V)]
    long = [part for part in held if len(part) >= _FEWEST_HELD and np.abs(m.read_voltage[part[0]]) > 0]
    for part in long:
        size = np.abs(m.current[part])
        steps = np.diff(size)
        moved = abs(float(size[-1] - size[0])) > _OPEN * float(size.max(initial=0.0))
        if moved and abs(float(steps.sum())) > _CLEARLY * float(np.abs(steps).sum()):
            return True
    return False


def _pulses_alike(m: Measurements) -> list[str]:
    """Trains of like pulses that turn, or that go opposite ways."""
    found, turning, ways = list[str](), [], {1: list[str](), -1: list[str]()}
    edges = np.searchsorted(m.train, np.arange(len(m.labels) + 1))
    for label, low, high in zip(m.labels, edges[:-1], edges[1:], strict=True):
        pulsed = m.voltage[low:high][m.voltage[low:high] != 0]
        G = m.conductance[low:high]
        if m.sweep[low:high].any() or len(G) < _FEWEST_OF_TRAIN or len(np.unique(pulsed)) != 1:
            continue
        smooth = np.convolve(G, np.ones(3) / 3, mode="valid")
        place = _turn(smooth)
        steps = np.diff(G)
        back = float(np.mean(steps[1:] * steps[:-1] < 0))
        if back > _IN_TURN and float(np.median(np.abs(steps))) > _CLEARLY * np.ptp(G):
            found.append(
                f"{label}: the conductance goes up and down in turn though all pulses are alike: "
                "--pulse V,T,1 twice, if set and reset took turns"
            )
        elif place:
            turning.append((label, place + 2))
        elif abs(smooth[-1] - smooth[0]) > _CLEARLY * np.ptp(smooth):
            ways[1 if smooth[-1] > smooth[0] else -1].append(label)
    if turning:
        label, place = turning[0]
        found.append(
            f"{_named([name for name, _ in turning])}: the conductance turns near reading {place} "
            "though all pulses are alike: --pulse V,T,N twice, if N of one and N of another kind came"
        )
    if ways[1] and ways[-1] and len(np.unique(m.voltage[m.voltage != 0])) == 1:
        found.append(f"like pulses raise {_named(ways[1])} and lower {_named(ways[-1])}: --pulse twice, "
                     "if one polarity was of potentiation, one of depression")  # fmt: skip
    return found


def _turn(G: NDArray[np.float64]) -> int:
    """Where a train has its extreme, clearly above or below both of its ends; 0 if it has none."""
    for values in (G, -G):
        place = int(np.argmax(values))
        if min(values[place] - values[0], values[place] - values[-1]) > _TURN * np.ptp(values):
            return place
    return 0


def _has_branches(m: Measurements, rows: NDArray[np.int64]) -> bool:
    """Whether the current jumps about when it is put in the order of the voltage, or one branch lies
    above the other.
    """
    for sign in (1.0, -1.0):
        found = opening(m.read_voltage[rows], m.current[rows], sign)
        if found.certain and abs(found.size) > _OPEN:
            return True
    size, order = m.current[rows], np.argsort(m.read_voltage[rows], kind="stable")
    along, across = (float(np.abs(np.diff(one)).sum()) for one in (size, size[order]))
    return across > _OTHER_BRANCH * along


def _limited(m: Measurements, rows: NDArray[np.int64]) -> tuple[int, float]:
    """(points that share the largest current of a sweep at clearly different voltages, that current)."""
    if m.limited is not None:
        rows = rows[~m.limited[rows]]
        if not rows.size:
            return 0, 0.0
    size, V = np.abs(m.current[rows]), m.read_voltage[rows]
    top = float(size.max())
    at_top = size >= (1.0 - _SAME_CURRENT) * top
    apart = np.ptp(np.abs(V[at_top])) > _APART * np.abs(V).max()
    return (int(at_top.sum()) if apart and at_top.sum() >= _FEWEST_LIMITED else 0), top
