"""Cells to be programmed: without wires, or as an array behind its wires and readout."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from roa_circuit.chip import Chip, draw
from roa_circuit.circuitry import BARE, Circuitry
from roa_circuit.crossbar import Crossbar
from roa_circuit.in_situ import WriteOutcome, write_in_situ
from roa_circuit.memristor import state_from_conductance
from roa_circuit.parameters import Device
from roa_circuit.programming import Programming, after_pulses, write_noise
from roa_circuit.settling import require_prompt_writes, require_settled_reads

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
        self.state = np.array(state, dtype=np.float64)
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

    A cell's conductance is what its row, driven alone at the read voltage, sends to its column,
    settled.

    state : (rows, columns) omega that the cells really have
    energy : of all writes so far [J]

    Raises
    ------
    InputError : reads end before they have settled.
    """

    def __init__(self, chip: Chip, state: Floats, device: Device, circuitry: Circuitry = BARE) -> None:
        """`device` is what readings are taken to come from: none of the chip's own spread."""
        require_settled_reads(chip.crossbar, chip.device, circuitry)
        self.state = chip.start(np.array(state, dtype=np.float64))
        self.energy = 0.0
        self._chip, self._device, self._circuitry = chip, device, circuitry

    def read(self) -> Floats:
        """omega (rows, columns) as the readout reports it, Eq. 4; may lie outside [0, 1]."""
        chip, voltage = self._anew(), self._device.pulses.read_voltage
        volts = chip.drive(voltage * np.eye(len(self.state)))
        sensed = chip.sense(self._currents(chip, volts), self.state, volts)
        return np.asarray(state_from_conductance(sensed / voltage, voltage, self._device.memristor))

    def write(self, pulses: Counts) -> None:
        """Apply signed pulse counts (rows, columns) through the wires."""
        chip = self._anew()
        after, energy = self._after(chip, pulses)
        self.state = chip.written(self.state, after, pulses)
        self.energy += energy

    @abstractmethod
    def _currents(self, chip: Chip, volts: Floats) -> Floats:
        """Column currents (reads, columns) [A] of word-line voltages (reads, rows) [V]."""

    @abstractmethod
    def _after(self, chip: Chip, pulses: Counts) -> tuple[Floats, float]:
        """(the states that pulses lead to, the energy they take [J])."""

    def _anew(self) -> Chip:
        """The chip, its noise drawn anew: it repeats itself otherwise."""
        seeds = {name: seed + 1 for name, seed in self._chip.noise.items()}
        self._chip = dataclasses.replace(self._chip, noise=seeds)
        return self._chip


class WiredArray(Array):
    """The array in the surrogate.

    writes : the outcome of every write

    Raises
    ------
    InputError : lines too slow for the pulses, or for the reads.
    """

    def __init__(self, chip: Chip, state: Floats, device: Device, circuitry: Circuitry = BARE) -> None:
        super().__init__(chip, state, device, circuitry)
        require_prompt_writes(
            chip.crossbar, chip.device, circuitry, instead="write in a simulator (--engine ngspice)"
        )
        self.writes: list[WriteOutcome] = []

    @classmethod
    def perfect(cls, crossbar: Crossbar, state: Floats, device: Device) -> WiredArray:
        """One without imperfections but its wires."""
        return cls(draw(None, crossbar, device, np.random.default_rng(0)), state, device)

    def _currents(self, chip: Chip, volts: Floats) -> Floats:
        return self._circuitry.settled(chip.crossbar, self.state, chip.device).currents(volts)

    def _after(self, chip: Chip, pulses: Counts) -> tuple[Floats, float]:
        self.writes.append(write_in_situ(chip.crossbar, self.state, pulses, chip.device))
        return self.writes[-1].state, self.writes[-1].energy
