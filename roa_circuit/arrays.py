"""Cells to be programmed: without wires, or as an array behind its wires and readout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roa_circuit.crossbar import Crossbar
from roa_circuit.in_situ import WriteOutcome, write_in_situ
from roa_circuit.memristor import state_from_conductance
from roa_circuit.parameters import Device
from roa_circuit.programming import Programming, after_pulses, write_noise
from roa_circuit.solver import read_currents

Floats = NDArray[np.float64]


class FreeCells:
    """Cells of any shape without wires: Eq. 1 in closed form, Eq. 7's noise at every write."""

    def __init__(
        self,
        state: Floats,
        device: Device,
        how: Programming,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.state = np.array(state, dtype=np.float64)
        self._device, self._how, self._generator = device, how, generator

    def read(self) -> Floats:
        return self.state

    def write(self, pulses: NDArray[np.int64]) -> None:
        written = after_pulses(self.state, pulses, self._device)
        self.state = np.asarray(write_noise(self.state, written, self._how, self._generator))


class WiredArray:
    """An array in the surrogate: written in situ, read row by row through the same wires.

    A cell's conductance is what its row, driven alone at the read voltage, sends to its column.

    state : (rows, columns) omega
    writes : the outcome of every write
    """

    def __init__(self, crossbar: Crossbar, state: Floats, device: Device) -> None:
        self.state = np.array(state, dtype=np.float64)
        self.writes: list[WriteOutcome] = []
        self._crossbar, self._device = crossbar, device

    def read(self) -> Floats:
        volts = row_by_row(self._crossbar, self._device)
        return reading(read_currents(self._crossbar, self.state, volts, self._device), self._device)

    def write(self, pulses: NDArray[np.int64]) -> None:
        self.writes.append(write_in_situ(self._crossbar, self.state, pulses, self._device))
        self.state = self.writes[-1].state


def row_by_row(crossbar: Crossbar, device: Device) -> Floats:
    """Word-line voltages (rows, rows) [V] of reads that drive one row each."""
    return device.pulses.read_voltage * np.eye(crossbar.rows)


def reading(currents: Floats, device: Device) -> Floats:
    """omega (rows, columns) that sensed currents [A] of `row_by_row` reads stand for, Eq. 4."""
    voltage = device.pulses.read_voltage
    return np.asarray(state_from_conductance(currents / voltage, voltage, device.memristor))
