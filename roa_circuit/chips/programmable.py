"""Cells that write-verify can program: free ones, or an array behind its wires and readout."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.converter_use import Usage
from roa_circuit.chips.in_situ import WriteOutcome, write_in_situ
from roa_circuit.chips.settling import require_prompt_writes, require_settled_reads
from roa_circuit.device.arrays import unmasked
from roa_circuit.device.memristor import state_from_conductance
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, after_pulses, require_states, write_noise

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class FreeCells:
    """Cells of any shape without wires: Eq. 1 in closed form, Eq. 7's noise at every write."""

    def __init__(
        self,
        state: Floats,
        device: Device,
        how: Programming,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.state = np.array(unmasked(state), dtype=np.float64)
        require_states(self.state)
        self._device, self._how, self._generator = device, how, generator

    def read(self) -> Floats:
        """omega, exactly."""
        return self.state

    def write(self, pulses: Counts) -> None:
        """Apply signed pulse counts."""
        written = after_pulses(self.state, pulses, self._device)
        self.state = np.asarray(write_noise(self.state, written, self._how, self._generator))


class Array(ABC):
    """An array that an engine writes in situ and reads through the same wires.

    A cell is read by driving its row alone at the read voltage, or that of the DAC's nearest code: its
    conductance is the settled current of its column over that voltage.

    state : (rows, columns) omega that the cells really have
    energy : spent by all writes so far [J]
    usage : what the converters of its readout were given so far

    Raises
    ------
    InputError : the reads would end before they have settled, or their code is 0.
    """

    def __init__(self, chip: Chip, state: Floats, device: Device, circuitry: Circuitry = BARE) -> None:
        """`device` turns readings into states; it knows nothing of the chip's own spread."""
        require_settled_reads(chip.crossbar, chip.device, circuitry)
        self.state = chip.start(np.array(state, dtype=np.float64))
        self.energy, self.usage = 0.0, Usage()
        self._chip, self._device, self._circuitry = chip, device, circuitry
        asked = device.pulses.read_voltage
        self._voltage = float(chip.slices.made(np.array(asked)))
        if not self._voltage:
            raise InputError(
                f"dac_bits = {chip.slices.bits}: the code nearest to the read voltage of"
                f" {engineering(asked, 'V')} is 0; lower dac_range, or give more bits"
            )

    def read(self) -> Floats:
        """The states (rows, columns) that the readout reports, by Eq. 4; they may lie outside [0, 1]."""
        chip, voltage = self._chip, self._voltage
        asked = voltage * np.eye(len(self.state))
        volts = chip.drive(asked)
        currents = self._currents(chip, volts)
        self.usage.add(chip, asked, currents, alone=True)
        sensed = chip.sense_alone(currents, self.state, volts)
        return np.asarray(state_from_conductance(sensed / voltage, voltage, self._device.memristor))

    def write(self, pulses: Counts) -> None:
        """Apply signed pulse counts (rows, columns) through the wires."""
        after, energy = self._after(self._chip, pulses)
        self.state = self._chip.written(self.state, after, pulses)
        self.energy += energy

    @abstractmethod
    def _currents(self, chip: Chip, volts: Floats) -> Floats:
        """Column currents (reads, columns) [A] of word-line voltages (reads, rows) [V]."""

    @abstractmethod
    def _after(self, chip: Chip, pulses: Counts) -> tuple[Floats, float]:
        """(states (rows, columns) after these pulses, energy that they took [J])."""


class WiredArray(Array):
    """The array in the surrogate.

    writes : the outcome of every write so far

    Raises
    ------
    InputError : the lines settle too slowly for the pulses, or for the reads.
    """

    def __init__(self, chip: Chip, state: Floats, device: Device, circuitry: Circuitry = BARE) -> None:
        super().__init__(chip, state, device, circuitry)
        require_prompt_writes(
            chip.crossbar, chip.device, circuitry, instead="write in a simulator (--engine ngspice)"
        )
        self.writes: list[WriteOutcome] = []

    def _currents(self, chip: Chip, volts: Floats) -> Floats:
        return self._circuitry.settled(chip.crossbar, self.state, chip.device).currents(volts)

    def _after(self, chip: Chip, pulses: Counts) -> tuple[Floats, float]:
        transistor = self._circuitry.transistor
        self.writes.append(
            write_in_situ(chip.crossbar, self.state, pulses, chip.device, transistor=transistor)
        )
        return self.writes[-1].state, self.writes[-1].energy
