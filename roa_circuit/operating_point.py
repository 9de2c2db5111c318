"""Every voltage, current and watt of a read: what a designer probes beside the sensed currents."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.crossbar import Crossbar
from roa_circuit.errors import InputError
from roa_circuit.linear import LinearNetwork
from roa_circuit.memristor import conductance
from roa_circuit.parameters import Device
from roa_circuit.solver import check_read, solve_cells, solve_linear

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OperatingPoint:
    """One solved array a read; voltages [V] and currents [A] are (reads, rows, columns).

    drives : (reads, rows) [V]
    cell_voltages : word line minus bit line
    cell_currents : from the word line into the bit line
    """

    crossbar: Crossbar
    drives: Floats
    cell_voltages: Floats
    cell_currents: Floats

    @functools.cached_property
    def word_currents(self) -> Floats:
        """In the word-line segment that leads to each cell, away from the driver."""
        return np.asarray(np.cumsum(self.cell_currents[..., ::-1], axis=-1)[..., ::-1])

    @functools.cached_property
    def bit_currents(self) -> Floats:
        """In the bit-line segment that leaves each cell, towards the sense resistor."""
        return np.asarray(np.cumsum(self.cell_currents, axis=-2))

    @property
    def sensed(self) -> Floats:
        """(reads, columns) [A], as `solver.read_currents`."""
        return self.bit_currents[..., -1, :]

    @functools.cached_property
    def word_voltages(self) -> Floats:
        """Of the word-line node at each cell, against the virtual grounds."""
        c, currents = self.crossbar, self.word_currents
        lost = c.r_source * currents[..., :1] + c.r_word * np.cumsum(currents, axis=-1)
        return np.asarray(self.drives[..., None] - lost)

    @functools.cached_property
    def bit_voltages(self) -> Floats:
        """Of the bit-line node at each cell."""
        c, currents = self.crossbar, self.bit_currents
        along = np.cumsum(currents[..., ::-1, :], axis=-2)[..., ::-1, :]
        return np.asarray(c.r_sense * currents[..., -1:, :] + c.r_bit * along)

    @functools.cached_property
    def power(self) -> dict[str, Floats]:
        """(reads,) [W] that drivers, word lines, cells, bit lines and sense resistors turn into heat."""
        c, at_drivers = self.crossbar, self.word_currents[..., 0]
        return {
            "source": np.asarray(c.r_source * (at_drivers**2).sum(-1)),
            "word": np.asarray(c.r_word * (self.word_currents**2).sum((-2, -1))),
            "cells": np.asarray((self.cell_voltages * self.cell_currents).sum((-2, -1))),
            "bit": np.asarray(c.r_bit * (self.bit_currents**2).sum((-2, -1))),
            "sense": np.asarray(c.r_sense * (self.sensed**2).sum(-1)),
        }

    @property
    def delivered(self) -> Floats:
        """(reads,) [W] that the drives put in: the sum of `power`."""
        return np.asarray((self.drives * self.word_currents[..., 0]).sum(-1))


def operating_point(
    crossbar: Crossbar, state: Floats, voltages: Floats, device: Device, *, exact: bool = True
) -> OperatingPoint:
    """Solve a crossbar under word-line voltages (reads, rows) [V]; arguments as `read_currents`.

    Raises
    ------
    InputError : what `read_currents` refuses; open segments, whose voltages this does not know.
    """
    check_read(crossbar, state, voltages)
    if crossbar.breaks:
        raise InputError(
            "the operating point of an array with open segments is not known; read its currents"
        )
    g = np.asarray(conductance(state, device.pulses.read_voltage, device.memristor))
    network = LinearNetwork(crossbar, g)
    e = np.broadcast_to(voltages[:, :, None], (len(voltages), *crossbar.shape))
    if exact:
        cells = solve_cells(network, state, e, device.memristor)
        return OperatingPoint(crossbar, voltages, cells.voltages, cells.currents)
    y = solve_linear(network, np.broadcast_to(g, e.shape), e)
    return OperatingPoint(crossbar, voltages, e - network.line_drops(y), y)
