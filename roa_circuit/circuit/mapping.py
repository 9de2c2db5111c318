"""The mapping between network and circuit numbers: Eq. 8-11 of Zhang et al. (2021).

Eq. 9's b is printed upside down in the paper. b = (Gmax + Gmin)/(Gmax - Gmin) = 3.152 for
Table 1 gives g = a G - b = 2 omega - 1 in [-1, 1]; the printed inverse, 0.317, gives
[1.84, 3.84]. This module uses the former.
"""

from __future__ import annotations

from roa_circuit.device.memristor import Array, as_array, conductance_range
from roa_circuit.device.parameters import Device

FULL_SCALE_VOLTAGE = 0.1
"""The word-line voltage [V] of input 1 (Eq. 8)."""


def voltage_from_input(x: Array) -> Array:
    """Eq. 8, word-line voltage [V] of an input x in [0, 1]."""
    return FULL_SCALE_VOLTAGE * as_array(x)


def weight_from_state(omega: Array) -> Array:
    """g in [-1, 1] of a state omega in [0, 1]: Eq. 9 with Eq. 3 inserted."""
    return 2.0 * as_array(omega) - 1.0


def state_from_weight(g: Array) -> Array:
    """omega in [0, 1] of a weight g in [-1, 1]."""
    return 0.5 * (as_array(g) + 1.0)


def mapping_constants(device: Device) -> tuple[float, float]:
    """(a [1/S], b [-]) of Eq. 9, with b the right way up."""
    smallest, largest = conductance_range(device.pulses.read_voltage, device.memristor)
    return 2.0 / (largest - smallest), (largest + smallest) / (largest - smallest)


def weight_from_conductance(G: Array, device: Device) -> Array:
    """Eq. 9, g = a G - b."""
    a, b = mapping_constants(device)
    return a * as_array(G) - b


def output_from_current(current: Array, input_sum: Array, device: Device) -> Array:
    """Eq. 11, y = 10 a I - b sum(x), with the sum formed digitally.

    current : (reads, columns) [A]; input_sum : (reads, 1), the sum of the inputs x
    """
    a, b = mapping_constants(device)
    return a / FULL_SCALE_VOLTAGE * as_array(current) - b * as_array(input_sum)


def output_from_reference(current: Array, reference: Array, device: Device) -> Array:
    """Eq. 11 with b sum(x) measured on a reference column held at omega = 1/2 (g = 0).

    y = 10 a (I - I_ref): the same linear map, and wires act on both currents alike.

    current : (reads, columns) [A]; reference : (reads, 1) [A]
    """
    a, _ = mapping_constants(device)
    return a / FULL_SCALE_VOLTAGE * (as_array(current) - as_array(reference))
