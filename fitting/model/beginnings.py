"""Beginnings: constants of formulas at which a search may start, read off the readings.

Of a law from a file nothing is known but its formulas, the units of its constants and what they do. So
its currents are brought to the measured range, thresholds below the pulses, and rates to the pace that
was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.formula_law import FormulaLaw
from roa_circuit.device.laws.formulas.currents import current_at
from roa_circuit.device.laws.formulas.definition import IMPLICIT

_BELOW, _USUAL = (0.2, 0.95), 0.6  # of the smallest amplitude: thresholds to begin with
_SHAPES = (1.0, 0.5, 1.9)  # times the pure numbers of the motion; a half is a place that some have
_WIDEST = np.log(10.0)  # of the logarithms of pure numbers in the motion
_DRAWS, _SEED = 20, 1971
_PACES = (1.0, 0.2, 5.0)  # times the measured pace, with the constants as the file has them
_MARGIN = 0.05  # of the measured range of ln G: so far beyond it lie the ends
_POWERS = {"A": 1.0, "S": 1.0, "Ohm": -1.0}  # of a conductance, that constants with a unit have
_STIFF = 0.2  # how readily other constants of the current move, beside these
_STEP, _ROUNDS = 1e-4, 12  # of a logarithm, for slopes; of Newton's steps to the ends
_BENDS = np.geomspace(0.03, 300.0, 25)  # times the exponents of currents in the file
_LEAST = 0.05  # of all changes must go the way that pulses push
_MOVED = 1e-9

Signs = dict[float, FloatArray]


def beginnings(law: FormulaLaw, m: Measurements) -> Iterator[FormulaLaw]:
    """Laws to begin with: as in the file, then with other thresholds and shapes, some drawn."""
    law = _between_ends(_bent(law, m), m)
    for pace in _PACES:
        yield from _valid(law, _paced(law, {}, m, pace))
    volts = [name for name in _of_motion(law, "V") if float(law.constants[name]) > 0]
    numbers = [name for name in _of_motion(law, "-") if float(law.constants[name]) > 0]
    amplitudes = {sign: np.unique(np.abs(m.voltage[np.sign(m.voltage) == sign])) for sign in (-1.0, 1.0)}
    rng = np.random.default_rng(_SEED)
    for draw in range(len(_SHAPES) + _DRAWS):
        drawn = draw >= len(_SHAPES)
        share = float(rng.uniform(*_BELOW)) if drawn else _USUAL
        lower = _thresholds(law, volts, share, amplitudes)
        sizes = np.full(len(numbers), 1.0 if drawn else _SHAPES[draw])
        sizes *= np.exp(rng.uniform(-_WIDEST, _WIDEST, len(numbers))) if drawn else 1.0
        shape = {n: float(law.constants[n] * size) for n, size in zip(numbers, sizes, strict=True)}
        yield from _valid(law, _paced(law, lower | shape, m, 1.0))


def _valid(law: FormulaLaw, constants: Mapping[str, float]) -> Iterator[FormulaLaw]:
    try:
        with np.errstate(all="ignore"):
            found = law.changed(**constants)
    except InputError:
        return
    yield found


def _of_motion(law: FormulaLaw, unit: str) -> list[str]:
    """The constants with this unit that the current does not have."""
    left_out = {*law.conducting, *IMPLICIT}
    return [n for n in law.constants if law.units.get(n) == unit and n not in left_out]


def _bent(law: FormulaLaw, m: Measurements) -> FormulaLaw:
    """The law whose currents bend as sweeps do, half-way; as it is where none were measured."""
    rows = np.flatnonzero(m.sweep & (m.read_voltage != 0) & (m.current != 0))
    names = [n for n in law.conducting if law.units[n] == "1/V" and float(law.constants[n]) > 0]
    for name in names if rows.size else ():
        tried = [one for s in _BENDS for one in _valid(law, {name: float(law.constants[name] * s)})]
        law = min([law, *tried], key=lambda one: _bend_missed(one, m, rows))
    return law


def _bend_missed(law: FormulaLaw, m: Measurements, rows: NDArray[np.intp]) -> float:
    """How far the logarithms of a sweep's currents are off, but for one factor each."""
    with np.errstate(all="ignore"):
        ratio = np.log(np.abs(m.current[rows] / np.asarray(law.current(0.5, m.read_voltage[rows]))))
    own = 2 * m.train[rows] + (m.read_voltage[rows] > 0)
    own = np.unique(own, return_inverse=True)[1]
    rest = ratio - (np.bincount(own, ratio) / np.bincount(own))[own]
    return float(np.sum(np.nan_to_num(rest, nan=_WIDEST, posinf=_WIDEST, neginf=-_WIDEST) ** 2))


def _between_ends(law: FormulaLaw, m: Measurements) -> FormulaLaw:
    """The law whose conductances at omega = 0 and 1 enclose those measured, the constants moved least.

    As conducting as the device on the whole, if no such constants make a law.
    """
    used = np.isfinite(m.conductance) & (m.current != 0) & ~m.sweep
    G = np.abs(m.conductance[used if used.any() else m.current != 0])
    V = float(np.median(np.abs(m.read_voltage[m.read_voltage != 0])))
    low, high = np.log(G.min()), np.log(G.max())
    room = _MARGIN * (high - low) + 1e-3
    names = [n for n in law.conducting if n not in IMPLICIT and float(law.constants[n]) > 0]
    names = [n for n in names if law.units[n] != "1/V"]  # which only bend the current
    begin = np.log([float(law.constants[n]) for n in names])
    free = np.array([1.0 if law.units[n] in _POWERS else _STIFF for n in names])
    both = np.array([V, -V])  # a device that is read one way is as conducting the other way
    targets = np.repeat([low - room, high + room], 2)

    def ends(logs: FloatArray) -> FloatArray:
        constants = {**law.constants, **dict(zip(names, np.exp(logs), strict=True))}
        found = [current_at(law.definition, constants, w, both)[0] / both for w in (0.0, 1.0)]
        return np.log(np.abs(np.array(found, dtype=np.float64))).ravel()

    logs = begin.copy()
    with np.errstate(all="ignore"):
        for _ in range(_ROUNDS):
            here = ends(logs)
            slopes = np.stack([(ends(logs + step) - here) / _STEP for step in _STEP * np.eye(len(logs))])
            step = free * (np.linalg.pinv(np.nan_to_num(slopes).T * free, rcond=1e-6) @ (targets - here))
            logs = logs + np.clip(np.nan_to_num(step), -2.0, 2.0)
        found = dict(zip(names, map(float, np.exp(logs)), strict=True))
        middle = float(np.mean(ends(begin)))
    factor = float(np.exp(np.median(np.log(G)) - middle))
    scaled = {n: float(law.constants[n]) * factor ** _POWERS[law.units[n]]
              for n in names if law.units[n] in _POWERS}  # fmt: skip
    return next(iter([*_valid(law, found), *_valid(law, scaled), law]))


def _speed(law: FormulaLaw, constants: Mapping[str, float], V: FloatArray) -> FloatArray:
    """|d omega / dt| [1/s] half-way, at these voltages."""
    with np.errstate(all="ignore"):
        moved = law.motion_of(np.array(0.5), V, {**law.constants, **constants})
    return np.abs(np.nan_to_num(np.asarray(moved, dtype=np.float64) + 0.0 * V))


def _thresholds(law: FormulaLaw, names: list[str], share: float, amplitudes: Signs) -> dict[str, float]:
    """The voltages of the motion at a share of the smallest pulse of the polarity that they act on."""
    found = dict[str, float]()
    for sign, sizes in amplitudes.items():
        if not sizes.size:
            continue
        least, test = float(sizes[0]), np.array([sign * float(sizes[-1])])
        low = dict.fromkeys(names, 0.3 * least)
        for name in names:
            apart = _speed(law, low, test) - _speed(law, low | {name: 0.6 * least}, test)
            if np.abs(apart).max() > 0:
                found[name] = share * least
    return found


def _paced(
    law: FormulaLaw, constants: dict[str, float], m: Measurements, pace: float
) -> dict[str, float]:
    """The constants with the rates of each polarity such that half-way it is as quick as measured."""
    found = dict(constants)
    for sign in (-1.0, 1.0):
        rows = (np.sign(m.voltage) == sign) & ~m.sweep
        wanted = pace * _measured_speed(m, sign, rows)
        V, T = m.voltage[rows], m.width[rows]
        if not (wanted > 0 and T.sum() > 0):
            continue
        now = float(np.sum(_speed(law, found, V) * T) / T.sum())
        for name in _of_motion(law, "1/s"):
            value = found.get(name, float(law.constants[name]))
            double = float(np.sum(_speed(law, found | {name: 2.0 * value}, V) * T) / T.sum())
            if now > 0 and abs(double - now) > _MOVED * now:
                found[name] = value * wanted / now
                break
    return found


def _measured_speed(m: Measurements, sign: float, rows: NDArray[np.bool_]) -> float:
    """How much of the measured range a second of pulses of this sign moves, on the mean [1/s]."""
    G = m.conductance
    follows = rows & (np.diff(m.train, prepend=-1) == 0) & ~np.append(True, m.sweep[:-1])
    change = -sign * np.diff(G, prepend=G[:1])[follows]
    plain = G[~m.sweep]
    span, total = float(np.ptp(plain)) if plain.size else 0.0, float(m.width[follows].sum())
    if not (span > 0 and total > 0):
        return 0.0
    return max(float(change.sum()), _LEAST * float(np.abs(change).sum())) / span / total
