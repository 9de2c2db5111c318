"""Descent: Levenberg-Marquardt within bounds, for a handful of unknowns and any number of readings.

MINPACK's algorithm (More 1978) in numpy alone. Profiles and bootstraps make hundreds of short
searches from good starts, in which the overhead of a general package would outweigh the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fitting.readers.measurements import FloatArray

_FIRST_DAMPING = 1e-3
_MOST_DAMPING = 1e14  # a step this short moves no digit
_UNFELT = 1e-5  # of the slope that is felt most
_PRECISION = 1e-28  # squared residual a reading: what rounding leaves of a perfect fit


class Problem(Protocol):
    """The function to minimise: half the sum of squares of `residual`."""

    def residual(self, x: FloatArray) -> FloatArray:
        """(rows,)."""

    def jacobian(self, x: FloatArray) -> FloatArray:
        """d residual / d x (rows, n), at the place of the last accepted residual."""


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """Where a descent ended, its sum of squares, and whether it converged."""

    x: FloatArray
    cost: float
    converged: bool


def descend(
    problem: Problem,
    x: FloatArray,
    low: FloatArray,
    high: FloatArray,
    *,
    most: int,
    tolerance: float,
    enough: float = 0.0,
    longest: float = np.inf,
) -> Minimum:
    """Descend from `x` (n,) until a step promises and brings less than `tolerance` of the cost.

    Where `longest` is given, no variable moves further in a step, and one that the residual does not
    feel stays: it would leap, and every step would fail that has it in it. It takes `most` steps at
    most, and stops at once below the cost `enough`. A variable whose gradient pulls it out of its
    bounds stays there.
    """
    x = np.clip(x, low, high)
    residual = problem.residual(x)
    cost = float(residual @ residual)
    damping, growth, widest = _FIRST_DAMPING, 2.0, np.zeros(len(x))
    for _ in range(most):
        if not x.size or cost <= max(enough, _PRECISION * len(residual)):
            return Minimum(x=x, cost=cost, converged=True)
        J = problem.jacobian(x)
        downhill = -(J.T @ residual)
        widest = np.maximum(widest, np.sqrt(np.sum(J**2, axis=0)))
        stuck = ((x <= low) & (downhill < 0)) | ((x >= high) & (downhill > 0))
        if longest < np.inf:
            felt = np.sqrt(np.sum(J**2, axis=0))
            stuck |= felt <= _UNFELT * felt.max()
        J = np.where(stuck, 0.0, J)
        Q, R = np.linalg.qr(J)
        target = -(Q.T @ residual)
        while True:
            reach = np.maximum(low - x, -longest), np.minimum(high - x, longest)
            moved = _step(R, target, damping * widest**2, *reach)
            promised = float(target @ target - np.sum((target - R @ moved) ** 2))
            trial = problem.residual(x + moved)
            gained = cost - float(trial @ trial)
            if gained > 0:  # False for NaN, too
                break
            if max(promised, -gained) <= tolerance * cost or damping > _MOST_DAMPING:
                problem.residual(x)
                return Minimum(x=x, cost=cost, converged=True)
            damping, growth = damping * growth, 2.0 * growth
        share = gained / max(promised, gained / 2.0)
        damping, growth = damping * max(1 / 3, 1.0 - (2.0 * share - 1.0) ** 3), 2.0
        x, residual, before = x + moved, trial, cost
        cost -= gained
        if max(gained, promised) <= tolerance * before:
            return Minimum(x=x, cost=cost, converged=True)
    return Minimum(x=x, cost=cost, converged=False)


def _step(
    R: FloatArray, target: FloatArray, weight: FloatArray, least: FloatArray, most: FloatArray
) -> FloatArray:
    """The damped step, R step = target and sqrt(weight) step = 0 in least squares, within limits.

    Variables that would overstep go to their limit, and the others are solved for once more.
    """
    damped = np.concatenate([R, np.diag(np.sqrt(weight))])
    right = np.append(target, np.zeros(len(weight)))
    step, free = np.zeros(len(weight)), np.ones(len(weight), dtype=bool)
    while free.any():
        step[free] = np.linalg.lstsq(
            damped[:, free], right - damped[:, ~free] @ step[~free], rcond=None
        )[0]
        over = free & ((step < least) | (step > most))
        if not over.any():
            break
        step[over] = np.clip(step, least, most)[over]
        free &= ~over
    return step
