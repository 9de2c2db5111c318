"""Matched: the constants of a law's motion, brought to the changes from reading to reading.

Between two readings a pulse has moved the state by about its speed half-way times its width. Speeds are
plain formulas, so that constants are fitted to all changes at once, without following any train
(gradient matching, Varah, SIAM J. Sci. Stat. Comput. 3, 28 (1982)). It is no more than a beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.formula_law import FormulaLaw
from roa_circuit.device.laws.formulas.definition import IMPLICIT

_MOST = 400  # changes that are matched
_CALLS = 40  # of the speeds' formulas, times one more than there are constants
_REACH = np.log(100.0)  # that a constant moves at most


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Changes of the state by single rows of pulses, as a law reads them from currents.

    omega, change : (changes,) half-way, and how far
    voltage, width : (changes,) [V] and [s] of the pulses between
    """

    omega: FloatArray
    change: FloatArray
    voltage: FloatArray
    width: FloatArray

    @classmethod
    def of(cls, law: FormulaLaw, m: Measurements) -> Changes:
        """Those of readings whose states lie between the law's ends, evenly thinned."""
        off, on = (np.asarray(law.current(w, m.read_voltage)) for w in (0.0, 1.0))
        with np.errstate(all="ignore"):
            omega = (m.current - off) / (on - off)
        before = np.append(np.nan, omega[:-1])
        follows = (np.diff(m.train, prepend=-1) == 0) & ~m.sweep & ~np.append(True, m.sweep[:-1])
        told = follows & (m.voltage != 0) & (m.width > 0) & np.isfinite(omega + before)
        rows = np.flatnonzero(told & (np.abs(omega + before - 1.0) < 1.0))
        rows = rows[:: max(1, -(-len(rows) // _MOST))]
        return cls(
            omega=0.5 * (omega + before)[rows],
            change=(omega - before)[rows],
            voltage=m.voltage[rows],
            width=m.width[rows],
        )


def matched(law: FormulaLaw, changes: Changes) -> FormulaLaw | None:
    """The law whose speeds meet the changes best, near a law to begin with; None if there is none."""
    left_out = {*law.conducting, *IMPLICIT}
    names = [n for n in law.constants if n not in left_out and float(law.constants[n]) > 0]
    if not names or len(changes.change) <= len(names):
        return None
    begin = np.log([float(law.constants[n]) for n in names])
    unit = float(np.median(np.abs(changes.change))) or 1.0
    sides = [np.flatnonzero(sign * changes.voltage > 0) for sign in (-1.0, 1.0)]

    def misses(logs: NDArray[np.float64]) -> FloatArray:
        constants = {**law.constants, **dict(zip(names, np.exp(logs), strict=True))}
        moved = np.zeros(len(changes.change))
        with np.errstate(all="ignore"):
            for rows in (one for one in sides if one.size):
                moved[rows] = law.motion_of(changes.omega[rows], changes.voltage[rows], constants)
        miss = (moved * changes.width - changes.change) / unit
        return np.clip(np.nan_to_num(miss, nan=1e6), -1e6, 1e6)

    bounds = begin - _REACH, begin + _REACH
    found = least_squares(misses, begin, bounds=bounds, loss="soft_l1", x_scale=1.0, max_nfev=_CALLS)
    try:
        with np.errstate(all="ignore"):
            return law.changed(**dict(zip(names, map(float, np.exp(found.x)), strict=True)))
    except InputError:
        return None
