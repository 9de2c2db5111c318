"""The fit: measurements and a prior in, the constants of a law with honest errors out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fitting.model.form import Form
from fitting.model.loss import check_loss
from fitting.model.noise import Weighting
from fitting.model.noise import weighting as weigh
from fitting.model.residuals import EQUATIONS, Objective
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.correlated import widening
from fitting.search.elimination import projected
from fitting.search.estimates import Estimate, estimated, largest_misfit
from fitting.search.identifiability import (
    IDENTIFIABLE_LOG_ERROR,
    LARGEST_LOG_ERROR,
    SMALLEST_NOISE,
    covariance,
    log_errors,
)
from fitting.search.motion import require_motion
from fitting.search.multistart import Solution, best_search, is_flat, robust_search, search
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import counted, percent
from roa_circuit.device.laws.law import Law
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import Device

if TYPE_CHECKING:
    from lmfit.minimizer import MinimizerResult

    from fitting.search.extraction import Extraction

_BY_SWEEPS = ("alpha", "beta", "k", "mu1", "mu2")  # what errs most with the state of a sweep
_FAR_ABOVE = 1e3  # the largest reading: no device, but a valley with no floor
_PROFILE_ABOVE = 0.02  # log error from which the curvature alone does not decide what is open
_COSTLESS = 0.02  # of the cost: what holding an open constant may add
_SOON, _CLOSE = 20, 1e-6  # steps of a search with one more held, and what its last may still bring
_FAR = 4.0  # times the cost that it may have, from which it does not come down


@dataclass(frozen=True, kw_only=True, repr=False)
class Fit(Shown):
    """A fitted device: `estimates` by name, and how the model meets every reading.

    `start` (trains,) is omega before each train, `predicted` (rows,) are the model's currents [A], and
    `residual` (rows,) is the misfit over `weighting.scale`: relative, unless weighted otherwise.
    `intervals` says how the ci95 of the estimates were found.
    """

    estimates: dict[str, Estimate]
    memristor: Law
    start: FloatArray
    predicted: FloatArray
    residual: FloatArray
    converged: bool
    message: str
    seconds: float
    jacobian: FloatArray  # (rows, n), by the constants' logarithms, starting states taken out
    noise: float  # relative, of one reading, as the misfit shows it
    weighting: Weighting
    objective: Objective
    solution: Solution
    widening: FloatArray  # (n,), of the errors, because successive misfits correlate
    limit: float = 0.1  # of the relative misfit, up to which the law describes the device
    intervals: str = "covariance, normal in the logarithm"
    extraction: Extraction | None = None

    def facts(self) -> Facts:
        """The constants, their intervals, and what each rests on."""
        rows = []
        for one in self.estimates.values():
            ends = f"{one.ci95[0]:.4g} ... {one.ci95[1]:.4g}" if one.ci95 else "-"
            rows.append((f"{one.name} [{one.unit}]", f"{one.value:.4g}", ends, one.basis))
        known = sum(one.identifiable for one in self.estimates.values())
        title = (f"Fit: {known} of {len(rows)} constants known to {percent(IDENTIFIABLE_LOG_ERROR, 0)}, "
                 f"misfit {percent(self.relative_rmse, 2)} rms")  # fmt: skip
        return Facts(title=title, head=("constant", "value", "95 %", "from"), rows=rows)

    @property
    def result(self) -> MinimizerResult | None:
        """lmfit's own result, of which the reported constants are; None if it had nothing to fit.

        `lmfit.fit_report(fit.result)` takes it, and `lmfit.conf_interval` beside
        `fit.extraction.minimizer`.
        """
        return None if self.extraction is None else self.extraction.result

    @property
    def relative_rmse(self) -> float:
        """Root mean square of the relative misfit."""
        return float(np.sqrt(np.mean(self.residual**2)))

    @property
    def judged_rmse(self) -> float:
        """Root mean square of the relative misfit, outliers weighted by the loss."""
        return float(np.sqrt(np.mean(self.objective.loss.bent(self.residual)[0] ** 2)))

    @property
    def describes(self) -> bool:
        """Whether the search converged and the model meets the data, outliers weighted by the loss."""
        return self.converged and self.judged_rmse <= self.limit


def fit_device(
    m: Measurements,
    prior: Device,
    *,
    weighting: str = "auto",
    loss: str = "linear",
    form: Form = EQUATIONS,
    begin: Solution | None = None,
) -> Fit:
    """Fit the constants of a law, by default the seven of Eq. 1-2, and every train's starting state.

    Short searches find the valley of the weighted misfit (`noise.weighting`; least squares or a robust
    `loss` of `loss.TUNING`), and which constants the data leave open: those are taken from `prior` and
    marked so. lmfit then minimises over the others, and what it finds is the fit.

    form : what is varied, of which law
    begin : an optimum that is known, instead of a search for one

    Raises
    ------
    InputError : fewer readings than unknowns, an unknown weighting or loss; no pulses, or none that
        moves anything.

    Examples
    --------
    >>> from fitting import read_measurements
    >>> from fitting.readers.example import example
    >>> from roa_circuit import load_device
    >>> fit = fit_device(read_measurements(example()), load_device("zhang2021"))
    >>> round(fit.estimates["mu1"].value, 1)  # 19.25 made these pulses
    19.3
    """
    from fitting.search.extraction import extract  # loads lmfit before the clock runs

    began = time.perf_counter()
    m = m.fitted()
    _require_enough(m, form)
    if begin is None:
        require_motion(m)
    found = optimum(m, prior, weighting=weighting, loss=loss, form=form, begin=begin)
    extraction = extract(found.objective, found.solution)
    if extraction is not None:
        found = dataclasses.replace(found, solution=extraction.solution)
    return _report(found, form.prior(prior.memristor), began, extraction)


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """Where a fit ends, before the errors of its constants are worked out.

    tied : those of the held constants that keep a fitted value
    limit : the relative misfit up to which the law describes the device
    """

    objective: Objective
    solution: Solution
    weighting: Weighting
    tied: frozenset[str]
    limit: float

    @property
    def describes(self) -> bool:
        """Whether the search converged and the model meets the data."""
        rows = len(self.objective.measurements)
        return self.solution.converged and self.solution.cost <= rows * self.limit**2


def optimum(
    m: Measurements,
    prior: Device,
    *,
    weighting: str = "auto",
    loss: str = "linear",
    form: Form = EQUATIONS,
    begin: Solution | None = None,
) -> Optimum:
    """The fit of `fit_device` without errors of its constants; raises the same errors."""
    check_loss(loss)
    _require_enough(m, form)
    known = form.prior(prior.memristor)
    weights = weigh(m, weighting)
    objective = Objective.of(m, weights.scale, form)
    solution = best_search(objective, m, known) if begin is None else begin
    objective = dataclasses.replace(objective, form=form.walled())
    if not objective.form.makes_law(solution.x[: form.count]):
        solution = best_search(objective, m, known)
    if loss != "linear":
        objective, solution = robust_search(objective, solution, loss)
    tied: frozenset[str] = frozenset()
    limit, free = largest_misfit(m, weights), solution.held
    while solution.cost <= len(m) * limit**2:
        name, solution = _settle(objective, solution, known)
        if name is None:
            break
        tied |= {name} if name not in solution.held else frozenset()
        solution = dataclasses.replace(solution, held=solution.held | tied)
    if solution.held > free | tied:  # searches with more and more of them held did not go to their ends
        solution = search(objective, solution.x, solution.held)
    return Optimum(objective=objective, solution=solution, weighting=weights, tied=tied, limit=limit)


def _require_enough(m: Measurements, form: Form) -> None:
    unknowns = form.count + len(m.labels)
    if len(m) <= unknowns:
        raise InputError(f"{m.source}: {counted(len(m), 'reading')} cannot determine {form.count} "
                         f"constants and {counted(len(m.labels), 'starting state')}; give more than "
                         f"{unknowns}")  # fmt: skip


def _settle(objective: Objective, solution: Solution, prior: Law) -> tuple[str | None, Solution]:
    """Hold one open constant at its prior, if the data allow it: (its name or None, the new optimum).

    A prior value that raises the cost contradicts the data through other constants; then the next open
    constant is tried. If none can be held, the first one comes back with the solution as it was: it
    keeps its fitted value, one of many that would do.
    """
    noise, unit = (max(one, SMALLEST_NOISE) for one in solution.noise(objective))
    bound = (1.0 + _COSTLESS) * solution.cost + 3.84 * unit**2
    first = None
    for name in _open(objective, solution, noise, unit):
        first = first or name
        held = solution.held | {name}
        start = _hold(objective.form, solution.x, prior, [name])
        moved = search(objective, start, held, most=_SOON, tolerance=_CLOSE)
        if moved.cost > bound and not (moved.converged and moved.cost > _FAR * bound):
            moved = search(objective, moved.x, held)
        if moved.cost <= bound:
            return name, moved
    return first, solution


def as_printed(p: Law) -> Memristor:
    """The same device with `current_scale` multiplied into gamma and alpha, where a fit sees it.

    Raises
    ------
    InputError : a device of another law than Eq. 1-2.
    """
    if not isinstance(p, Memristor):
        raise InputError(
            f"the device has law {p.name!r}, and this takes zhang2021 (Eq. 1-2) "
            "alone; give a parameter set of that law, such as zhang2021"
        )
    return Memristor(
        k=p.k, mu1=p.mu1, mu2=p.mu2, delta=p.delta, beta=p.beta,
        gamma=p.gamma * p.current_scale, alpha=p.alpha * p.current_scale,
    )  # fmt: skip


def _open(objective: Objective, solution: Solution, noise: float, unit: float) -> Iterator[str]:
    """The constants that the data leave open, in the order in which they are to be held."""
    errors = log_errors(projected(objective.plain, solution.x), noise, solution.held, objective.names)
    for name in objective.form.held_first:
        weak = errors[name] > _PROFILE_ABOVE and name not in solution.held
        weak = weak and not objective.form.by_curvature
        if errors[name] > LARGEST_LOG_ERROR or (weak and is_flat(objective, solution, name, unit)):
            yield name


def _hold(form: Form, x: FloatArray, prior: Law, held: Collection[str]) -> FloatArray:
    """The search vector with the held constants at their prior values."""
    start = form.constants(prior)
    keep = [index for index, name in enumerate(form.names) if name in held]
    result = x.copy()
    result[keep] = start[keep]
    return result


def _report(o: Optimum, prior: Law, began: float, extraction: Extraction | None) -> Fit:
    objective, solution, m = o.objective, o.solution, o.objective.measurements
    p, start = objective.form.law(solution.x), objective.form.start(solution.x)
    noise, _ = solution.noise(objective)
    judged = max(noise, SMALLEST_NOISE)
    jacobian = projected(objective.plain, solution.x)
    spread = covariance(jacobian, judged, np.ones(objective.form.count, dtype=bool))
    score = np.multiply(*objective.loss.bent(objective.plain.residual(solution.x)))
    wider = widening(jacobian, score, spread, m)
    estimates, said = estimated(objective, solution, jacobian, wider, prior, o.tied, o.limit)
    lost = "gamma" in estimates and estimates["gamma"].basis == "with prior" and _runs_away(p, m)
    lost = lost and not any(estimates[n].told for n in ("gamma", "delta"))
    return Fit(
        estimates=estimates, memristor=p, start=start, residual=objective.plain.residual(solution.x),
        predicted=objective.predict(solution.x), converged=solution.converged and not lost,
        message="gamma delta grows without end" if lost else solution.message,
        seconds=time.perf_counter() - began, jacobian=jacobian, noise=noise,
        weighting=o.weighting, objective=objective, solution=solution, widening=wider, limit=o.limit,
        intervals=said + _said(wider, estimates, m), extraction=extraction,
    )  # fmt: skip


def widened(f: Fit) -> str:
    """A remark on how much correlated misfits widen the intervals; '' if they do not."""
    return _said(f.widening, f.estimates, f.objective.measurements)


def _said(widening: FloatArray, estimates: Mapping[str, Estimate], m: Measurements) -> str:
    told = np.array([e.told for e in estimates.values()])
    most = float(widening[told].max(initial=1.0))
    if most <= 1.0:
        return ""
    wider = f", up to {most:.1f} times wider as successive misfits correlate"
    swept = [name for name in _BY_SWEEPS if name in estimates and estimates[name].told]
    if not (swept and _written_before_sweeps(m)):
        return wider
    return (f"{wider}; if that is write noise, those of {', '.join(swept)} are too narrow: none knows"
            " of the write before a sweep")  # fmt: skip


def _written_before_sweeps(m: Measurements) -> bool:
    """Whether a pulse brings a cell to the state of a sweep, within one train."""
    begins = np.flatnonzero(np.diff(m.sweep.astype(int), prepend=0) > 0)
    before = np.maximum(begins - 1, 0)
    same = (m.train[before] == m.train[begins]) & (begins > 0)
    return bool((same & (m.voltage[before] != 0)).any())


def _runs_away(p: Law, m: Measurements) -> bool:
    """Whether the device's largest conductance lies far above any that was measured."""
    plain = ~m.sweep
    largest = current(1.0, m.read_voltage[plain], p) / m.current[plain]
    return bool(plain.any() and largest.min() > _FAR_ABOVE)
