"""Comparison: would a simpler law do as well on these trains as the fitted one?

All laws are judged on the same readings with free starts: by AIC (Akaike 1974) and by trains that
their constants never saw. Successive misfits correlate, whether the law is wrong or writes are noisy.
So the likelihood is that of errors with first-order correlation: n log(innovations)
- log(1 - rho^2) for each train + 2 unknowns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fitting.judgement.references import fit_steps
from fitting.model.form import Form
from fitting.model.residuals import EQUATIONS, Objective
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.correlated import correlation
from fitting.search.elimination import best_starts
from fitting.search.fit import Fit
from fitting.search.multistart import best_search, search
from roa_circuit.device.laws import Law

REFERENCES = ("exponential saturation", "constant step")
FEWEST_READINGS = 6
"""A train with fewer says nothing about a law."""

REFIT = 30
"""Steps of a refit that begins near."""

FINE = 1e-6
"""Of the cost: what a refit's last step may still bring."""

_FEWEST_OF_A_KIND = 5  # pulses: of ramps, where every pulse is another, a reference learns nothing
_MOST_RARE = 0.05  # of a train's pulses: those that stand for two, as a reading is missing
_MOST_READINGS = 50_000
_MISSES_MORE = 1.5  # than another law: such a law comes last, for a smooth misfit is no small one
_FOLDED = 4  # trains that can be halved

Misfit = Callable[[Measurements, FloatArray], FloatArray]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One law on one set of readings, all errors relative (over the fit's `weighting.scale`).

    `rmse` is over all readings, `held_out` over trains that its constants never saw, of which only
    the starts were fitted (None with fewer than 4 similar trains). `unknowns` counts constants and
    starts.
    """

    law: str
    rmse: float
    held_out: float | None
    unknowns: int
    aic: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All laws on so many `trains`, the best by AIC first; behind them those that miss far more.

    law : the fitted one
    """

    law: str
    verdicts: tuple[Verdict, ...]
    trains: int

    @property
    def own(self) -> Verdict:
        """The verdict on the fitted law."""
        return next(v for v in self.verdicts if v.law == self.law)


def compare(f: Fit, prior: Law) -> Comparison | None:
    """Fit the references to the trains of repeated pulses, leaving out sweeps and ramps.

    None where there are no such trains. The fitted law keeps the constants of the whole fit.
    """
    rows = _comparable(f.objective.measurements)
    if not rows.size or rows.size > _MOST_READINGS:
        return None
    m, scale, own = part(f.objective.measurements, rows), f.weighting.scale[rows], f.residual[rows]
    bend = f.objective.loss.bent
    starts, folds = len(np.unique(m.train)), halves_of(m)
    # Constants that the trains do not feel cost nothing: count those that they do.
    singular = np.linalg.svd(f.jacobian[rows], compute_uv=False)
    felt = int(np.sum(singular > 1e-6 * max(singular[0], 1e-300)))
    form = f.objective.form
    near = None if form is EQUATIONS else f.solution.x[: form.count]  # other laws have many valleys
    fitted = partial(own_misfit, form=form, prior=prior, begin=near, held=f.solution.held)
    verdicts = [_verdict(form.title, bend(own)[0], m, felt + starts,
                         held_out(m, scale, folds, fitted))]  # fmt: skip
    for law, decay in zip(REFERENCES, (True, False), strict=True):
        steps = fit_steps(m, scale, decay=decay)
        if steps is not None:
            unseen = held_out(m, scale, folds, partial(_reference, decay=decay))
            misfit = bend(steps.misfit(m, scale))[0]
            verdicts.append(_verdict(law, misfit, m, steps.constants + starts, unseen))
    least = min(v.rmse for v in verdicts)
    order = sorted(verdicts, key=lambda v: (v.rmse > _MISSES_MORE * least, v.aic))
    return Comparison(law=form.title, verdicts=tuple(order), trains=starts)


def part(m: Measurements, rows: NDArray[np.int64]) -> Measurements:
    """Some of the readings; trains keep their numbers, so that some may be empty."""
    return m.of_rows(rows)


def history(m: Measurements) -> NDArray[np.int64]:
    """A number (rows,) for all that was done to a cell up to each reading, equal for equal pasts."""
    result, before, train = np.empty(len(m), dtype=np.int64), 0, -1
    columns = (m.train.tolist(), m.voltage.tolist(), m.width.tolist(), m.read_voltage.tolist())
    for row, (t, V, T, V_r) in enumerate(zip(*columns, strict=True)):
        before = hash((before if t == train else 0, V, T, V_r))
        result[row], train = before, t
    return result


def _verdict(
    law: str, misfit: FloatArray, m: Measurements, unknowns: int, held_out: float | None
) -> Verdict:
    rho = float(np.clip(correlation(misfit, m), 0.0, 0.999))
    first = np.diff(m.train, prepend=-1) != 0
    before = np.concatenate(([0.0], misfit[:-1]))
    innovation = np.where(first, np.sqrt(1.0 - rho**2) * misfit, misfit - rho * before)
    likelihood = len(m) * np.log(max(float(np.mean(innovation**2)), 1e-300))
    likelihood -= first.sum() * np.log(1.0 - rho**2)
    return Verdict(
        law=law, rmse=float(np.sqrt(np.mean(misfit**2))), held_out=held_out, unknowns=unknowns,
        aic=float(likelihood + 2 * (unknowns + 1)),
    )  # fmt: skip


def _comparable(m: Measurements) -> NDArray[np.int64]:
    """The rows of trains that are long enough and repeat each of their pulses often enough."""
    pulsed = (m.voltage != 0) & ~m.sweep
    kinds = np.stack([m.voltage, m.width], axis=1)
    _, kind, count = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
    rare = pulsed & (count[kind.ravel()] < _FEWEST_OF_A_KIND)
    trains = len(m.labels)
    readings = np.bincount(m.train[~m.sweep], minlength=trains)
    pulses = np.bincount(m.train[pulsed], minlength=trains)
    good = (readings >= FEWEST_READINGS) & (pulses > 0)
    good &= np.bincount(m.train[rare], minlength=trains) <= _MOST_RARE * pulses
    return np.flatnonzero(good[m.train] & ~m.sweep)


def halves_of(m: Measurements) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(rows to fit, rows to judge) from halves of the trains with similar pulses, both ways round."""
    groups: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for train in np.unique(m.train):
        groups[tuple(np.unique(m.voltage[m.train == train]))].append(int(train))
    halves: tuple[list[int], list[int]] = ([], [])
    for members in groups.values():
        if len(members) > 1:
            for half in (0, 1):
                halves[half].extend(members[half::2])
    if len(halves[0]) + len(halves[1]) < _FOLDED:
        return []
    one, other = (np.flatnonzero(np.isin(m.train, half)) for half in halves)
    return [(one, other), (other, one)]


def held_out(
    m: Measurements,
    scale: FloatArray,
    folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    fit: Callable[[Measurements, FloatArray], Misfit | None],
) -> float | None:
    """Relative rms over all trains, each predicted from the trains of the other half."""
    return rms(unseen_of(m, scale, folds, fit))


def unseen_of(
    m: Measurements,
    scale: FloatArray,
    folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    fit: Callable[[Measurements, FloatArray], Misfit | None],
) -> FloatArray | None:
    """The misfit (rows,) of every train by a fit to the other half; NaN of those in no half."""
    unseen = np.full(len(m), np.nan)
    for fitted, judged in folds:
        misfit = fit(_renumbered(part(m, fitted)), scale[fitted])
        if misfit is None:
            return None
        unseen[judged] = misfit(_renumbered(part(m, judged)), scale[judged])
    return unseen if folds else None


def rms(unseen: FloatArray | None) -> float | None:
    """Of the readings that were held out."""
    return None if unseen is None else float(np.sqrt(np.nanmean(unseen**2)))


def _renumbered(m: Measurements) -> Measurements:
    present, number = np.unique(m.train, return_inverse=True)
    return replace(m, train=number, labels=tuple(m.labels[i] for i in present), devices=())


def own_misfit(
    m: Measurements,
    scale: FloatArray,
    form: Form,
    prior: Law,
    begin: FloatArray | None = None,
    held: Collection[str] = (),
) -> Misfit:
    """The misfits of a law fitted to these, where each train's start alone is fitted.

    begin : constants (n,) to start the search at, instead of guesses
    """
    objective = Objective.of(m, scale, form)
    if begin is None:
        found = best_search(objective, m, prior, brief=True).x
    else:
        near = np.append(begin, np.zeros(len(m.labels)))
        found = search(objective, near, held, most=REFIT, tolerance=FINE).x

    def misfit(other: Measurements, its: FloatArray) -> FloatArray:
        o = Objective.of(other, its, form)
        middle = np.full(len(other.labels), np.median(found[form.count :]))
        constants = found[: form.count]
        return o.residual(np.append(constants, best_starts(o, constants, middle)))

    return misfit


def _reference(m: Measurements, scale: FloatArray, decay: bool) -> Misfit | None:
    steps = fit_steps(m, scale, decay=decay)
    return None if steps is None else steps.misfit
