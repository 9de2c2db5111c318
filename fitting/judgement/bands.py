"""Bands: how well a fit knows Eq. 1 and 2 at any voltage, by linear propagation of its covariance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fitting.readers.measurements import FloatArray
from fitting.search.fit import Fit
from fitting.search.identifiability import SMALLEST_NOISE, covariance

_STEP = 1e-6  # of a logarithm


def constants_covariance(f: Fit) -> FloatArray:
    """The covariance (n, n) of the logarithms of the constants; wide where the data are blind."""
    return covariance(
        f.jacobian, max(f.noise, SMALLEST_NOISE), np.ones(f.objective.form.count, dtype=bool)
    )


def correlation(f: Fit) -> FloatArray:
    """The same as a matrix of correlations in [-1, 1]."""
    C = constants_covariance(f)
    size = np.sqrt(np.maximum(np.diag(C), 1e-300))
    result: FloatArray = np.clip(C / np.outer(size, size), -1.0, 1.0)
    return result


def rate_error(f: Fit, V: FloatArray) -> FloatArray:
    """The standard error of the logarithm of the law's rate at pulses of V [V], (points,)."""

    def logarithm(x: FloatArray) -> FloatArray:
        size: FloatArray = np.abs(f.objective.form.law(x).rate(V))
        return np.log(np.maximum(size, 1e-300))

    return _spread(f, _slopes(f, logarithm))


def current_error(f: Fit, omega: float, V: FloatArray) -> FloatArray:
    """The standard error [A] of the current at the voltages V [V], (points,)."""
    return _spread(f, _slopes(f, lambda x: np.asarray(f.objective.form.law(x).current(omega, V))))


def _slopes(f: Fit, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """The slopes (n, points) of a function of the search vector, at the fit."""
    x, rows = f.solution.x, []
    for index in range(f.objective.form.count):
        step = np.zeros(len(x))
        step[index] = _STEP
        rows.append((function(x + step) - function(x - step)) / (2.0 * _STEP))
    return np.stack(rows)


def _spread(f: Fit, slopes: FloatArray) -> FloatArray:
    """The standard error of a function with these slopes (n, points) by the constants' logarithms."""
    result: FloatArray = np.sqrt(np.einsum("ip,ij,jp->p", slopes, constants_covariance(f), slopes))
    return result
