"""The charge of a pulse through a cell whose state moves while it flows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.laws.law import Law

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_NODES, _WEIGHTS = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS
_STEEPEST = 1e12  # of the speeds of a cell at both ends of a pulse


def charge_and_heat(
    omega: Floats,
    dose: Floats,
    before: Floats,
    after: Floats,
    width: Floats | float,
    p: Law,
    *,
    first: Floats | float = 0.0,
) -> tuple[Floats, Floats]:
    """(charge [C], energy [J]) of each cell in its `width` [s], while doses `first` to `dose` move it.

    omega : (cells,) states before the dose `first`
    width : of the pulse, or (cells,)
    before, after : (cells,) cell voltages [V] at start and end, linear in the state between

    A state nears its end ever more slowly: by Eq. 1 its distance falls with 1 + r t. Nodes of
    Gauss and Legendre in ln(1 + r t) therefore see all of its course, however strong the pulse is; r is
    taken from the speeds at both ends, for any law. Within 1e-3 where a pulse moves a cell to its end.
    """
    start = np.asarray(p.after_dose(omega, first + 0.0 * omega, before))
    end = np.asarray(p.after_dose(omega, dose, before))
    fast, slow = (np.abs(p.state_derivative(w, V)) for w, V in ((start, before), (end, after)))
    ratio = np.clip(np.maximum(fast, 1e-300) / np.maximum(slow, 1e-300), 1.0 / _STEEPEST, _STEEPEST)
    bend = 0.5 * np.log(ratio)  # ln(1 + r t) at the end
    flat = np.abs(bend) < 1e-6
    bend = np.where(flat, 1.0, bend)
    nodes = _NODES[:, None]
    passed = np.where(flat, nodes, np.expm1(nodes * bend) / np.expm1(bend))
    weight = np.where(flat, 1.0, bend * np.exp(nodes * bend) / np.expm1(bend)) * _WEIGHTS[:, None]
    state = np.asarray(p.after_dose(omega, first + passed * (dose - first), before))
    came = np.where(end == start, 0.0, (state - start) / np.where(end == start, 1.0, end - start))
    volts = before + came * (after - before)
    flow = weight * np.asarray(p.current(state, volts))
    charge, heat = width * flow.sum(axis=0), width * (flow * volts).sum(axis=0)
    return charge, heat
