"""Newton and conjugate gradients in numpy, round the direct solver of the linear network.

With the linear network as preconditioner the condition number is at most the spread of the
cells' differential conductances about it, whatever the wires.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import ConvergenceError
from roa_circuit.device.laws.law import Law
from roa_circuit.device.memristor import current, differential_conductance
from roa_circuit.solver.linear import LinearNetwork

Floats = NDArray[np.float64]

TOLERANCE = 1e-12
"""Solvers stop when every loop's voltage error is below this fraction of the largest drive."""

NO_VOLTAGE = 1e-60  # [V]; squares of what is smaller underflow

PROVEN = "which segments up to 100 Ohm and cells of 1 kOhm to 1 MOhm always reach: are these within?"
"""What failures say; `pytest -m slow tests/property/test_solver_range.py` proves it."""

_NEWTON_STEPS = 50
_CG_STEPS = 200


@dataclass(frozen=True)
class Cells:
    """The solution at every cell, both (..., rows, columns)."""

    voltages: Floats  # [V], word line minus bit line
    currents: Floats  # [A], into the bit line
    beyond: Floats | float = 0.0  # [V], what breaks take from the cells' word lines beside their wires


def solve_cells(
    network: LinearNetwork,
    state: Floats,
    e: Floats,
    p: Law,
    guess: Floats | None,
    tolerance: float,
) -> Cells:
    """As `solver.solve_cells`; one more step follows the one that met the tolerance."""
    u = network.cell_voltages(e) if guess is None else np.array(guess)
    limit = max(tolerance * float(np.abs(e).max(initial=0.0)), NO_VOLTAGE)
    for _ in range(_NEWTON_STEPS):
        i = current(state, u, p)
        residual = e - u - network.line_drops(i)
        slope = differential_conductance(state, u, p)
        y = solve_linear(network, slope, residual, 1e-4)
        u = u + y / slope
        if np.abs(residual).max(initial=0.0) <= limit:
            return Cells(u, i + y)
    worst = np.abs(residual).max()
    raise ConvergenceError(
        f"the crossbar solve stopped at a voltage error of {worst:.2e} V, not {limit:.1e} V, {PROVEN}"
    )


def solve_linear(network: LinearNetwork, conductances: Floats, e: Floats, tolerance: float) -> Floats:
    """As `solver.solve_linear`, by conjugate gradients with `network` as preconditioner."""
    limit = max(tolerance * float(np.abs(e).max(initial=0.0)), NO_VOLTAGE)
    y, r = np.zeros_like(e), e
    z = network.solve(r)
    direction = z
    rz = _dot(r, z)
    for _ in range(_CG_STEPS):
        product = direction / conductances + network.line_drops(direction)
        step = rz / np.maximum(_dot(direction, product), 1e-300)
        y = y + step * direction
        r = r - step * product
        if np.abs(r).max(initial=0.0) <= limit:
            return y
        z = network.solve(r)
        before, rz = rz, _dot(r, z)
        direction = z + (rz / np.maximum(before, 1e-300)) * direction
    worst = np.abs(r).max()
    raise ConvergenceError(
        f"the linear crossbar solve stopped at a residual of {worst:.2e} V, not {limit:.1e} V, {PROVEN}"
    )


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.sum(a * b, axis=(-2, -1), keepdims=True))
