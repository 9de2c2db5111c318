"""Comparison: is Eq. 1 the right law for these trains, or would a simpler one do as well?

Two references that know neither voltage nor time, each with constants per kind of pulse:
a constant step, G_n = G_(n-1) + d, and exponential saturation, G_n = G_(n-1) + r (G_end - G_(n-1)).
All three laws are judged on the same readings, with free starts, by AIC
(n log(cost / n) + 2 unknowns; Akaike 1974) and by trains they were not fitted to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting._elimination import best_starts, projected
from fitting._search import best_search
from fitting.measurements import FloatArray, Measurements
from fitting.residuals import NAMES, Objective
from roa_circuit.parameters import Device

LAWS = ("Eq. 1-2", "exponential saturation", "constant step")
_SYSTEMATIC = 0.5  # correlation of successive misfits
_FEWEST = 6  # readings that make a train


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One law on one set of readings, all errors relative.

    `rmse` over all readings, `held_out` over trains that its constants never saw (only their
    starting states were fitted; None with fewer than 4 trains), `unknowns` constants and starts.
    """

    law: str
    rmse: float
    held_out: float | None
    unknowns: int
    aic: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All laws, the best by AIC first; and how far Eq. 1-2's misfit is from mere noise.

    `scatter` is the relative noise that neighbouring readings show without any law;
    `correlation` that of successive misfits of Eq. 1-2: 0 for noise, towards 1 for a wrong law.
    """

    verdicts: tuple[Verdict, ...]
    scatter: float
    correlation: float

    def line(self) -> str:
        """One plain sentence on whether the law of Eq. 1-2 holds."""
        own = next(v for v in self.verdicts if v.law == LAWS[0])
        best = self.verdicts[0]
        noise = f"{own.rmse:.2%} rms against {self.scatter:.2%} of noise"
        if self.correlation > _SYSTEMATIC:
            tail = "" if best is own else f"; {best.law} is better by AIC ({best.rmse:.2%})"
            return (f"law: Eq. 1-2 misses systematically ({noise}, successive misfits correlate "
                    f"{self.correlation:.2f}){tail}")  # fmt: skip
        if best is not own:
            return f"law: {best.law} does better by AIC ({best.rmse:.2%}); Eq. 1-2 has {noise}"
        return f"law: Eq. 1-2 is the best of {len(self.verdicts)} by AIC, {noise}"


def compare(m: Measurements, prior: Device) -> Comparison | None:
    """Fit all laws to the pulse trains (sweeps left out); None where no train has 6 readings.

    Two folds of trains, even and odd, serve the hold-out.
    """
    plain = _without_sweeps(m)
    if plain is None:
        return None
    fits: tuple[Callable[[Measurements], Predictor], ...] = (
        lambda part: _equations(part, prior), lambda part: _steps(part, decay=True),
        lambda part: _steps(part, decay=False),
    )  # fmt: skip
    verdicts = []
    for law, fit in zip(LAWS, fits, strict=True):
        predictor = fit(plain)
        residual = predictor.misfit(plain)
        unknowns = predictor.constants + len(plain.labels)
        cost = float(np.sum(residual**2))
        verdicts.append(Verdict(
            law=law, rmse=float(np.sqrt(np.mean(residual**2))), held_out=_held_out(plain, fit),
            unknowns=unknowns,
            aic=len(plain) * float(np.log(max(cost, 1e-300) / len(plain))) + 2 * unknowns,
        ))  # fmt: skip
        if law == LAWS[0]:
            correlation = _correlation(residual, plain)
    return Comparison(
        verdicts=tuple(sorted(verdicts, key=lambda v: v.aic)), scatter=_scatter(plain),
        correlation=correlation,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """A fitted law: how many constants it has, and its misfit on any trains, starts refitted."""

    constants: int
    misfit: Callable[[Measurements], FloatArray]


def _equations(m: Measurements, prior: Device) -> Predictor:
    objective = Objective.of(m)
    found = best_search(objective, m, prior.memristor)
    constants = found.x[: len(NAMES)]

    def misfit(other: Measurements) -> FloatArray:
        o = Objective.of(other)
        if other is m:
            return o.residual(found.x)
        middle = np.full(len(other.labels), np.median(found.x[len(NAMES) :]))
        return o.residual(np.concatenate([constants, best_starts(o, constants, middle)]))

    # Constants that the trains do not feel cost nothing: count those that they do.
    singular = np.linalg.svd(projected(objective, found.x), compute_uv=False)
    felt = int(np.sum(singular > 1e-6 * max(singular[0], 1e-300)))
    return Predictor(constants=felt, misfit=misfit)


def _steps(m: Measurements, *, decay: bool) -> Predictor:
    """G_n = a + b G_(n-1) for each kind of pulse (b = 1 without decay), start free."""
    kinds, kind = _kinds(m)
    follows = np.diff(m.train, prepend=-1) == 0
    a, b = np.zeros(len(kinds)), np.ones(len(kinds))
    G = m.conductance
    for index in range(1, len(kinds)):  # the first kind is 'no pulse'
        rows = np.flatnonzero(follows & (kind == index))
        if not len(rows):
            continue
        before, after = G[rows - 1], G[rows]
        a[index] = np.mean(after - before)
        if decay and len(rows) > 2 and np.ptp(before) > 0:
            slope = np.polyfit(before, after, 1)
            if 0.0 < slope[0] < 1.5:
                b[index], a[index] = slope
    a, b = _refined(m, kinds, a, b, decay=decay)

    def misfit(other: Measurements) -> FloatArray:
        return _affine_misfit(other, kinds, a, b)

    return Predictor(constants=(2 if decay else 1) * (len(kinds) - 1), misfit=misfit)


def _refined(
    m: Measurements, kinds: FloatArray, a: FloatArray, b: FloatArray, *, decay: bool
) -> tuple[FloatArray, FloatArray]:
    """Whole trains rather than single steps, as Eq. 1 is fitted: least squares over a and b."""
    from scipy.optimize import least_squares

    if not 1 < len(kinds) <= 12:
        return a, b
    size = float(np.median(m.conductance))
    free = len(kinds) - 1

    def unpack(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        b_ = np.append(1.0, np.exp(-x[free:])) if decay else b
        return np.append(0.0, x[:free] * size), b_

    x = a[1:] / size
    x = np.append(x, -np.log(b[1:])) if decay else x
    best = least_squares(lambda x: _affine_misfit(m, kinds, *unpack(x)), x, x_scale="jac", max_nfev=50)
    return unpack(best.x)


def _affine_misfit(m: Measurements, kinds: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """The relative misfit (rows,) with each train's best start, in closed form."""
    kind = _kind_of(m, kinds)
    offset, gain = np.empty(len(m)), np.empty(len(m))
    G, last = m.conductance, -1
    for row, (train, k) in enumerate(zip(m.train.tolist(), kind.tolist(), strict=True)):
        before, factor = (0.0, 1.0) if train != last else (offset[row - 1], gain[row - 1])
        offset[row], gain[row], last = a[k] + b[k] * before, b[k] * factor, train
    trains = len(m.labels)
    weight = 1.0 / G
    up = np.bincount(m.train, weights=(G - offset) * gain * weight**2, minlength=trains)
    down = np.bincount(m.train, weights=(gain * weight) ** 2, minlength=trains)
    start = up / np.maximum(down, 1e-300)
    result: FloatArray = (offset + gain * start[m.train] - G) * weight
    return result


def _kinds(m: Measurements) -> tuple[FloatArray, NDArray[np.int64]]:
    """(kinds (n, 2), kind of every row): pulses by voltage and width, 'no pulse' first."""
    found = np.unique(np.stack([m.voltage, m.width], axis=1)[m.voltage != 0], axis=0)
    kinds = np.concatenate([np.zeros((1, 2)), found])
    return kinds, _kind_of(m, kinds)


def _kind_of(m: Measurements, kinds: FloatArray) -> NDArray[np.int64]:
    """The nearest kind of each row: one that was never fitted counts as its like in voltage."""
    pulse = np.stack([m.voltage, m.width], axis=1)
    known, place = np.unique(pulse, axis=0, return_inverse=True)
    off = np.abs(known[:, None, 0] - kinds[None, :, 0]) * 1e3 + np.abs(
        known[:, None, 1] - kinds[None, :, 1]
    )
    result: NDArray[np.int64] = np.argmin(off, axis=1)[place.ravel()]
    return result


def _without_sweeps(m: Measurements) -> Measurements | None:
    long = (
        [t for t in range(len(m.labels)) if np.sum((m.train == t) & ~m.sweep) >= 6]
        if len(m.labels) < 2000
        else []
    )
    if not long:
        return None
    part = m.of_trains(long)
    keep = ~part.sweep
    arrays = ("train", "voltage", "width", "read_voltage", "current", "sweep")
    return Measurements(**{**part.__dict__, **{name: getattr(part, name)[keep] for name in arrays}})


def _held_out(m: Measurements, fit: Callable[[Measurements], Predictor]) -> float | None:
    """Relative rms over every train, predicted from the trains of the other half."""
    if len(m.labels) < 4:
        return None
    halves = [range(0, len(m.labels), 2), range(1, len(m.labels), 2)]
    misses = [fit(m.of_trains(a)).misfit(m.of_trains(b)) for a, b in (halves, halves[::-1])]
    return float(np.sqrt(np.mean(np.concatenate(misses) ** 2)))


def _scatter(m: Measurements) -> float:
    """Noise of a reading from third differences of log G, which no smooth law survives."""
    third = np.diff(np.log(np.abs(m.conductance)), 3)
    inside = (m.train[3:] == m.train[:-3]) & (np.sign(m.voltage[3:]) == np.sign(m.voltage[1:-2]))
    usual = np.median(np.abs(third[inside])) if inside.any() else 0.0
    return float(1.4826 * usual / np.sqrt(20.0))  # 1 + 9 + 9 + 1 times the variance


def _correlation(residual: FloatArray, m: Measurements) -> float:
    """Of successive misfits within a train."""
    pairs = np.diff(m.train) == 0
    if pairs.sum() < 3 or not np.any(residual):
        return 0.0
    return float(np.sum(residual[1:][pairs] * residual[:-1][pairs]) / np.sum(residual**2))
