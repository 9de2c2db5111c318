"""The operating point of a read: every voltage, current and watt that a designer may probe."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.contents import GROUND, check_ends, check_read
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.lines import Lines
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import Device
from roa_circuit.solver.cuts import Cuts
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import solve_cells, solve_linear

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OperatingPoint:
    """The solved array of every read; voltages [V] and currents [A] are (reads, rows, columns).

    drives : (reads, rows) [V]
    cell_voltages : across the memristors; word line minus bit line where there are no transistors
    cell_currents : from the word line into the bit line
    ends : (columns,) voltages [V] that bit lines end in; empty where that is ground
    access : (reads, rows, columns) voltages of the access transistors; empty without any
    """

    crossbar: Crossbar
    drives: Floats
    cell_voltages: Floats
    cell_currents: Floats
    ends: Floats = field(default_factory=lambda: GROUND)
    access: Floats = field(default_factory=lambda: GROUND)

    @property
    def word_currents(self) -> Floats:
        """Currents in the word-line segment that leads to each cell from its (left) driver."""
        return self._currents[0]

    @property
    def bit_currents(self) -> Floats:
        """Currents in the bit-line segment that leaves each cell towards the sense resistor."""
        return self._currents[1]

    @functools.cached_property
    def driver_currents(self) -> Floats:
        """(reads, rows, drivers) currents of the drivers, the left one first where there are two."""
        near = self.word_currents[..., -1 if self.crossbar.drive == "right" else 0]
        if self.crossbar.drive != "both":
            return near[..., None]
        return np.stack([near, self.cell_currents.sum(axis=-1) - near], axis=-1)

    @property
    def sensed(self) -> Floats:
        """(reads, columns) sensed currents, as `solver.read_currents` gives them."""
        return self.bit_currents[..., 0 if self.crossbar.sense == "top" else -1, :]

    @property
    def word_voltages(self) -> Floats:
        """Voltage of the word-line node at each cell, against the virtual grounds."""
        lost, _ = self._drops
        return self.drives[..., None] - lost - self._across_breaks(words=True)

    @property
    def bit_voltages(self) -> Floats:
        """Voltage of the bit-line node at each cell, against the virtual grounds."""
        _, above_ground = self._drops
        return above_ground + self._above_ground + self._across_breaks(words=False)

    @functools.cached_property
    def power(self) -> dict[str, Floats]:
        """(reads,) [W] of heat in drivers, word lines, cells, bit lines and sense resistors, by name.

        The cells are the memristors alone; transistors have a name of their own where there are any.
        """
        c, drivers = self.crossbar, (self.driver_currents**2).sum(axis=-1)
        words, bits = (self.word_currents**2).sum(axis=-1), (self.bit_currents**2).sum(axis=-2)
        if c.drive == "both":
            words = words + self.driver_currents[..., 1] ** 2
        heated = (c.r_source, drivers), (c.r_word, words), (c.r_bit, bits), (c.r_sense, self.sensed**2)
        source, word, bit, sense = (np.asarray(np.asarray(r) * i2).sum(axis=-1) for r, i2 in heated)
        cells = (self.cell_voltages * self.cell_currents).sum(axis=(-2, -1))
        found = {"source": source, "word": word, "cells": cells, "bit": bit, "sense": sense}
        if self.access.size:
            found["transistors"] = (self.access * self.cell_currents).sum(axis=(-2, -1))
        return found

    @property
    def delivered(self) -> Floats:
        """(reads,) [W] that the drives, and the ends of bit lines, deliver: the sum of `power`."""
        by_words = (self.drives * self.driver_currents.sum(axis=-1)).sum(axis=-1)
        return np.asarray(by_words - (self._above_ground * self.sensed).sum(axis=-1))

    @property
    def _above_ground(self) -> Floats:
        return self.ends if len(self.ends) else np.zeros(1)

    @functools.cached_property
    def _lines(self) -> Lines:
        return Lines.of(self.crossbar)

    @functools.cached_property
    def _cuts(self) -> Cuts:
        return Cuts.of(self.crossbar)

    @functools.cached_property
    def _of_whole_lines(self) -> tuple[Floats, Floats]:
        """The segments' currents as `Lines.currents` has them, where no line is broken."""
        lines = self._lines
        word, bit = lines.currents(lines.turn(self.cell_currents))
        return word, bit

    @functools.cached_property
    def _drops(self) -> tuple[Floats, Floats]:
        """Voltages [V] of (word nodes below their driver, bit nodes above ground), breaks left out."""
        word, bit = self._lines.drops(*self._of_whole_lines)
        return self._lines.back(word), self._lines.back(bit)

    @functools.cached_property
    def _breaks(self) -> Floats:
        """(reads, breaks) [V] across the breaks: what Kirchhoff's voltage law still lacks."""
        lost, above_ground = self._drops
        lacking = self.drives[..., None] - lost - above_ground - self.cell_voltages - self._above_ground
        lacking = lacking - self.access if self.access.size else lacking
        patterns = self._cuts.H.reshape(-1, self.cell_currents[0].size)
        return np.asarray(lacking.reshape(len(lacking), -1) @ np.linalg.pinv(patterns))

    def _across_breaks(self, *, words: bool) -> Floats:
        is_word = np.arange(len(self._cuts.H)) < self._cuts.words
        return self._cuts.drives(np.where(is_word == words, self._breaks, 0.0))

    @functools.cached_property
    def _currents(self) -> tuple[Floats, Floats]:
        word, bit = (self._lines.back(currents) for currents in self._of_whole_lines)
        if self.crossbar.drive == "both":
            for one in self.crossbar.breaks:
                if one.line == "word":  # each part takes all its current from its own driver
                    word[..., one.row, :] -= word[..., one.row, one.column, None]
        return word, bit


def operating_point(
    crossbar: Crossbar,
    state: Floats,
    voltages: Floats,
    device: Device,
    *,
    exact: bool = True,
    ends: Floats = GROUND,
) -> OperatingPoint:
    """Solve a crossbar under word-line voltages (reads, rows) [V]; arguments as `read_currents`.

    Raises
    ------
    InputError : what `read_currents` refuses.

    Examples
    --------
    >>> from roa_circuit import default_crossbar, default_device
    >>> state, volts = np.full((2, 3), 0.5), np.array([[0.1, 0.0]])
    >>> point = operating_point(default_crossbar(2, 3), state, volts, default_device())
    >>> point.cell_voltages.shape, point.sensed.shape
    ((1, 2, 3), (1, 3))
    """
    check_read(crossbar, state, voltages)
    check_ends(crossbar, ends)
    g = np.asarray(conductance(state, device.pulses.read_voltage, device.memristor))
    network = LinearNetwork(crossbar, g)
    e = np.broadcast_to(voltages[:, :, None], (len(voltages), *crossbar.shape))
    e = e - ends if len(ends) else e
    if exact:
        cells = solve_cells(network, state, e, device.memristor)
        return OperatingPoint(crossbar, voltages, cells.voltages, cells.currents, ends)
    y = solve_linear(network, np.broadcast_to(g, e.shape), e)
    return OperatingPoint(crossbar, voltages, y / g, y, ends)
