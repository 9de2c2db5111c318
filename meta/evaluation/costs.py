"""The cost of a write: pulses, energy and time, by the device's own equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import after_pulses, pulse_doses
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
    p, down = device.pulses, pulse_doses(device)[1]
    before = np.clip(state, _LOWEST, 1.0)
    raised = pulses > 0
    start = 1.0 / np.clip(after_pulses(before, pulses, device), _LOWEST, 1.0)
    count = np.where(raised, np.rint(np.maximum(1.0 / before - start, 0.0) / down), 0.0)
    # omega falls as 1 / (start + dose): the sum over pulses of its mean, in closed form.
    states = np.log1p(count * down / start) / down
    low, high = (float(current(end, p.depression_voltage, device.memristor)) for end in (0.0, 1.0))
    charge = p.depression_width * float((count * low + states * (high - low)).sum())
    seconds = float(count.max(axis=1, initial=0.0).sum())
    return (
        p.depression_voltage * charge,
        seconds * p.depression_width * (1 + 3 * p.edge_fraction),
    )


_LOWEST = 1e-6


def write_cost(state: NDArray[np.float64], pulses: NDArray[Any], device: Device) -> WriteCost:
    """The cost of programming (rows, columns) cells in `state` with signed pulse counts.

    Energy is V I(omega) T summed over every pulse, I by the law's current as the state moves.
    """
    energy = seconds = 0.0
    p = device.pulses
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
