"""The in-situ write: pulses through the same wires that are read, cell by cell.

Each pulse of the programme sets every line; the solver gives the voltage that every cell really
sees, selected or not, and the closed form of Eq. 1 moves its state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.crossbar import Crossbar
from roa_circuit.errors import InputError
from roa_circuit.linear import LinearNetwork
from roa_circuit.memristor import after_dose, conductance, pulse_strength
from roa_circuit.parameters import Device
from roa_circuit.solver import Cells, solve_cells
from roa_circuit.waveforms import WritePulse, line_voltages, write_programme

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class WriteOutcome:
    """What an in-situ write left behind.

    state : (rows, columns) omega
    energy : dissipated in the cells during the flat tops [J]
    duration : of the whole programme [s]
    pulses : pulses applied to the array, each to the selected cells of one row in parallel
    """

    state: Floats
    energy: float
    duration: float
    pulses: int


def write_in_situ(
    crossbar: Crossbar,
    state: Floats,
    pulses: NDArray[np.int64],
    device: Device,
    *,
    on_pulse: Callable[[], None] = lambda: None,
) -> WriteOutcome:
    """Apply signed pulse counts (rows, columns) to states (rows, columns) through the wires.

    Word lines are driven through r_source, bit lines through r_sense; all lines ramp together.
    The dose of a pulse is the mean of those at the cell voltages before and after it, which
    takes the change of voltage during the pulse along to second order.

    Raises
    ------
    InputError : shapes that do not fit the crossbar.
    """
    for name, array in (("state", state), ("pulses", pulses)):
        if array.shape != crossbar.shape:
            raise InputError(f"{name} has shape {array.shape}, the crossbar is {crossbar.shape}")
    p = device.memristor
    network = LinearNetwork(crossbar, conductance(state, device.pulses.read_voltage, p))
    energy, duration, count = 0.0, 0.0, 0
    for pulse in write_programme(pulses, device):
        words, bits = line_voltages(pulse, crossbar)
        e = words[:, None] - bits[None, :]
        before = solve_cells(network, state, e, p)
        reached = after_dose(state, _dose(before, pulse, device))
        after = solve_cells(network, reached, e, p, guess=before.voltages)
        state = after_dose(state, 0.5 * (_dose(before, pulse, device) + _dose(after, pulse, device)))
        energy += float(np.sum(before.voltages * before.currents)) * pulse.width
        duration += pulse.duration
        count += 1
        on_pulse()
    return WriteOutcome(state=state, energy=energy, duration=duration, pulses=count)


def _dose(cells: Cells, pulse: WritePulse, device: Device) -> Floats:
    return np.asarray(pulse_strength(cells.voltages, pulse.width, device.memristor, edge=pulse.edge))
