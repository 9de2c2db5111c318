"""Bootstrap: intervals from refits to misfits that are resampled in blocks (Kuensch 1989).

Blocks are as long as misfits stay correlated. Misfits rather than trains are resampled, since a
lone ramp or sweep may be all that tells one constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.correlated import correlation_of, notable, pairs
from fitting.search.fit import Fit
from fitting.search.intervals import Intervals, known, valued
from fitting.search.multistart import search

RESAMPLES = 400

_FINE = 1e-5  # of the cost: a resampled fit settles quadratically, so the step after would be nothing


def bootstrap(f: Fit, seed: int = 0, count: int = RESAMPLES) -> Intervals:
    """Percentiles of `count` fits to the prediction with resampled misfits, reproducible by the seed.

    Constants that the fit holds at the prior are free here, as in a profile.
    """
    rng = np.random.default_rng(seed)
    m, scale = f.objective.measurements, f.objective.scale
    freedom = f.solution.freedom(len(m))
    misfit = f.residual * np.sqrt(len(m) / freedom)
    length = block_length(f.residual, m)
    names = known(f)
    form = f.objective.form
    places = [form.names.index(name) for name in names]
    draws = np.empty((count, len(names)))
    for row in range(count):
        again = replace(m, current=f.predicted - scale * misfit[resampled(m, length, rng)])
        objective = replace(f.objective, measurements=again)
        draws[row] = search(objective, f.solution.x, tolerance=_FINE).x[places]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0) if names else (np.empty(0), np.empty(0))
    return Intervals(
        method="bootstrap", samples=valued(form, names, draws),
        said=f"bootstrap, {count} resamples of misfits in blocks of {length}, seed {seed}",
        ci95={n: (form.value(n, a), form.value(n, b)) for n, a, b in zip(names, low, high, strict=True)},
        stderr={n: f.estimates[n].size * float(s)
                for n, s in zip(names, np.std(draws, axis=0, ddof=1), strict=True)},
    )  # fmt: skip


def block_length(residual: FloatArray, m: Measurements) -> int:
    """How many successive misfits make a block: 1 where they do not correlate.

    The length is best for a mean of n values with first-order correlation (Carlstein 1986).
    """
    together = pairs(m)
    rho = correlation_of(residual, together)
    if not notable(rho, int(together.sum())):
        return 1
    rho = min(rho, 0.97)
    best = (2.0 * rho / (1.0 - rho**2)) ** (2.0 / 3.0) * len(m) ** (1.0 / 3.0)
    return int(np.clip(round(best), 1, max(len(m) // 10, 1)))


def resampled(m: Measurements, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The row (rows,) whose misfit each row gets: in whole blocks, and sweeps from sweeps."""
    result = np.empty(len(m), dtype=np.int64)
    for rows in _kinds(m):
        first = rng.integers(0, len(rows), -(-len(rows) // length))
        place = (first[:, None] + np.arange(length)).ravel()[: len(rows)] % len(rows)
        result[rows] = rows[place]
    return result


def _kinds(m: Measurements) -> Iterator[NDArray[np.int64]]:
    for sweep in (False, True):
        rows = np.flatnonzero(m.sweep == sweep)
        if rows.size:
            yield rows
