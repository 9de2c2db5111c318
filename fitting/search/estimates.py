"""Estimates: each constant of a fit, with its error if the data tell one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from fitting.model.form import Form
from fitting.model.noise import Weighting, reading_noise
from fitting.model.residuals import Objective
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.identifiability import (
    IDENTIFIABLE_LOG_ERROR,
    LARGEST_LOG_ERROR,
    SMALLEST_NOISE,
    log_errors,
    student,
)
from fitting.search.multistart import Solution
from fitting.search.profile import far_errors, profile_ends
from roa_circuit.device.laws.law import Law

LARGEST_MISFIT = 0.1
"""A relative rms beyond this means that a law does not describe the device."""

AT_PRIOR, AT_SEARCH = "prior", "search"
"""The `basis` of held constants: the prior's value, or that with which a search began."""

_OF_NOISE = 2.0  # times the noise of a reading: a law may be off by as much
_SAME = 1e-9  # of a constant, by rounding of its logarithm
_AT_MOST = 0.2  # whatever the noise: readings that jump are no noise


def largest_misfit(m: Measurements, weights: Weighting) -> float:
    """The relative rms up to which a law describes the device: a tenth, or twice a reading's noise."""
    noise = reading_noise(m, weights)[0] or 0.0
    return min(max(LARGEST_MISFIT, _OF_NOISE * noise), _AT_MOST)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One constant: its value, its error if the data tell one, and the prior's value.

    `basis` is 'data'; 'prior', held at the prior's value; 'search', held where the search began, off
    the prior's value; or 'with prior', fitted but only meaningful together with the held ones. stderr
    and ci95 are None unless `told`.
    """

    name: str
    value: float
    unit: str
    stderr: float | None
    ci95: tuple[float, float] | None
    basis: str
    prior: float
    step: float | None = None

    @property
    def size(self) -> float:
        """What an error counts against: the value, or the step of a constant of any sign."""
        return self.value if self.step is None else self.step

    @property
    def told(self) -> bool:
        """Whether the data give an interval for it, however wide."""
        return self.basis == "data"

    @property
    def held(self) -> bool:
        """Whether the fit left it as it was, at the prior or where the search began."""
        return self.basis in (AT_PRIOR, AT_SEARCH)

    @property
    def identifiable(self) -> bool:
        """Whether its error is within `IDENTIFIABLE_LOG_ERROR`; otherwise it is told roughly at best."""
        return self.stderr is not None and bool(self.stderr <= IDENTIFIABLE_LOG_ERROR * self.size)


def estimated(
    objective: Objective,
    solution: Solution,
    jacobian: FloatArray,
    widening: FloatArray,
    prior: Law,
    tied: Collection[str],
    limit: float = LARGEST_MISFIT,
) -> tuple[dict[str, Estimate], str]:
    """(the estimates by name, how their intervals were found).

    Errors from `jacobian` (rows, n) count held constants as unknown, so that constants that depend on
    them are not told, and grow by the factors `widening` (n,).
    """
    form = objective.form
    values, of_prior = form.values(solution.x), form.known(prior)
    reach = student(solution.freedom(len(objective.measurements)))
    ends, said = _ends(objective, solution, jacobian, widening, reach, limit)
    result = {}
    for name, value in values.items():
        held = name in solution.held and name not in tied
        result[name] = _estimate(form, name, value, of_prior[name], ends.get(name), held=held)
    return result, said


def _ends(
    objective: Objective,
    solution: Solution,
    jacobian: FloatArray,
    widening: FloatArray,
    reach: float,
    limit: float,
) -> tuple[dict[str, tuple[float, float, float]], str]:
    """(the 95 % ends and the error of every logarithm that is told, how they were found).

    Unless all constants are identifiable, the curvature is trusted for none: the misfit is profiled.
    """
    noise = solution.noise(objective)[0]
    judged = max(noise, SMALLEST_NOISE)
    names = objective.names
    errors = np.array([*log_errors(jacobian, judged, names=names).values()]) * widening
    told = [
        name for name, error in zip(names, errors, strict=True)
        if name not in solution.held and error <= LARGEST_LOG_ERROR
    ]  # fmt: skip
    if solution.cost > len(objective.measurements) * limit**2:
        told = []  # the constants of another device
    if max(errors) > IDENTIFIABLE_LOG_ERROR and not objective.form.by_curvature:
        return profile_ends(objective, solution, told, widening), "profile likelihood"
    if max(errors) > IDENTIFIABLE_LOG_ERROR and objective.form.checked_far_off:
        sure = {name: float(errors[names.index(name)]) for name in told}
        wider = far_errors(objective, solution, sure, widening)
        errors = np.array([wider.get(name, errors[i]) for i, name in enumerate(names)])
    logs, far = solution.x[: len(names)], reach * errors * noise / judged
    ends = np.stack([logs - far, logs + far, far / reach], axis=1).tolist()
    found = {name: tuple(three) for name, three in zip(names, ends, strict=True) if name in told}
    return found, "covariance, normal in the logarithm"


def _estimate(
    form: Form,
    name: str,
    value: float,
    prior: float,
    ends: tuple[float, float, float] | None,
    *,
    held: bool,
) -> Estimate:
    if ends is not None:
        stderr, ci95 = from_ends(form, name, value, ends)
        return Estimate(name=name, value=value, unit=form.units[name], stderr=stderr, ci95=ci95,
                        basis="data", prior=prior, step=form.steps.get(name))  # fmt: skip
    at_prior = held and abs(value - prior) <= _SAME * abs(prior)
    return Estimate(
        name=name, value=prior if at_prior else value, unit=form.units[name], stderr=None, ci95=None,
        basis=AT_PRIOR if at_prior else AT_SEARCH if held else "with prior", prior=prior,
        step=form.steps.get(name),
    )  # fmt: skip


def from_ends(
    form: Form, name: str, value: float, ends: tuple[float, float, float]
) -> tuple[float, tuple[float, float]]:
    """(standard error, interval) of a constant, from the ends and the error of its place."""
    low, high = (form.value(name, end) for end in ends[:2])
    return ends[2] * form.steps.get(name, value), (min(low, value), max(high, value))
