"""Eq. 1's dependence on the voltage: the difference of two exponentials, and its means over ramps."""

from __future__ import annotations

from roa_circuit.device.arrays import LARGEST_EXPONENT, Array, is_array, namespace

RATE_UNITS = {"k": "1/s", "mu1": "1/V", "mu2": "1/V"}
RATE_MEANING = {
    "k": "rate of switching", "mu1": "exponent of potentiation, V < 0",
    "mu2": "exponent of depression, V > 0",
}  # fmt: skip
RATE = "k * (exp(-mu1*v) - exp(mu2*v))"
"""Of Eq. 1 [1/s]; simulators limit its exponents: they overflow in a step that goes too far."""


def exponential_rate(V: Array, k: Array, mu1: Array, mu2: Array) -> Array:
    """k (e^(-mu1 V) - e^(mu2 V)) [1/s] of Eq. 1: > 0 potentiates, < 0 depresses.

    Valid at any voltage: exponents are clamped at +-80.
    """
    V = _voltage(V, k, mu1, mu2)
    xp = namespace(V)
    low, high = -LARGEST_EXPONENT, LARGEST_EXPONENT
    return k * (xp.exp(xp.clip(-mu1 * V, low, high)) - xp.exp(xp.clip(mu2 * V, low, high)))


def exponential_mean(start: Array, end: Array, k: Array, mu1: Array, mu2: Array) -> Array:
    """The mean of that rate [1/s] as V goes linearly from `start` to `end` [V], in closed form."""
    start, end = _voltage(start, k, mu1, mu2), _voltage(end, k, mu1, mu2)
    raising = _mean_exponential(-mu1 * start, -mu1 * end)
    return k * (raising - _mean_exponential(mu2 * start, mu2 * end))


def _mean_exponential(a: Array, b: Array) -> Array:
    """(e^b - e^a) / (b - a), the mean of e^x over x from a to b, without cancellation."""
    xp = namespace(a, b)
    a, b = (xp.clip(x, -LARGEST_EXPONENT, LARGEST_EXPONENT) for x in (a, b))
    apart = xp.abs(b - a)
    safe = xp.where(apart == 0, xp.ones_like(apart), apart)
    larger = 0.5 * (a + b + apart)
    return xp.exp(larger) * xp.where(apart == 0, xp.ones_like(apart), -xp.expm1(-safe) / safe)


def _voltage(V: Array, *constants: Array) -> Array:
    if is_array(V):
        return V
    xp = namespace(*constants)
    return xp.asarray(V, dtype=xp.float64)
