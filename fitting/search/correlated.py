"""Correlated misfits: how much wider an interval must be when successive errors are not independent.

Write noise adds up along a train, and a slightly wrong law bends away from it. Both leave misfits
that are like their neighbours, so that many readings say little more than a few.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import FloatArray, Measurements

NOTABLE = 0.15
"""A correlation below this costs little, however certain it is."""

_SIGMAS = 3.0


def correlation(misfit: FloatArray, m: Measurements) -> float:
    """The correlation of successive misfits (rows,) within trains, without sweeps: 0 for pure noise."""
    return correlation_of(misfit, pairs(m))


def pairs(m: Measurements) -> NDArray[np.bool_]:
    """(rows - 1,): whether a reading and the next are of one train, and of no sweep at rest."""
    result: NDArray[np.bool_] = (np.diff(m.train) == 0) & ~m.still[1:] & ~m.still[:-1]
    return result


def correlation_of(misfit: FloatArray, together: NDArray[np.bool_]) -> float:
    """The correlation of successive misfits, in pairs that begin where `together` (rows - 1,)."""
    first, second = misfit[:-1][together], misfit[1:][together]
    size = 0.5 * float(np.sum(first**2) + np.sum(second**2))
    return float(np.sum(first * second)) / size if size > 0 else 0.0


def notable(rho: float, count: int) -> bool:
    """Whether a correlation of so many pairs is beyond chance and large enough to matter."""
    return count > 0 and rho > max(_SIGMAS / np.sqrt(count), NOTABLE)


def widening(jacobian: FloatArray, score: FloatArray, spread: FloatArray, m: Measurements) -> FloatArray:
    """The factor (n,) by which each unknown's error grows, at least 1.

    It is the sandwich of Newey and West (1987) over the one without lags, with as many lags as errors
    of first-order correlation ask for (Andrews 1991, eq. 6.2). `score` (rows,) is the pull of each
    misfit, `spread` (n, n) the covariance.
    """
    together = pairs(m)
    rho = correlation_of(score, together)
    if not notable(rho, int(together.sum())):
        return np.ones(jacobian.shape[1])
    rho = min(rho, 0.97)
    lags = int(np.ceil(1.1447 * (4.0 * rho**2 / (1.0 - rho**2) ** 2 * len(m)) ** (1.0 / 3.0)))
    pull = jacobian * score[:, None]
    alone = pull.T @ pull
    whole = alone.copy()
    for lag in range(1, min(lags, len(m) - 1) + 1):
        same = ((m.train[lag:] == m.train[:-lag]) & (m.sweep[lag:] == m.sweep[:-lag]))[:, None]
        shared = (pull[lag:] * same).T @ pull[:-lag]
        whole += (1.0 - lag / (lags + 1.0)) * (shared + shared.T)
    independent = np.einsum("ij,jk,ki->i", spread, alone, spread)
    correlated = np.einsum("ij,jk,ki->i", spread, whole, spread)
    ratio = np.divide(correlated, independent, where=independent > 0, out=np.ones_like(independent))
    result: FloatArray = np.sqrt(np.maximum(ratio, 1.0))
    return result
