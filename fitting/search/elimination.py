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

SETTLED = 1e-12
"""Of the cost: what a better start may still bring."""

MOST_STEPS = 15
"""Of the starts, for each step of the constants."""

_LARGEST_STEP = 4.0
_FURTHEST = 1.0  # of a logit, by which a start follows; one that is hardly felt would leap
_HOPELESS, _FEW_STEPS = 1e4, 2  # times the cost before, of constants that no start can save
_NO_LAW = 1e6  # the misfit of constants that make none
_INSIDE = 8.0  # the logit of 3e-4
_UNFELT = 1e-10  # squared slope by a logit: a start that moves no reading absorbs nothing


class Eliminated:
    """Residual and Jacobian over the free constants, with every start at its best for them.

    `x` (constants + trains,) is where the search begins; constants that are not in `free` stay there.
    """

    def __init__(
        self,
        objective: Objective,
        x: FloatArray,
        free: NDArray[np.int64],
        settled: float = SETTLED,
        most: int = MOST_STEPS,
    ) -> None:
        self._objective, self._free, self._settled, self._most = objective, free, settled, most
        # A search that takes a step back finds the starts as they were: they may have several bests.
        self._count = n = objective.form.count
        furthest = objective.form.furthest
        self._x = np.append(x[:n], np.clip(x[n:], -furthest, furthest))
        self._known: dict[bytes, tuple[FloatArray, FloatArray]] = {}
        self._least = np.inf
        self._follow: tuple[FloatArray, FloatArray] | None = None  # (where, starts by constants) last

    def full(self, constants: FloatArray) -> FloatArray:
        """The whole search vector (constants + trains,): all constants with their best starts."""
        return self._settled_at(constants)[0].copy()

    def _settled_at(self, constants: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(the whole search vector, its misfit (rows,))."""
        key = np.asarray(constants).tobytes()
        if key not in self._known:
            x, n = self._x.copy(), self._count
            if self._follow is not None and self._objective.form.starts_follow:
                x = self._follow[0].copy()
                moved = (constants - x[self._free]) @ self._follow[1]
                x[n:] += np.where(np.abs(moved) <= _FURTHEST, moved, 0.0)
                furthest = self._objective.form.furthest
                x[n:] = np.clip(x[n:], -furthest, furthest)
            x[self._free] = constants
            form = self._objective.form
            if form.walled() is not form or form.makes_law(x[:n]):
                x[n:], misfit = _settle(
                    self._objective, x[:n], x[n:], self._settled, self._most, _HOPELESS * self._least
                )
            else:
                misfit = np.full(len(self._objective.measurements), _NO_LAW)
            self._known[key] = x, misfit
        self._x = self._known[key][0]
        return self._known[key]

    def residual(self, x: FloatArray) -> FloatArray:
        """(rows,), and what the form asks of its constants apart from readings."""
        here, misfit = self._settled_at(x)
        stiffness = self._objective.form.stiffness
        if stiffness is None:
            return misfit
        return np.concatenate([misfit, stiffness @ here[: self._count]])

    def jacobian(self, x: FloatArray) -> FloatArray:
        """d residual / d x (rows, free), without what the starts can absorb."""
        here, misfit = self._settled_at(x)
        self._known = {np.asarray(x).tobytes(): (here, misfit)}
        stiffness = self._objective.form.stiffness
        self._least = float(misfit @ misfit)
        slopes, following = _projected(self._objective, here)
        self._follow = here, following[self._free]
        if stiffness is not None:
            slopes = np.concatenate([slopes, stiffness])
        return slopes[:, self._free]


def projected(objective: Objective, x: FloatArray) -> FloatArray:
    """The Jacobian by the constants (rows, n), without its part along each train's start.

    A start at an end of the range is taken a little inside: a logit there moves nothing, and what the
    start could still absorb would pass for knowledge of the constants.
    """
    inside = x.copy()
    inside[objective.form.count :] = np.clip(x[objective.form.count :], -_INSIDE, _INSIDE)
    return _projected(objective, inside)[0]


def _projected(objective: Objective, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(the Jacobian without its part along the starts, how the best starts follow (n, trains))."""
    _, constants, start = objective.slopes(x)
    train, trains = objective.measurements.train, len(x) - objective.form.count
    size = _sums(start**2, train, trains)
    shared = np.stack([_sums(start * column, train, trains) for column in constants.T])
    share = shared / (size + _UNFELT)
    result: FloatArray = constants - start[:, None] * share[:, train].T
    return result, -share


def best_starts(objective: Objective, constants: FloatArray, logits: FloatArray) -> FloatArray:
    """Each train's best starting logit (trains,), by damped Gauss-Newton from `logits`."""
    return _settle(objective, constants, logits, SETTLED, MOST_STEPS)[0]


def _settle(
    objective: Objective,
    constants: FloatArray,
    logits: FloatArray,
    settled: float,
    most: int,
    hopeless: float = np.inf,
) -> tuple[FloatArray, FloatArray]:
    """(the best starting logits (trains,), the misfit with them (rows,)).

    It takes `most` steps, until they bring less than `settled` of the cost. One that is `hopeless` after
    a few steps stays so.
    """
    train, trains, n = objective.measurements.train, len(logits), objective.form.count
    x = np.concatenate([constants, logits])
    residual, slope = objective.start_slope(x)
    cost = _sums(residual**2, train, trains)
    damping, furthest = np.zeros(trains), objective.form.furthest
    for taken in range(most):
        if taken > _FEW_STEPS and np.sum(cost) > hopeless:
            break
        size = _sums(slope**2, train, trains) * (1.0 + damping)
        downhill = _sums(slope * residual, train, trains)
        step = np.divide(-downhill, size, where=size > 0, out=np.zeros(trains))
        step = np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
        trial = x.copy()
        trial[n:] = np.clip(x[n:] + step, -furthest, furthest)
        moved = trial[n:] - x[n:]
        if np.sum(np.abs(downhill * moved)) <= settled * np.sum(cost):
            break
        after, after_slope = objective.start_slope(trial)
        after_cost = _sums(after**2, train, trains)
        better = after_cost <= cost
        damping = np.where(better, damping * 0.1 * (damping > 1e-3), np.maximum(10.0 * damping, 1.0))
        x[n:] = np.where(better, trial[n:], x[n:])
        here = better[train]
        residual, slope = np.where(here, after, residual), np.where(here, after_slope, slope)
        cost = np.where(better, after_cost, cost)
    return x[n:], residual


def _sums(values: FloatArray, train: object, trains: int) -> FloatArray:
    return np.bincount(np.asarray(train), weights=values, minlength=trains).astype(np.float64)
