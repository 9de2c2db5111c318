"""The charge of a pulse through a cell whose state moves while it flows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.laws.law import Law
from roa_circuit.device.laws.zhang2021 import Memristor

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_NODES, _WEIGHTS = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS
_STEEPEST = 1e12  # of the speeds of a cell at both ends of a pulse
_STEADY = 0.35  # half the logarithm of their ratio, up to which one set of nodes sees any course
_ALIKE = 1e-4  # of the energy, by which halves of a part may differ from it
_HALVINGS = 14


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
    taken from the speeds at both ends. By other laws a cell may arrive within the pulse, which is then
    halved, and its halves, until they differ by less than 1e-4 from their whole: 1e-3 for any law.
    """
    flow = _Flow(p, omega, before, 0.0 * omega + first, dose, before, after, 0.0 * omega + width)
    charge, heat, bend = flow.through(0.0, 1.0, slice(None))
    uneven = np.flatnonzero(np.abs(bend) > _STEADY)
    if uneven.size and not isinstance(p, Memristor):
        flow.refine(uneven, charge, heat)
    return charge, heat


@dataclass(frozen=True)
class _Flow:
    """Cells (cells,) of one pulse, whose coordinate is that of the voltage `at`."""

    law: Law
    omega: Floats
    at: Floats
    first: Floats
    last: Floats
    before: Floats
    after: Floats
    width: Floats

    def refine(self, which: NDArray[np.intp], charge: Floats, heat: Floats) -> None:
        """Put better values of these cells in place of those that one set of nodes has."""
        low, high = np.zeros(len(which)), np.ones(len(which))
        known, enough = np.array([charge[which], heat[which]]), _ALIKE * np.abs(heat)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            left = np.array(self.through(low, middle, which)[:2])
            right = np.array(self.through(middle, high, which)[:2])
            better = left + right - known
            np.add.at(charge, which, better[0])
            np.add.at(heat, which, better[1])
            off = np.abs(better[1]) > enough[which]
            if not off.any():
                return
            known = np.concatenate([left[:, off], right[:, off]], axis=1)
            low, high = np.append(low[off], middle[off]), np.append(middle[off], high[off])
            which = np.tile(which[off], 2)

    def through(
        self, low: Floats | float, high: Floats | float, which: slice | NDArray[np.intp]
    ) -> tuple[Floats, Floats, Floats]:
        """(charge, energy, half the logarithm of the speeds' ratio) between two shares of the pulse."""
        law, omega, at = self.law.part(which), self.omega[which], self.at[which]
        first, whole = self.first[which], self.last[which] - self.first[which]
        start = np.asarray(law.after_dose(omega, first + low * whole, at))
        last = self.last[which] if isinstance(which, slice) else first + high * whole
        end = np.asarray(law.after_dose(omega, last, at))
        before, after = self._volts(law, which, start, end)
        fast, slow = (np.abs(law.state_derivative(w, V)) for w, V in ((start, before), (end, after)))
        ratio = np.maximum(fast, 1e-300) / np.maximum(slow, 1e-300)
        half = 0.5 * np.log(np.clip(ratio, 1.0 / _STEEPEST, _STEEPEST))  # ln(1 + r t) at the end
        flat = np.abs(half) < 1e-6
        bend = np.where(flat, 1.0, half)
        nodes = _NODES[:, None]
        passed = np.where(flat, nodes, np.expm1(nodes * bend) / np.expm1(bend))
        weight = np.where(flat, 1.0, bend * np.exp(nodes * bend) / np.expm1(bend)) * _WEIGHTS[:, None]
        done = first + (low + passed * (high - low)) * whole
        state = np.asarray(law.after_dose(omega, done, at))
        came = np.where(end == start, 0.0, (state - start) / np.where(end == start, 1.0, end - start))
        volts = before + came * (after - before)
        flow = weight * np.asarray(law.current(state, volts))
        width = self.width[which] * (high - low)
        return width * flow.sum(axis=0), width * (flow * volts).sum(axis=0), half

    def _volts(
        self, law: Law, which: slice | NDArray[np.intp], start: Floats, end: Floats
    ) -> tuple[Floats, Floats]:
        """The voltages at two states of the pulse; at its own ends those that are known."""
        before, after = self.before[which], self.after[which]
        if isinstance(which, slice):
            return before, after
        omega, at = self.omega[which], self.at[which]
        begun, ended = (
            np.asarray(law.after_dose(omega, one[which], at)) for one in (self.first, self.last)
        )
        apart = np.where(ended == begun, 1.0, ended - begun)
        low, high = ((w - begun) / apart * (after - before) for w in (start, end))
        return before + low, before + high
