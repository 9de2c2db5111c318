"""Laws side by side: how each predicts readings that its constants never saw, and which to take.

Held out is one half of the trains after the other, if there are ten or more: fewer would tell more of
how trains differ than of the law. Else it is every second stretch of each train, whose pulses still act.
The last 30 % of every train are left out once more, alone: that is extrapolation, and its search
begins at guesses from what is before. A reading of a stretch is replaced by a line between those that
are not held out.

A search that takes long is broken off, and goes on only if its law may win.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.judgement.comparison import FINE, REFIT, halves_of, own_misfit, rms, unseen_of
from fitting.judgement.paired import CLEARLY, SURE, difference
from fitting.model.form import Form
from fitting.model.formulaic import law_by_formulas, require_reach
from fitting.model.residuals import EQUATIONS, Objective
from fitting.model.tabular import TableForm
from fitting.model.windowed import WindowsForm
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.correlated import correlation
from fitting.search.multistart import Solution, best_search, search
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.side_by_side import side_by_side
from roa_circuit.device.laws import Law
from roa_circuit.device.parameters import Device

KNOWN = 0.7
"""The share of every train that extrapolation is fitted to."""

STRETCH = 4
"""Readings of a stretch that is held out."""

SILENT = 1.4
"""Times better must a law be that says nothing outside of the readings, to be taken."""

NEAR_NOISE = 3.0
"""Times the noise of a reading: a law that says more, and misses no more, will do."""

ALIKE = 1.1
"""Times the lowest held-out misfit: as good, so that extrapolation decides where pairs do not."""

Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]

_MANY = 10  # trains, of which half can be held out
_HURRIED = 20  # steps of a search beyond its rounds: one that takes more goes on if it may win
_FEWEST = 8  # readings of a train of which some can be held out


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One law fitted to all readings, and judged on those that it never saw; misfits are relative.

    unseen : (rows,) the misfit of readings that were held out, NaN of others; None where none can be
    extrapolation : the rms misfit of the last readings of trains, None likewise
    """

    form: Form
    solution: Solution
    rmse: float
    unseen: FloatArray | None
    extrapolation: float | None
    aic: float

    @property
    def name(self) -> str:
        """The law, as parameter sets have it."""
        return self.form.name

    @property
    def law(self) -> Law:
        """The law with its fitted constants."""
        return self.form.law(self.solution.x)

    @property
    def held_out(self) -> float | None:
        """The rms misfit of the readings that were held out."""
        return rms(self.unseen)

    @property
    def score(self) -> float:
        """What it is judged by."""
        return self.rmse if self.held_out is None else self.held_out

    def document(self) -> dict[str, Any]:
        """As plain values."""
        constants = {name: float(value) for name, value in self.law.constants.items()}
        return {
            "name": self.name, "title": self.form.title, "constants": constants,
            "relative_rmse": self.rmse, "held_out_rmse": self.held_out,
            "extrapolation_rmse": self.extrapolation, "aic": self.aic,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Laws on the same readings, the best first.

    by : 'trains' or 'stretches', what was held out; '' if nothing could be
    """

    contenders: tuple[Contender, ...]
    by: str

    @property
    def best(self) -> Contender:
        """The law to take."""
        return self.contenders[0]

    def of(self, name: str) -> Contender | None:
        """The best of a law's coordinates; None if the law did not take part."""
        return next((one for one in self.contenders if one.name == name), None)


def _windows(m: Measurements, prior: Device) -> list[Form]:
    """Windows on omega, and in ln G at the usual read voltage where conductances have no offset."""
    if m.shift:
        return [WindowsForm()]
    plain = m.read_voltage[~m.sweep]
    voltages, counts = np.unique(plain if plain.size else m.read_voltage, return_counts=True)
    return [WindowsForm(), WindowsForm(float(voltages[counts.argmax()]))]


FORMS: Mapping[str, Callable[[Measurements, Device], list[Form]]] = {
    EQUATIONS.LAW: lambda m, prior: [EQUATIONS],
    WindowsForm.LAW: _windows,
    TableForm.LAW: lambda m, prior: [TableForm.of(m, prior)],
}
"""The forms of each law of `FITTED` for some readings; InputError where they cannot have one."""


def forms_of(m: Measurements, names: Sequence[str], prior: Device) -> list[Form]:
    """The forms of these laws for these readings; names that are no class are laws from files.

    Raises
    ------
    InputError : readings that cannot have the only law that is asked for; an unknown law, or one from
        a file that does not hold at all voltages that were measured.
    """
    found: list[Form] = []
    for name in FORMS:
        if name in names:
            try:
                found += FORMS[name](m, prior)
            except InputError:
                if len(names) == 1:
                    raise
    for name in (name for name in names if name not in FORMS):
        form = law_by_formulas(name, prior.memristor)
        require_reach(form.begins, m, name)
        found.append(form)
    return found


def contest(
    m: Measurements,
    scale: FloatArray,
    prior: Law,
    forms: Sequence[Form],
    noise: float | None = None,
    known: Mapping[Form, Solution] | None = None,
) -> Contest:
    """Fit every law to the readings, and judge each by what it did not see.

    scale : (rows,) [A] that misfits are relative to
    noise : of a reading, relative to it
    known : where fits of some forms ended
    """
    folds = _folds(m)
    found = side_by_side(
        [partial(_contender, m, scale, form, form.prior(prior), folds, (known or {}).get(form))
         for form in forms]
    )  # fmt: skip
    found = [_patient(one, found, m, scale, prior, folds) for one in found]
    by = "trains" if folds else "stretches" if any(one.held_out for one in found) else ""
    return Contest(contenders=ranked(found, m.train if folds else _blocks(m), noise), by=by)


def ranked(
    found: Sequence[Contender], blocks: NDArray[np.int64], noise: float | None = None
) -> tuple[Contender, ...]:
    """The contenders, the one to take first.

    blocks : (rows,) numbers of readings that err alike
    """
    speaking = [one for one in found if one.form.extrapolates and one.solution.converged]
    lead = min(speaking, key=lambda one: one.score, default=None)
    enough = noise is not None and lead is not None and lead.score <= NEAR_NOISE * noise

    def score(one: Contender) -> float:
        """The misfit, and against a law that is silent outside of the readings if another will do."""
        return one.score * (1.0 if one.form.extrapolates else np.inf if enough else SILENT)

    least = min(map(score, found))

    def order(one: Contender) -> tuple[bool, bool, float]:
        """Those whose search came to an end first; of those that are alike, the best at predicting."""
        near = one.form.extrapolates and score(one) <= ALIKE * least
        near = near and (lead is None or not _worse(one, lead, blocks))
        return (
            not one.solution.converged,
            not near and score(one) > least,
            (one.extrapolation or one.score) if near else score(one),
        )

    return tuple(sorted(found, key=order))


def _worse(one: Contender, lead: Contender, blocks: NDArray[np.int64]) -> bool:
    """Whether the readings clearly tell a law from the one that misses the held-out ones least."""
    if one.unseen is None or lead.unseen is None or one.aic - lead.aic <= CLEARLY:
        return False
    return difference(one.unseen, lead.unseen, blocks) > SURE


def _contender(
    m: Measurements,
    scale: FloatArray,
    form: Form,
    prior: Law,
    folds: Folds,
    known: Solution | None = None,
) -> Contender:
    objective = Objective.of(m, scale, form)
    solution = best_search(objective, m, prior, most=_HURRIED) if known is None else known
    beyond = _beyond(objective, prior) if form.extrapolates else None
    return _judged(objective, solution, prior, folds, beyond)


def _judged(
    objective: Objective,
    solution: Solution,
    prior: Law,
    folds: Folds,
    extrapolation: float | None,
) -> Contender:
    """The contender with this solution, and what it misses of readings that are held out."""
    m, form = objective.measurements, objective.form
    misfit = objective.residual(solution.x)
    if folds:
        begin = solution.x[: form.count]
        refit = partial(own_misfit, form=form, prior=prior, begin=begin, held=solution.held)
        unseen = unseen_of(m, objective.scale, folds, refit)
    else:
        unseen = _misses(objective, stretches(m), solution)
    return Contender(
        form=form, solution=solution, rmse=float(np.sqrt(np.mean(misfit**2))), unseen=unseen,
        extrapolation=extrapolation, aic=_aic(misfit, m, form),
    )  # fmt: skip


def _patient(
    one: Contender,
    found: Sequence[Contender],
    m: Measurements,
    scale: FloatArray,
    prior: Law,
    folds: Folds,
) -> Contender:
    """The contender, or where its search ends, if that was broken off and no ended one is as good."""
    if one.solution.converged or any(o.solution.converged and o.score <= one.score for o in found):
        return one
    objective = Objective.of(m, scale, one.form)
    ended = search(objective, one.solution.x, one.solution.held)
    return _judged(objective, ended, one.form.prior(prior), folds, one.extrapolation)


def _folds(m: Measurements) -> Folds:
    """(rows to fit, rows to judge) of halves of the trains; none of fewer than ten trains."""
    if m.sweep.any() or len(np.unique(m.train)) < _MANY:
        return []
    return halves_of(m)


def stretches(m: Measurements) -> list[NDArray[np.bool_]]:
    """Readings (rows,) to hold out: every second stretch of each train, and then the others.

    The first stretch tells where a train starts, and is never held out.
    """
    number = _place(m) // STRETCH
    chosen = [number % 2 == 1, (number % 2 == 0) & (number > 0)]
    return [one & _usable(m) for one in chosen]


def last(m: Measurements) -> NDArray[np.bool_]:
    """The last readings of each train, (rows,)."""
    result: NDArray[np.bool_] = (_place(m) >= KNOWN * np.bincount(m.train)[m.train]) & _usable(m)
    return result


def _place(m: Measurements) -> NDArray[np.int64]:
    """The number (rows,) of a reading in its train."""
    place: NDArray[np.int64] = np.arange(len(m)) - np.searchsorted(m.train, m.train)
    return place


def _blocks(m: Measurements) -> NDArray[np.int64]:
    """A number (rows,) for every stretch of every train."""
    blocks: NDArray[np.int64] = m.train * len(m) + _place(m) // STRETCH
    return blocks


def _usable(m: Measurements) -> NDArray[np.bool_]:
    """Readings of trains of pulses that are long enough, (rows,)."""
    pulses = np.bincount(m.train[m.voltage != 0], minlength=len(m.labels))
    readings = np.bincount(m.train, minlength=len(m.labels))
    result: NDArray[np.bool_] = ((readings >= _FEWEST) & (pulses > 0))[m.train] & ~m.sweep
    return result


def _misses(
    objective: Objective, masks: Sequence[NDArray[np.bool_]], begin: Solution
) -> FloatArray | None:
    """The misfit (rows,) of readings that fits to the others, which begin at a solution, never saw."""
    unseen = np.full(len(objective.measurements), np.nan)
    for mask in masks:
        if not _can_do_without(objective, mask):
            return None
        blind = replace(
            objective,
            measurements=_blinded(objective.measurements, mask),
            scale=np.where(mask, np.inf, objective.scale),
        )
        found = search(blind, begin.x, begin.held, most=REFIT, tolerance=FINE)
        unseen[mask] = objective.residual(found.x)[mask]
    return unseen


def _beyond(objective: Objective, prior: Law) -> float | None:
    """The rms misfit of the last readings of each train by a fit to those before alone."""
    unseen = last(objective.measurements)
    if not _can_do_without(objective, unseen):
        return None
    seen = objective.measurements.of_rows(np.flatnonzero(~unseen))
    before = Objective.of(seen, objective.scale[~unseen], objective.form)
    found = best_search(before, seen, prior, most=_HURRIED)
    return float(np.sqrt(np.mean(objective.residual(found.x)[unseen] ** 2)))


def _can_do_without(objective: Objective, mask: NDArray[np.bool_]) -> bool:
    unknowns = objective.form.count + len(objective.measurements.labels)
    return bool(mask.any()) and int((~mask).sum()) > unknowns


def _blinded(m: Measurements, mask: NDArray[np.bool_]) -> Measurements:
    """The readings, where those of the mask are replaced by lines between the others."""
    current, place = m.current.copy(), np.arange(len(m), dtype=np.float64)
    for rows in _rows_of_trains(m):
        seen = rows[~mask[rows]]
        if seen.size:
            current[rows] = np.interp(place[rows], place[seen], m.current[seen])
    return replace(m, current=current)


def _rows_of_trains(m: Measurements) -> Iterator[NDArray[np.int64]]:
    yield from np.split(np.arange(len(m)), np.flatnonzero(np.diff(m.train)) + 1)


def _aic(misfit: FloatArray, m: Measurements, form: Form) -> float:
    """Akaike's criterion, for misfits with first-order correlation."""
    rho = float(np.clip(correlation(misfit, m), 0.0, 0.999))
    first = np.diff(m.train, prepend=-1) != 0
    before = np.concatenate(([0.0], misfit[:-1]))
    innovation = np.where(first, np.sqrt(1.0 - rho**2) * misfit, misfit - rho * before)
    likelihood = len(m) * np.log(max(float(np.mean(innovation**2)), 1e-300))
    likelihood -= first.sum() * np.log(1.0 - rho**2)
    return float(likelihood + 2 * (form.count + len(m.labels) + 1))
