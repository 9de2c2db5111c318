"""The mapping between network and circuit numbers: Eq. 8-11 of Zhang et al. (2021).

Eq. 9's b is printed upside down in the paper. b = (Gmax + Gmin)/(Gmax - Gmin) = 3.152 for
Table 1 gives g = a G - b = 2 omega - 1 in [-1, 1]; the printed inverse, 0.317, gives
[1.84, 3.84]. This module uses the former.
Which columns make an output is in `columns`.
"""

from __future__ import annotations

import numpy as np

from roa_circuit.basics.errors import InputError
from roa_circuit.device.arrays import Array, as_array
from roa_circuit.device.memristor import conductance_range, current
from roa_circuit.device.parameters import Device

NARROWEST = 0.01
"""Of the larger of Gmax and Gmin, what must lie between them: the weights' range."""


def voltage_from_input(x: Array, device: Device) -> Array:
    """Eq. 8, word-line voltage [V] of an input x in [0, 1]: the device's full scale at 1."""
    return device.pulses.full_scale * as_array(x)


def weight_from_state(omega: Array) -> Array:
    """g in [-1, 1] of a state omega in [0, 1]: Eq. 9 with Eq. 3 inserted."""
    return 2.0 * as_array(omega) - 1.0


def state_from_weight(g: Array) -> Array:
    """omega in [0, 1] of a weight g in [-1, 1]."""
    return 0.5 * (as_array(g) + 1.0)


def mapping_constants(device: Device) -> tuple[float, float]:
    """(a [1/S], b [-]) of Eq. 9, with b the right way up.

    Raises
    ------
    InputError : a device whose Gmax and Gmin nearly coincide, so that it can hold no weight.
    """
    smallest, largest = conductance_range(device.pulses.read_voltage, device.memristor)
    if np.any(np.abs(largest - smallest) <= NARROWEST * np.maximum(np.abs(largest), np.abs(smallest))):
        low, high, volts = np.min(smallest), np.max(largest), device.pulses.read_voltage
        raise InputError(
            f"device {device.name!r}: Gmin = {low:.4g} S and Gmax = {high:.4g} S at read_voltage ="
            f" {volts:g} V differ by less than {100 * NARROWEST:g} %, and hold no weights; read at"
            " another voltage, or fit gamma, delta, alpha and beta anew"
        )
    return 2.0 / (largest - smallest), (largest + smallest) / (largest - smallest)


def weight_from_conductance(G: Array, device: Device) -> Array:
    """Eq. 9, g = a G - b."""
    a, b = mapping_constants(device)
    return a * as_array(G) - b


def curvature(device: Device) -> float:
    """By how much inputs count more than Eq. 11 says, as the I-V is curved: 1.007 for Table 1.

    A cell's part of I - I_ref is (omega - 1/2) (I_on - I_off) at any voltage, so that only inputs are
    distorted. This is the slope of a straight line through the origin, fitted to them over [0, 1].
    """
    nodes, shares = np.polynomial.legendre.leggauss(_NODES)
    x, shares = 0.5 * (nodes + 1.0), 0.5 * shares
    volts, p = device.pulses.full_scale * x, device.memristor
    shape = (-1, 1, 1) if p.varies else (-1,)
    between = current(1.0, volts.reshape(shape), p) - current(0.0, volts.reshape(shape), p)
    smallest, largest = conductance_range(device.pulses.read_voltage, p)
    slope = np.tensordot(shares * x, between, 1) / (shares @ x**2) / device.pulses.full_scale
    return float(np.mean(slope / (largest - smallest)))


_NODES = 40
