"""Intervals: how far each identifiable constant may be off, by four methods.

covariance : normal in the logarithm, from the curvature at the optimum. Exact for many readings.
profile : where the best misfit with this constant held rises by a 95 % step; follows bends and
    one-sided flatness. What is held at the prior or known in products only is let free.
bootstrap : refits to resampled misfits, in blocks as long as they stay correlated (Kuensch 1989).
    Misfits and not trains are drawn: a lone ramp or sweep may be all that tells one constant.
mcmc : the posterior under flat priors in the logarithms (`fitting.mcmc`, an extra).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fitting._elimination import projected
from fitting._search import Solution, limits, search
from fitting.correlated import correlation_of, notable, pairs
from fitting.fit import Fit, widened
from fitting.identifiability import covariance, student
from fitting.measurements import FloatArray, Measurements
from fitting.residuals import NAMES, Objective
from roa_circuit.errors import InputError, nearest

METHODS = ("covariance", "profile", "bootstrap", "mcmc")
RESAMPLES = 400

_MOST_TRIALS = 20
_NEAR = 0.005  # of its reach: how well the end of a profile interval is found
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
        """The fit with these intervals; a constant that has none is no longer identifiable."""
        estimates = {}
        for name, e in f.estimates.items():
            if e.identifiable and name in self.ci95:
                e = replace(e, stderr=self.stderr[name], ci95=self.ci95[name])  # noqa: PLW2901
            elif e.identifiable:
                e = replace(e, stderr=None, ci95=None, identifiable=False, basis="with prior")  # noqa: PLW2901
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
    """The identifiable constants."""
    return [name for name, e in f.estimates.items() if e.identifiable]


def curvature(f: Fit) -> Intervals:
    """What the fit has: normal in the logarithm."""
    told = {name: e for name, e in f.estimates.items() if e.ci95 is not None}
    return Intervals(
        method="covariance", said=f.intervals,
        ci95={name: e.ci95 for name, e in told.items() if e.ci95 is not None},
        stderr={name: e.stderr for name, e in told.items() if e.stderr is not None},
    )  # fmt: skip


# --- profile likelihood ---------------------------------------------------------------------------


def profile(f: Fit) -> Intervals:
    """Likelihood-ratio intervals; a side on which the misfit never rises enough leaves none."""
    objective = f.objective
    free = search(objective, f.solution.x)  # what leans on a held constant may move with it
    noise, unit = f.solution.noise(objective)
    reach = student(f.solution.freedom(len(f.residual)))
    everything = np.ones(len(NAMES), dtype=bool)
    spread = covariance(projected(objective.plain, free.x), max(noise, 1e-300), everything)
    ci95, stderr = {}, {}
    for name in known(f):
        place = NAMES.index(name)
        direction = np.append(spread[place] / spread[place, place], np.zeros(len(free.x) - len(NAMES)))
        ends = []
        for sign in (-1.0, 1.0):
            line = _Profile(objective=objective, free=free, place=place, direction=direction, unit=unit)
            error = sign * float(np.sqrt(spread[place, place]))
            end = _crossing(line, error, reach * float(f.widening[place]), line.room(sign))
            ends.append(end)
        if ends[0] is not None and ends[1] is not None:
            value = f.estimates[name].value
            low, high = (float(np.exp(free.x[place] + u)) for u in (ends[0], ends[1]))
            ci95[name] = (min(low, value), max(high, value))
            stderr[name] = value * (ends[1] - ends[0]) / (2.0 * reach)
    return Intervals(method="profile", ci95=ci95, stderr=stderr, said="profile likelihood" + widened(f))


@dataclass(frozen=True, kw_only=True)
class _Profile:
    """The misfit along one constant, all others at their best for it."""

    objective: Objective
    free: Solution
    place: int
    direction: FloatArray
    unit: float

    def room(self, sign: float) -> float:
        """How far the logarithm may go to this side."""
        low, high = limits(NAMES[self.place], self.objective.measurements)
        return float((high if sign > 0 else low) - self.free.x[self.place])

    def __call__(self, u: float) -> float:
        """sqrt of the rise at `u` from the optimum, in units of the noise: |u| / error if normal."""
        moved = search(self.objective, self.free.x + u * self.direction, {NAMES[self.place]})
        rise = (moved.cost - self.free.cost) / max(self.unit, 1e-300) ** 2
        return float(np.sqrt(max(rise, 0.0)))


def _crossing(line: Callable[[float], float], error: float, reach: float, room: float) -> float | None:
    """u where line(u) = reach, from `error` (its sign is the side) up to `room`; None beyond that.

    Secants on a nearly straight line, kept inside the bracket that they find.
    """
    inside, at_inside = 0.0, 0.0
    outside, at_outside = None, np.inf
    u = error * reach
    for _ in range(_MOST_TRIALS):
        u = np.sign(room) * min(abs(u), abs(room))
        value = line(u)
        if abs(value - reach) < _NEAR * reach:
            return float(u)
        if value < reach:
            if u == room:
                return None
            inside, at_inside = u, value
        else:
            outside, at_outside = u, value
        if outside is None:
            u = u * float(np.clip(reach / max(value, 1e-9), 1.2, 3.0))
        else:
            share = (reach - at_inside) / (at_outside - at_inside)
            u = inside + float(np.clip(share, 0.1, 0.9)) * (outside - inside)
    return float(u)


# --- bootstrap ------------------------------------------------------------------------------------


def bootstrap(f: Fit, seed: int = 0, count: int = RESAMPLES) -> Intervals:
    """Percentiles of `count` fits to the prediction with resampled misfits; the same seed, the same.

    What the fit holds at the prior stays held.
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
        draws[row] = search(objective, f.solution.x, f.solution.held, tolerance=_FINE).x[places]
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
