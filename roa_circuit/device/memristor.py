"""The memristor as pure functions, for numpy and torch alike: each asks the device's law.

Every function takes scalars or arrays of any library that follows the Array API; arrays
broadcast. omega in [0, 1] is the state, V [V] the voltage across the cell, p a law with its
constants, such as `Memristor` (Eq. 1-5 of Zhang et al. 2021). Constants may be arrays
(rows, columns), too, where every cell is a device of its own. V < 0 potentiates (omega rises),
V > 0 depresses.
"""

from __future__ import annotations

from roa_circuit.device.arrays import Array, as_array
from roa_circuit.device.laws.law import Law


def rate(V: Array, p: Law) -> Array:
    """The dose per second at the voltage V [1/s]: > 0 potentiates, < 0 depresses."""
    return p.rate(V)


def state_derivative(omega: Array, V: Array, p: Law) -> Array:
    """d omega / dt [1/s], Eq. 1."""
    return p.state_derivative(omega, V)


def pulse_strength(V: Array, width: Array, p: Law, *, edge: float = 0.0) -> Array:
    """The signed dose A = integral of rate(V(t)) dt of one trapezoidal pulse [-].

    `width` [s] is the flat top, `edge` [s] each linear ramp between 0 and V, as in SPICE's
    PULSE. Of Eq. 1, a potentiating pulse adds A to 1/(1 - omega), a depressing one |A| to 1/omega:
    the exact solution, without time steps.
    """
    return p.dose(V, width, edge=edge)


def ramp_mean_rate(V: Array, p: Law) -> Array:
    """The mean of rate(v) over a linear ramp of v from 0 to V [1/s]."""
    return p.ramp_mean_rate(V)


def mean_rate(start: Array, end: Array, p: Law) -> Array:
    """The mean of rate(v) [1/s] as v goes linearly from `start` to `end` [V]."""
    return p.mean_rate(start, end)


def after_dose(omega: Array, dose: Array, p: Law, V: Array | None = None) -> Array:
    """The state after a signed dose; V [V] is wanted by laws with a coordinate for each amplitude."""
    return p.after_dose(omega, dose, V)


def current(omega: Array, V: Array, p: Law) -> Array:
    """The cell current [A], Eq. 2."""
    return p.current(omega, V)


def differential_conductance(omega: Array, V: Array, p: Law) -> Array:
    """dI/dV [S]; positive everywhere."""
    return p.differential_conductance(omega, V)


def conductance_range(read_voltage: float, p: Law) -> tuple[Array, Array]:
    """(Gmin, Gmax) [S] of Eq. 9, at omega = 0 and 1: floats, or arrays where the constants are."""
    return p.conductance_range(read_voltage)


def conductance(omega: Array, read_voltage: float, p: Law) -> Array:
    """Eq. 3, the conductance read at `read_voltage` [S]; linear in omega."""
    return p.conductance(omega, read_voltage)


def state_from_conductance(G: Array, read_voltage: float, p: Law) -> Array:
    """Eq. 4, the state that reads as conductance G [S]; not clipped to [0, 1]. Differences are Eq. 5."""
    smallest, largest = p.conductance_range(read_voltage)
    return (as_array(G) - smallest) / (largest - smallest)
