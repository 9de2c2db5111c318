"""Estimates: each constant of a fit, with its error if the data tell one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from fitting.model.residuals import NAMES, Objective, from_search
from fitting.readers.measurements import FloatArray
from fitting.search.identifiability import (
    IDENTIFIABLE_LOG_ERROR,
    LARGEST_LOG_ERROR,
    SMALLEST_NOISE,
    log_errors,
    student,
)
from fitting.search.multistart import Solution
from fitting.search.profile import profile_ends
from roa_circuit.device.parameters import UNITS, Memristor

LARGEST_MISFIT = 0.1
"""A relative rms beyond this means that Eq. 1 and 2 do not describe the device."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One constant: its value, its error if the data tell one, and the prior's value.

    `basis` is 'data'; or 'prior', held at the prior's value; or 'with prior', fitted but only
    meaningful together with the held ones. stderr and ci95 are None unless `told`.
    """

    name: str
    value: float
    unit: str
    stderr: float | None
    ci95: tuple[float, float] | None
    basis: str
    prior: float

    @property
    def told(self) -> bool:
        """Whether the data give an interval for it, however wide."""
        return self.basis == "data"

    @property
    def identifiable(self) -> bool:
        """Whether its error is within `IDENTIFIABLE_LOG_ERROR`; otherwise it is told roughly at best."""
        return self.stderr is not None and bool(self.stderr <= IDENTIFIABLE_LOG_ERROR * self.value)


def estimated(
    objective: Objective,
    solution: Solution,
    jacobian: FloatArray,
    widening: FloatArray,
    prior: Memristor,
    tied: Collection[str],
) -> tuple[dict[str, Estimate], str]:
    """(the estimates by name, how their intervals were found).

    Errors from `jacobian` (rows, 7) count held constants as unknown, so that constants that depend on
    them are not told, and grow by the factors `widening` (7,).
    """
    p, _ = from_search(solution.x)
    reach = student(solution.freedom(len(objective.measurements)))
    ends, said = _ends(objective, solution, jacobian, widening, reach)
    result = {}
    for name in NAMES:
        at_prior = name in solution.held and name not in tied
        value = float(getattr(p, name))
        result[name] = _estimate(name, value, getattr(prior, name), ends.get(name), at_prior=at_prior)
    return result, said


def _ends(
    objective: Objective, solution: Solution, jacobian: FloatArray, widening: FloatArray, reach: float
) -> tuple[dict[str, tuple[float, float, float]], str]:
    """(the 95 % ends and the error of every logarithm that is told, how they were found).

    Unless all constants are identifiable, the curvature is trusted for none: the misfit is profiled.
    """
    noise = solution.noise(objective)[0]
    judged = max(noise, SMALLEST_NOISE)
    errors = np.array([*log_errors(jacobian, judged).values()]) * widening
    told = [
        name for name, error in zip(NAMES, errors, strict=True)
        if name not in solution.held and error <= LARGEST_LOG_ERROR
    ]  # fmt: skip
    if solution.cost > len(objective.measurements) * LARGEST_MISFIT**2:
        told = []  # the constants of another device
    if max(errors) > IDENTIFIABLE_LOG_ERROR:
        return profile_ends(objective, solution, told, widening), "profile likelihood"
    logs, far = solution.x[: len(NAMES)], reach * errors * noise / judged
    ends = np.stack([logs - far, logs + far, far / reach], axis=1).tolist()
    found = {name: tuple(three) for name, three in zip(NAMES, ends, strict=True) if name in told}
    return found, "covariance, normal in the logarithm"


def _estimate(
    name: str,
    value: float,
    prior: float,
    ends: tuple[float, float, float] | None,
    *,
    at_prior: bool,
) -> Estimate:
    if ends is not None:
        stderr, ci95 = from_ends(value, ends)
        return Estimate(name=name, value=value, unit=UNITS[name], stderr=stderr, ci95=ci95,
                        basis="data", prior=prior)  # fmt: skip
    return Estimate(
        name=name, value=prior if at_prior else value, unit=UNITS[name], stderr=None, ci95=None,
        basis="prior" if at_prior else "with prior", prior=prior,
    )  # fmt: skip


def from_ends(value: float, ends: tuple[float, float, float]) -> tuple[float, tuple[float, float]]:
    """(standard error, interval) of a constant, from the ends and the error of its logarithm."""
    low, high = np.exp(ends[:2]).tolist()
    return value * ends[2], (min(low, value), max(high, value))
