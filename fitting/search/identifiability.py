"""Identifiability: which of the constants the data determine, and which only a prior can.

This is local, from the Jacobian, and so blind to a model that is flat on one side only, such as a
pulse that saturates. The fit therefore profiles constants that are known only weakly.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from fitting.model.residuals import NAMES
from roa_circuit.device.arrays import Array

IDENTIFIABLE_LOG_ERROR = 0.05
"""A constant whose logarithm is known to this is identifiable: 20 % off is 3.6 such errors."""

LARGEST_LOG_ERROR = 0.5
"""A constant whose logarithm is known no better than this is not told; between the two, roughly."""

SMALLEST_NOISE = 1e-3
"""No instrument reads better than this (relative); noiseless data do not identify more."""

WIDE = 10.0  # standard deviation of a logarithm or logit that nothing is known of


def covariance(jacobian: Array, noise: float, free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The covariance (n, n) of the search vector under a relative noise; 0 for what is held.

    `jacobian` (rows, n) is d residual / d x. A prior of width 10 on every logarithm keeps the
    covariance finite in directions that the data do not see, and is too wide to matter elsewhere.
    """
    J = np.asarray(jacobian)[:, free] / noise
    few = np.zeros((max(0, J.shape[1] - len(J)), J.shape[1]))  # rows that leave no direction out
    singular, right = np.linalg.svd(np.concatenate([J, few]), full_matrices=False)[1:]
    # 1/(s^2 + 1/w^2) in each direction: a sum of squares, whatever the noise is.
    root = right.T / np.hypot(singular, 1.0 / WIDE)
    block = root @ root.T
    result = np.zeros((len(free), len(free)))
    result[np.ix_(free, free)] = block
    return result


def log_errors(
    jacobian: Array, noise: float, held: Collection[str] = (), names: Sequence[str] = NAMES
) -> dict[str, float]:
    """The standard error of every constant's place (its logarithm, mostly); 0 for those held."""
    count = np.asarray(jacobian).shape[1]
    free = np.array([i >= len(names) or names[i] not in held for i in range(count)])
    spread = np.sqrt(np.maximum(np.diag(covariance(jacobian, noise, free)), 0.0))
    return dict(zip(names, (float(v) for v in spread[: len(names)]), strict=True))


def student(freedom: int) -> float:
    """The 97.5 % point of Student's t, within 1 % from 2 degrees of freedom, 0.2 % from 3.

    By Abramowitz and Stegun 26.7.5, as scipy.stats takes longer to load than a device to fit.
    """
    z, v = 1.9599639845400545, float(freedom)
    terms = (
        (z**3 + z) / 4.0,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96.0,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384.0,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160.0,
    )
    return z + sum(term / v ** (power + 1) for power, term in enumerate(terms))
