"""Aging: what time does to cells that nobody touches: drift of conductance, loss of state.

Drift, as phase-change cells have it: G(t) = G0 (t / t0)^-nu, from t0 on, nu of each cell its own.
Retention, as filaments have it: omega relaxes to 0 as exp(-t / tau), tau after Arrhenius.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.components import BOLTZMANN_EV, NOMINAL_TEMPERATURE

Floats = NDArray[np.float64]


def drift_factor(age: float, start: float, exponents: Floats | float) -> Floats | float:
    """By what a cell's current has changed at an age [s], against that at `start` [s]."""
    return (age / start) ** -exponents


def retention_time(time: float, energy: float, temperature: float) -> float:
    """tau [s] at a temperature [K]: `time` at 300.15 K, by Arrhenius with an activation energy [eV]."""
    exponent = energy / BOLTZMANN_EV * (1.0 / temperature - 1.0 / NOMINAL_TEMPERATURE)
    return time * math.exp(min(max(exponent, -700.0), 700.0))


def relaxed(state: Floats, age: float, time: float) -> Floats:
    """States omega after an age [s], where tau is `time` [s]."""
    return np.asarray(state * math.exp(-age / time))
