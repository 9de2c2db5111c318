"""The current of Eq. 2: two branches, tunnelling at omega = 1 and a barrier at omega = 0."""

from __future__ import annotations

import math

import numpy as np

from roa_circuit.device.arrays import Array, is_array, namespace
from roa_circuit.device.laws.law import Branch, Constant, Law

BRANCH_UNITS = {"gamma": "A", "delta": "1/V", "alpha": "A", "beta": "1/V", "current_scale": "-"}
BRANCH_MEANING = {
    "gamma": "current of tunnelling, omega = 1", "delta": "exponent of tunnelling",
    "alpha": "current of the barrier, omega = 0", "beta": "exponent of the barrier",
    "current_scale": "multiplies the current alone",
}  # fmt: skip
BRANCHES = {"tunnel": "gamma * sinh(delta*v)", "barrier": "alpha * (1 - exp(-beta*v))"}
CURRENT = "current_scale * (omega * tunnel + (1 - omega) * barrier)"
"""Eq. 2 [A] of the state omega and its two branches at the voltage v."""


class TwoBranches(Law):
    """What all laws share whose current is Eq. 2."""

    CONDUCTING = tuple(BRANCH_UNITS)

    gamma: Constant  # [A]
    delta: Constant  # [1/V]
    alpha: Constant  # [A]
    beta: Constant  # [1/V]

    @property
    def varies(self) -> bool:
        """Whether any constant is an array, so that cells differ."""
        return any(map(is_array, vars(self).values()))

    def voltage(self, V: Array) -> Array:
        """V itself if it is an array, else an array of the library that the constants belong to."""
        if is_array(V):
            return V
        xp = namespace(*vars(self).values())
        return xp.asarray(V, dtype=xp.float64)

    def current(self, omega: Array, V: Array) -> Array:
        """Eq. 2, the cell current [A]."""
        V = self.voltage(V)
        xp = namespace(omega, V)
        tunnel = self.gamma * xp.sinh(self.delta * V)
        barrier = -self.alpha * xp.expm1(-self.beta * V)
        return self.current_scale * (omega * tunnel + (1.0 - omega) * barrier)

    def differential_conductance(self, omega: Array, V: Array) -> Array:
        """dI/dV of Eq. 2 [S]; positive everywhere."""
        V = self.voltage(V)
        xp = namespace(omega, V)
        tunnel = self.gamma * self.delta * xp.cosh(self.delta * V)
        barrier = self.alpha * self.beta * xp.exp(-self.beta * V)
        return self.current_scale * (omega * tunnel + (1.0 - omega) * barrier)

    def conductance_range(self, read_voltage: float) -> tuple[Array, Array]:
        """(Gmin, Gmax) [S] of Eq. 9, at omega = 0 and 1: floats, or arrays where the constants are."""
        if not self.varies:
            V, scale = read_voltage, self.current_scale
            largest = scale * self.gamma * math.sinh(self.delta * V) / V
            smallest = -scale * self.alpha * math.expm1(-self.beta * V) / V
            return smallest, largest
        ends = (self.current(omega, read_voltage) / read_voltage for omega in (0.0, 1.0))
        smallest, largest = ends
        return smallest, largest

    def branches(self) -> tuple[Branch, Branch]:
        """Tunnelling, then the barrier."""
        return (
            Branch(height=self.gamma, steepness=self.delta, shape=np.sinh),
            Branch(height=self.alpha, steepness=self.beta, shape=rising),
        )


def rising(x: Array) -> Array:
    """1 - e^-x."""
    return -np.expm1(-x)
