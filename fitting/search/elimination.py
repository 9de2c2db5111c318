"""Elimination of the starting states: the misfit as a function of the constants alone.

Each train's start affects its own readings only. So the best start for given constants is a
problem in one unknown, solved for all trains at once (variable projection, Golub and Pereyra
1973; the Jacobian is Kaufman's). The cost grows with the readings, whatever the number of cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.model.residuals import Objective
from fitting.readers.measurements import FloatArray

LARGEST_LOGIT = 25.0
_LARGEST_STEP = 4.0
_MOST_STEPS = 15
_SETTLED = 1e-12  # of the cost
_UNFELT = 1e-10  # squared slope by a logit: a start that moves no reading absorbs nothing


class Eliminated:
    """Residual and Jacobian over the free constants, with every start at its best for them.

    `x` (constants + trains,) is where the search begins; constants that are not in `free` stay there.
    """

    def __init__(self, objective: Objective, x: FloatArray, free: NDArray[np.int64]) -> None:
        self._objective, self._free = objective, free
        # A search that takes a step back finds the starts as they were: they may have several bests.
        self._count = n = objective.form.count
        self._x = np.append(x[:n], np.clip(x[n:], -LARGEST_LOGIT, LARGEST_LOGIT))
        self._known: dict[bytes, FloatArray] = {}

    def full(self, constants: FloatArray) -> FloatArray:
        """The whole search vector (constants + trains,): all constants with their best starts."""
        key = np.asarray(constants).tobytes()
        if key not in self._known:
            x, n = self._x.copy(), self._count
            x[self._free] = constants
            x[n:] = best_starts(self._objective, x[:n], x[n:])
            self._known[key] = x
        self._x = self._known[key]
        return self._x.copy()

    def residual(self, x: FloatArray) -> FloatArray:
        """(rows,), and what the form asks of its constants apart from readings."""
        here = self.full(x)
        stiffness, misfit = self._objective.form.stiffness, self._objective.residual(here)
        if stiffness is None:
            return misfit
        return np.concatenate([misfit, stiffness @ here[: self._count]])

    def jacobian(self, x: FloatArray) -> FloatArray:
        """d residual / d x (rows, free), without what the starts can absorb."""
        here = self.full(x)
        self._known = {np.asarray(x).tobytes(): here}
        stiffness, slopes = self._objective.form.stiffness, projected(self._objective, here)
        if stiffness is not None:
            slopes = np.concatenate([slopes, stiffness])
        return slopes[:, self._free]


def projected(objective: Objective, x: FloatArray) -> FloatArray:
    """The Jacobian by the constants (rows, n), without its part along each train's start."""
    _, constants, start = objective.slopes(x)
    train, trains = objective.measurements.train, len(x) - objective.form.count
    size = _sums(start**2, train, trains)
    shared = np.stack([_sums(start * column, train, trains) for column in constants.T])
    share = shared / (size + _UNFELT)
    result: FloatArray = constants - start[:, None] * share[:, train].T
    return result


def best_starts(objective: Objective, constants: FloatArray, logits: FloatArray) -> FloatArray:
    """Each train's best starting logit (trains,), by damped Gauss-Newton from `logits`."""
    train, trains, n = objective.measurements.train, len(logits), objective.form.count
    x = np.concatenate([constants, logits])
    residual, slope = objective.start_slope(x)
    cost = _sums(residual**2, train, trains)
    damping = np.zeros(trains)
    for _ in range(_MOST_STEPS):
        size = _sums(slope**2, train, trains) * (1.0 + damping)
        downhill = _sums(slope * residual, train, trains)
        step = np.divide(-downhill, size, where=size > 0, out=np.zeros(trains))
        step = np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
        trial = x.copy()
        trial[n:] = np.clip(x[n:] + step, -LARGEST_LOGIT, LARGEST_LOGIT)
        moved = trial[n:] - x[n:]
        if np.sum(np.abs(downhill * moved)) <= _SETTLED * np.sum(cost):
            break
        after, after_slope = objective.start_slope(trial)
        after_cost = _sums(after**2, train, trains)
        better = after_cost <= cost
        damping = np.where(better, damping * 0.1 * (damping > 1e-3), np.maximum(10.0 * damping, 1.0))
        x[n:] = np.where(better, trial[n:], x[n:])
        here = better[train]
        residual, slope = np.where(here, after, residual), np.where(here, after_slope, slope)
        cost = np.where(better, after_cost, cost)
    return x[n:]


def _sums(values: FloatArray, train: object, trains: int) -> FloatArray:
    return np.bincount(np.asarray(train), weights=values, minlength=trains).astype(np.float64)
