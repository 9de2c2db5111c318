"""The cost of a write: pulses, energy and time, by the device's own equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.contents import as_counts
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, after_pulses, pulse_doses, real_pulse_count
from roa_circuit.device.pulse_charge import charge_and_heat


@dataclass(frozen=True, kw_only=True)
class WriteCost:
    """The cost of one write of one crossbar, without its wires."""

    pulses: int
    cells_written: int
    energy: float  # [J], in the cells' flat tops
    seconds: float  # [s], row by row, a row's cells in parallel, edges included


def erase_cost(state: NDArray[np.float64], pulses: NDArray[Any], device: Device) -> tuple[float, float]:
    """(energy [J], programming time [s]) that bring cells back to `state` after pulses that raised them.

    Depression pulses are counted by Eq. 6, to the nearest, without a cap; the noise of the write is left
    out. The next task on these cells needs it first. Arrays are (rows, columns), as in `write_cost`.
    """
    p, down, pulses = device.pulses, pulse_doses(device)[1], as_counts(pulses)
    before = np.clip(state, _LOWEST, 1.0 - _LOWEST)
    now = np.asarray(after_pulses(before, pulses, device))
    back = np.asarray(real_pulse_count(now, np.minimum(before - now, 0.0), device, _UNCAPPED))
    count = np.where(pulses > 0, np.rint(-back), 0.0)
    taken = count > 0  # a train of pulses of one voltage is one pulse of their dose and width
    volts = np.full(int(taken.sum()), p.depression_voltage)
    dose = -count[taken] * down
    widths = count[taken] * p.depression_width
    heat = charge_and_heat(now[taken], dose, volts, volts, widths, device.memristor)[1]
    seconds = float(count.max(axis=1, initial=0.0).sum())
    return float(heat.sum()), seconds * p.depression_width * (1 + 3 * p.edge_fraction)


_LOWEST = 1e-6
_UNCAPPED = Programming(max_pulses=10**12, lowest_state=_LOWEST, highest_state=1.0 - _LOWEST)


def write_cost(state: NDArray[np.float64], pulses: NDArray[Any], device: Device) -> WriteCost:
    """The cost of programming (rows, columns) cells in `state` with signed pulse counts.

    Energy is V I(omega) T summed over every pulse, I by the law's current as the state moves.
    """
    energy = seconds = 0.0
    p, pulses = device.pulses, as_counts(pulses)
    doses = pulse_doses(device)
    for sign, voltage, width, dose in (
        (1, p.potentiation_voltage, p.potentiation_width, doses[0]),
        (-1, p.depression_voltage, p.depression_width, doses[1]),
    ):
        count = np.maximum(sign * pulses, 0)
        before, own = state[count > 0], count[count > 0]
        volts = np.full(before.shape, voltage)
        # All pulses of a cell as one: at one voltage the state goes on where it was.
        _, heat = charge_and_heat(before, sign * dose * own, volts, volts, width * own, device.memristor)
        energy += float(heat.sum())
        seconds += float(count.max(axis=1, initial=0).sum()) * width * (1 + 3 * p.edge_fraction)
    return WriteCost(
        pulses=int(np.abs(pulses).sum()),
        cells_written=int(np.count_nonzero(pulses)),
        energy=energy,
        seconds=seconds,
    )
