"""Intervals: how far each constant that the data tell may be off, by four methods.

covariance : normal in the logarithm, from the curvature at the optimum. Exact for many readings;
    where not all constants are identifiable, the profile in its place.
profile : where the best misfit with this constant held rises by a 95 % step; follows bends and
    one-sided flatness. What is held at the prior or known in products only is let free.
bootstrap : refits to resampled misfits, in blocks as long as they stay correlated (Kuensch 1989).
    Misfits and not trains are drawn: a lone ramp or sweep may be all that tells one constant.
mcmc : the posterior under flat priors in the logarithms (`fitting.mcmc`, an extra).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fitting._search import search
from fitting.correlated import correlation_of, notable, pairs
from fitting.estimates import from_ends
from fitting.fit import Fit, widened
from fitting.identifiability import student
from fitting.measurements import FloatArray, Measurements
from fitting.profile import profile_ends
from fitting.residuals import NAMES
from roa_circuit.errors import InputError, nearest

METHODS = ("covariance", "profile", "bootstrap", "mcmc")
RESAMPLES = 400

_FINE = 1e-5  # of the cost: a resampled fit settles quadratically, so the step after would be nothing


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Found 95 % intervals by name; a name without a finite one is missing.

    `said` is how they were found; `samples` (draws, constants) has draws of the constants, in
    the order of `ci95`, where the method makes any.
    """

    method: str
    ci95: Mapping[str, tuple[float, float]]
    stderr: Mapping[str, float]
    said: str
    samples: FloatArray | None = None

    def applied(self, f: Fit) -> Fit:
        """The fit with these intervals; a constant that has none is no longer told."""
        estimates = {}
        for name, e in f.estimates.items():
            if e.told and name in self.ci95:
                e = replace(e, stderr=self.stderr[name], ci95=self.ci95[name])  # noqa: PLW2901
            elif e.told:
                e = replace(e, stderr=None, ci95=None, basis="with prior")  # noqa: PLW2901
            estimates[name] = e
        return replace(f, estimates=estimates, intervals=self.said)


def intervals(f: Fit, method: str = "covariance", *, seed: int = 0) -> Intervals:
    """The intervals of a fit by this method.

    Raises
    ------
    InputError : an unknown method, or 'mcmc' without its packages.
    """
    check_method(method)
    if method == "mcmc":
        from fitting.mcmc import posterior

        return posterior(f, seed)
    if method == "bootstrap":
        return bootstrap(f, seed)
    return profile(f) if method == "profile" else curvature(f)


def check_method(method: str) -> None:
    """Refuse a method that is unknown.

    Raises
    ------
    InputError : with the nearest of METHODS.
    """
    if method not in METHODS:
        raise InputError(f"--intervals {method!r} is unknown; {nearest(method, METHODS)}")


def known(f: Fit) -> list[str]:
    """The constants that the data tell, some only roughly."""
    return [name for name, e in f.estimates.items() if e.told]


def curvature(f: Fit) -> Intervals:
    """What the fit has: normal in the logarithm."""
    told = {name: e for name, e in f.estimates.items() if e.ci95 is not None}
    return Intervals(
        method="covariance", said=f.intervals,
        ci95={name: e.ci95 for name, e in told.items() if e.ci95 is not None},
        stderr={name: e.stderr for name, e in told.items() if e.stderr is not None},
    )  # fmt: skip


def profile(f: Fit) -> Intervals:
    """Likelihood-ratio intervals (`profile_ends`)."""
    reach = student(f.solution.freedom(len(f.residual)))
    ci95, stderr = {}, {}
    for name, ends in profile_ends(f.objective, f.solution, known(f), f.widening).items():
        stderr[name], ci95[name] = from_ends(f.estimates[name].value, ends, reach)
    return Intervals(method="profile", ci95=ci95, stderr=stderr, said="profile likelihood" + widened(f))


# --- bootstrap ------------------------------------------------------------------------------------


def bootstrap(f: Fit, seed: int = 0, count: int = RESAMPLES) -> Intervals:
    """Percentiles of `count` fits to the prediction with resampled misfits; the same seed, the same.

    What the fit holds at the prior is let free, as in a profile.
    """
    rng = np.random.default_rng(seed)
    m, scale = f.objective.measurements, f.objective.scale
    freedom = f.solution.freedom(len(m))
    misfit = f.residual * np.sqrt(len(m) / freedom)
    length = block_length(f.residual, m)
    names = known(f)
    places = [NAMES.index(name) for name in names]
    draws = np.empty((count, len(names)))
    for row in range(count):
        again = replace(m, current=f.predicted - scale * misfit[resampled(m, length, rng)])
        objective = replace(f.objective, measurements=again)
        draws[row] = search(objective, f.solution.x, tolerance=_FINE).x[places]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0) if names else (np.empty(0), np.empty(0))
    return Intervals(
        method="bootstrap", samples=np.exp(draws),
        said=f"bootstrap, {count} resamples of misfits in blocks of {length}, seed {seed}",
        ci95={n: (float(np.exp(a)), float(np.exp(b))) for n, a, b in zip(names, low, high, strict=True)},
        stderr={n: f.estimates[n].value * float(s)
                for n, s in zip(names, np.std(draws, axis=0, ddof=1), strict=True)},
    )  # fmt: skip


def block_length(residual: FloatArray, m: Measurements) -> int:
    """How many successive misfits belong together: 1 where they do not correlate.

    Best for a mean of n first-order correlated values (Carlstein 1986).
    """
    together = pairs(m)
    rho = correlation_of(residual, together)
    if not notable(rho, int(together.sum())):
        return 1
    rho = min(rho, 0.97)
    best = (2.0 * rho / (1.0 - rho**2)) ** (2.0 / 3.0) * len(m) ** (1.0 / 3.0)
    return int(np.clip(round(best), 1, max(len(m) // 10, 1)))


def resampled(m: Measurements, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """For every row the row whose misfit it gets, (rows,): whole blocks, sweeps among sweeps."""
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
