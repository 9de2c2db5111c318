"""The cells' I-V as polynomials: a law's current for kernels that know no law.

The constants of a device only stretch two curves, its currents at omega = 1 and at omega = 0: heights
(gamma and alpha of Eq. 2) stretch them along the current, steepnesses (delta and beta) along the
voltage. Between two voltages a smooth curve equals its Chebyshev interpolant to the last digit. So each
shape is evaluated once, at a few voltages, and stretched for every cell of every device.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from roa_circuit.device.laws.law import Branch, Constant, Law

Floats = NDArray[np.float64]
Shape = Callable[[NDArray[np.longdouble]], NDArray[np.longdouble]]

_DEGREES = (8, 12, 16, 24, 32)
_ACCURACY = 1e-13  # of the largest conductance


def polynomials(state: Floats, p: Law, largest: float) -> Floats | None:
    """Coefficients c (degree, rows, columns) with i(u) = u (c[0] + c[1] u + ...) for |u| <= largest.

    The current is affine in omega, so two curves serve every state. None if 32
    coefficients are not enough for an error of 1e-13 of the largest conductance, or a law has no curves.
    """
    branches = p.branches()
    if branches is None:
        return None
    raised, lowered = branches
    on, off = (_of_branch(one, largest) for one in (raised, lowered))
    if on is None or off is None:
        return None
    c = np.zeros((max(len(on), len(off)), *state.shape))
    _add(c, on, p.current_scale * state * raised.height, raised.steepness)
    _add(c, off, p.current_scale * (1.0 - state) * lowered.height, lowered.steepness)
    return c


def _of_branch(branch: Branch, largest: float) -> Floats | None:
    return _curve(branch.shape, _rounded_up(float(np.max(branch.steepness)) * largest))


def _add(c: Floats, curve: Floats, height: Floats, steepness: Constant) -> None:
    """Add a curve, stretched by height and 1 / steepness, to c (degree, rows, columns)."""
    if np.ndim(steepness) == 0:
        stretched = curve * steepness ** np.arange(1.0, len(curve) + 1.0)
        c[: len(curve)] += stretched[:, None, None] * height
        return
    factor, term = height * steepness, np.empty_like(height)
    for power, coefficient in enumerate(curve):
        c[power] += np.multiply(factor, coefficient, out=term)
        factor *= steepness


def _rounded_up(reach: float) -> float:
    """Round up to one of a few values, so that other chips and drives find their curve in the cache."""
    return float(2.0 ** (math.ceil(4.0 * math.log2(reach)) / 4.0))


@functools.lru_cache(maxsize=64)
def _curve(shape: Shape, reach: float) -> Floats | None:
    """Power coefficients (degree,) of i(x) / x between -reach and reach; None if 32 are too few."""
    for degree in _DEGREES:
        nodes, matrix = _interpolation(degree)
        scale = np.longdouble(reach) ** -np.arange(degree)
        coefficients = scale * (matrix @ _conductance(shape, nodes * np.longdouble(reach)))
        curve = np.asarray(coefficients, dtype=np.float64)
        if _error(shape, curve, reach) <= _ACCURACY:
            return curve
    return None


@functools.cache
def _interpolation(degree: int) -> tuple[NDArray[np.longdouble], NDArray[np.longdouble]]:
    """(nodes in [-1, 1], the matrix from values at the nodes to power coefficients)."""
    theta = (np.arange(degree, dtype=np.longdouble) + 0.5) * (np.pi / np.longdouble(degree))
    basis = np.cos(np.outer(np.arange(degree), theta)) * (2 / np.longdouble(degree))
    basis[0] /= 2
    powers = np.zeros((degree, degree), dtype=np.longdouble)
    for k in range(degree):
        column = chebyshev.cheb2poly(np.eye(degree)[k])
        powers[: len(column), k] = column
    return np.cos(theta), powers @ basis


def _error(shape: Shape, curve: Floats, reach: float) -> float:
    """The worst deviation between the nodes, over the largest conductance."""
    x = np.linspace(-reach, reach, 2 * len(curve) + 2, dtype=np.longdouble)
    exact = _conductance(shape, x)
    fitted = x[:, None] ** np.arange(len(curve)) @ curve
    return float(np.abs(fitted - exact).max() / np.abs(exact).max())


def _conductance(shape: Shape, x: NDArray[np.longdouble]) -> NDArray[np.longdouble]:
    """i(x) / x (voltages,)."""
    return np.asarray(shape(x) / x)
