"""The cells' I-V as polynomials: Eq. 2 for kernels that know no device model.

Between two voltages an I-V without kinks is its Chebyshev interpolant to the last digit. The
model is asked at a few voltages; whatever it is made of, the kernels evaluate i = u G(u).
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from roa_circuit.memristor import current
from roa_circuit.parameters import Memristor

Floats = NDArray[np.float64]

_DEGREES = (8, 12, 16, 24, 32)
_NO_CONDUCTANCE = 1e-300  # [S]
_ACCURACY = 1e-13  # of the largest conductance


def polynomials(state: Floats, p: Memristor, largest: float) -> Floats | None:
    """Coefficients c (degree, rows, columns) with i(u) = u (c[0] + c[1] u + ...) for |u| <= largest.

    The current is affine in omega (Eq. 2), so two interpolants serve every state. None if 32
    coefficients do not reach 1e-13 of the largest conductance.
    """
    pair = _interpolants(p, largest) if p.varies else _kept_interpolants(p, largest)
    if pair is None:
        return None
    off, on = pair
    return np.ascontiguousarray(off + state * (on - off))


def _interpolants(p: Memristor, largest: float) -> tuple[Floats, Floats] | None:
    """Coefficients at omega = 0 and 1."""
    for degree in _DEGREES:
        off, on = (_interpolate(omega, p, largest, degree) for omega in (0.0, 1.0))
        if max(_error(0.0, off, p, largest), _error(1.0, on, p, largest)) <= _ACCURACY:
            return off, on
    return None


_kept_interpolants = functools.lru_cache(maxsize=32)(_interpolants)  # a write asks for two, often


def _interpolate(omega: float, p: Memristor, largest: float, degree: int) -> Floats:
    """(degree, ...) power coefficients of i(u) / u, in extended precision until the end."""
    nodes, matrix = _interpolation(degree)
    conductance = _conductance(omega, nodes * np.longdouble(largest), p)
    scale = np.longdouble(largest) ** -np.arange(degree)
    coefficients = np.tensordot(scale[:, None] * matrix, conductance, 1)
    return np.asarray(coefficients, dtype=np.float64)


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


def _error(omega: float, coefficients: Floats, p: Memristor, largest: float) -> float:
    """The worst deviation between the nodes, of the largest conductance."""
    u = np.linspace(-largest, largest, 2 * len(coefficients) + 2, dtype=np.longdouble)
    exact = _conductance(omega, u, p)
    fitted = np.tensordot(u[:, None] ** np.arange(len(coefficients)), coefficients, 1)
    return float(np.abs(fitted - exact).max() / max(np.abs(exact).max(), _NO_CONDUCTANCE))


def _conductance(omega: float, u: NDArray[np.longdouble], p: Memristor) -> NDArray[np.longdouble]:
    """i(u) / u (voltages, rows, columns), rows and columns 1 where all cells are alike."""
    u = u[:, None, None]
    return np.asarray(current(omega, u, p) / u)
