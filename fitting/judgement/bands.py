"""Bands: how well a fit knows Eq. 1 and 2 at any voltage, by linear propagation of its covariance."""

from __future__ import annotations

import numpy as np

from fitting.model.residuals import NAMES
from fitting.readers.measurements import FloatArray
from fitting.search.fit import Fit
from fitting.search.identifiability import SMALLEST_NOISE, covariance


def constants_covariance(f: Fit) -> FloatArray:
    """The covariance (7, 7) of the logarithms of the constants; wide where the data are blind."""
    return covariance(f.jacobian, max(f.noise, SMALLEST_NOISE), np.ones(len(NAMES), dtype=bool))


def correlation(f: Fit) -> FloatArray:
    """The same as a matrix of correlations in [-1, 1]."""
    C = constants_covariance(f)
    size = np.sqrt(np.maximum(np.diag(C), 1e-300))
    result: FloatArray = np.clip(C / np.outer(size, size), -1.0, 1.0)
    return result


def rate_error(f: Fit, V: FloatArray) -> FloatArray:
    """The standard error of the logarithm of Eq. 1's rate at pulses of V [V], (points,)."""
    p = f.memristor
    rise, fall = np.exp(-p.mu1 * V), np.exp(p.mu2 * V)
    slopes = np.zeros((len(NAMES), len(V)))
    slopes[:3] = np.stack([rise - fall, -p.mu1 * V * rise, -p.mu2 * V * fall]) / (rise - fall)
    return _spread(f, slopes)


def current_error(f: Fit, omega: float, V: FloatArray) -> FloatArray:
    """The standard error [A] of Eq. 2 at the voltages V [V], (points,)."""
    p = f.memristor
    tunnel = omega * p.gamma * np.stack([np.sinh(p.delta * V), p.delta * V * np.cosh(p.delta * V)])
    fallen = np.exp(-p.beta * V)
    barrier = (1.0 - omega) * p.alpha * np.stack([1.0 - fallen, p.beta * V * fallen])
    return _spread(f, np.concatenate([np.zeros((3, len(V))), tunnel, barrier]))


def _spread(f: Fit, slopes: FloatArray) -> FloatArray:
    """The standard error of a function with these slopes (7, points) by the constants' logarithms."""
    result: FloatArray = np.sqrt(np.einsum("ip,ij,jp->p", slopes, constants_covariance(f), slopes))
    return result
