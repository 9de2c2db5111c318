"""The memristor: Eq. 1-5 of Zhang et al. (2021) as pure functions, for numpy and torch alike.

Every function takes scalars or arrays of any library that follows the Array API; arrays
broadcast. omega in [0, 1] is the state, V [V] the voltage across the cell, p a `Memristor`. Its
constants may be arrays (rows, columns), too, where every cell is a device of its own.
V < 0 potentiates (omega rises), V > 0 depresses.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj

from roa_circuit.device.parameters import Memristor

Array = Any
"""A numpy array, a torch tensor, or another array of the Array API standard."""

# e^80 switches any cell in a femtosecond and still fits float32: the clamp changes no result.
LARGEST_EXPONENT = 80.0


def namespace(*values: Array) -> Any:
    """The array library of `values`; numpy when all are plain numbers."""
    arrays = [v for v in values if is_array_api_obj(v)]
    if all(isinstance(v, np.ndarray | np.generic) for v in arrays):
        return np  # has every function used here; array_api_compat's copy of it loads f2py
    return array_namespace(*arrays)


def as_array(value: Array) -> Array:
    """`value` itself if it is an array, else a float64 numpy array."""
    return value if is_array_api_obj(value) else np.asarray(value, dtype=np.float64)


def _voltage(V: Array, p: Memristor) -> Array:
    """V itself if it is an array, else an array of the library that the constants of `p` belong to."""
    if is_array_api_obj(V):
        return V
    xp = namespace(*vars(p).values())
    return xp.asarray(V, dtype=xp.float64)


def rate(V: Array, p: Memristor) -> Array:
    """k (e^(-mu1 V) - e^(mu2 V)) [1/s] of Eq. 1: > 0 potentiates, < 0 depresses.

    Valid at any voltage: exponents are clamped at +-80.
    """
    V = _voltage(V, p)
    xp = namespace(V)
    low, high = -LARGEST_EXPONENT, LARGEST_EXPONENT
    return p.k * (xp.exp(xp.clip(-p.mu1 * V, low, high)) - xp.exp(xp.clip(p.mu2 * V, low, high)))


def state_derivative(omega: Array, V: Array, p: Memristor) -> Array:
    """Eq. 1, d omega / dt [1/s]."""
    V = _voltage(V, p)
    xp = namespace(omega, V)
    return xp.where(V < 0, (1.0 - omega) ** 2, omega**2) * rate(V, p)


def pulse_strength(V: Array, width: Array, p: Memristor, *, edge: float = 0.0) -> Array:
    """The signed dose A = integral of rate(V(t)) dt of one trapezoidal pulse [-].

    `width` [s] is the flat top, `edge` [s] each linear ramp between 0 and V, as in SPICE's
    PULSE. A potentiating pulse adds A to 1/(1 - omega), a depressing one |A| to 1/omega:
    the exact solution of Eq. 1, without time steps.
    """
    flat = rate(V, p) * width
    if edge == 0.0:
        return flat
    return flat + 2.0 * edge * ramp_mean_rate(V, p)


def ramp_mean_rate(V: Array, p: Memristor) -> Array:
    """The mean of rate(v) over a linear ramp of v from 0 to V [1/s], in closed form."""
    V = _voltage(V, p)
    return mean_rate(0.0 * V, V, p)


def mean_rate(start: Array, end: Array, p: Memristor) -> Array:
    """The mean of rate(v) [1/s] as v goes linearly from `start` to `end` [V], in closed form."""
    start, end = _voltage(start, p), _voltage(end, p)
    raising = _mean_exponential(-p.mu1 * start, -p.mu1 * end)
    return p.k * (raising - _mean_exponential(p.mu2 * start, p.mu2 * end))


def _mean_exponential(a: Array, b: Array) -> Array:
    """(e^b - e^a) / (b - a), the mean of e^x over x from a to b, without cancellation."""
    xp = namespace(a, b)
    a, b = (xp.clip(x, -LARGEST_EXPONENT, LARGEST_EXPONENT) for x in (a, b))
    apart = xp.abs(b - a)
    safe = xp.where(apart == 0, xp.ones_like(apart), apart)
    larger = 0.5 * (a + b + apart)
    return xp.exp(larger) * xp.where(apart == 0, xp.ones_like(apart), -xp.expm1(-safe) / safe)


def after_dose(omega: Array, dose: Array) -> Array:
    """The state after a signed dose: the closed form of Eq. 1 at constant polarity.

    dose > 0: 1/(1 - omega) grows by dose; dose < 0: 1/omega grows by |dose|. Doses of one
    polarity add up, so n pulses are one dose n A. Stays in [0, 1] for every dose.
    """
    omega, dose = as_array(omega), as_array(dose)
    xp = namespace(omega, dose)
    up = xp.clip(dose, 0.0, None)
    down = xp.clip(-dose, 0.0, None)
    raised = 1.0 - (1.0 - omega) / (1.0 + (1.0 - omega) * up)
    lowered = omega / (1.0 + omega * down)
    return xp.where(dose < 0, lowered, xp.where(dose > 0, raised, omega + 0.0 * dose))


def current(omega: Array, V: Array, p: Memristor) -> Array:
    """Eq. 2, the cell current [A]."""
    V = _voltage(V, p)
    xp = namespace(omega, V)
    tunnel = p.gamma * xp.sinh(p.delta * V)
    barrier = -p.alpha * xp.expm1(-p.beta * V)
    return p.current_scale * (omega * tunnel + (1.0 - omega) * barrier)


def differential_conductance(omega: Array, V: Array, p: Memristor) -> Array:
    """dI/dV of Eq. 2 [S]; positive everywhere."""
    V = _voltage(V, p)
    xp = namespace(omega, V)
    tunnel = p.gamma * p.delta * xp.cosh(p.delta * V)
    barrier = p.alpha * p.beta * xp.exp(-p.beta * V)
    return p.current_scale * (omega * tunnel + (1.0 - omega) * barrier)


def conductance_range(read_voltage: float, p: Memristor) -> tuple[Array, Array]:
    """(Gmin, Gmax) [S] of Eq. 9, at omega = 0 and 1: floats, or arrays where the constants are."""
    if not p.varies:
        largest = p.current_scale * p.gamma * math.sinh(p.delta * read_voltage) / read_voltage
        smallest = -p.current_scale * p.alpha * math.expm1(-p.beta * read_voltage) / read_voltage
        return smallest, largest
    return current(0.0, read_voltage, p) / read_voltage, current(1.0, read_voltage, p) / read_voltage


def conductance(omega: Array, read_voltage: float, p: Memristor) -> Array:
    """Eq. 3, the conductance read at `read_voltage` [S]; linear in omega."""
    smallest, largest = conductance_range(read_voltage, p)
    return smallest + as_array(omega) * (largest - smallest)


def state_from_conductance(G: Array, read_voltage: float, p: Memristor) -> Array:
    """Eq. 4, the state that reads as conductance G [S]; not clipped to [0, 1]."""
    smallest, largest = conductance_range(read_voltage, p)
    return (as_array(G) - smallest) / (largest - smallest)


def state_change(dG: Array, read_voltage: float, p: Memristor) -> Array:
    """Eq. 5, the change of state behind a change of conductance dG [S]."""
    smallest, largest = conductance_range(read_voltage, p)
    return as_array(dG) / (largest - smallest)
