"""The energy of reads: what drivers deliver to an array while it is read, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.units import counted, engineering, percent
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.settling import read_hold

Floats = NDArray[np.float64]

MOST_READS = 64
"""Of a batch, that its mean energy is worked out from; they are taken evenly from it."""

IN_WORDS = {
    "cells": "cells", "word": "word lines", "bit": "bit lines", "source": "drivers",
    "sense": "sense resistors", "transistors": "transistors", "feedback": "feedback of amplifiers",
}  # fmt: skip
"""The parts of `ReadEnergy.joules`, as reports call them."""


@dataclass(frozen=True, kw_only=True)
class ReadEnergy:
    """The mean energy of one read of some arrays together, at its settled currents.

    Converters and the supply of amplifiers are not part of it (`roa_circuit.chips.consumption`).

    reads : that the mean is over
    seconds : how long each read takes, its edge included [s]; every array is read in that time
    joules : [J] by part, as named in `IN_WORDS`
    """

    reads: int
    seconds: float
    joules: dict[str, float]

    @property
    def total(self) -> float:
        """All of it [J]."""
        return sum(self.joules.values())

    def said(self) -> str:
        """A line: '23.4 pJ a read of 1.1 us, mean of 16 reads: cells 61 %, word lines 30 %, ...'."""
        whole = self.total
        if not whole:
            return f"energy of a read: none, in the mean of {counted(self.reads, 'read')}"
        parts = sorted(self.joules.items(), key=lambda one: -one[1])
        shares = ", ".join(
            f"{IN_WORDS[name]} {percent(value / whole, 0)}"
            for name, value in parts
            if value > 0.005 * whole
        )
        return (
            f"energy of a read: {engineering(whole, 'J')} in {engineering(self.seconds, 's')}"
            f"{f', mean of {self.reads} reads' if self.reads > 1 else ''} ({shares});"
            " converters not included"
        )

    def to_dict(self) -> dict[str, Any]:
        """As in JSON reports; keys carry units."""
        return {
            "reads": self.reads, "seconds_a_read": self.seconds, "joules_a_read": self.total,
            "joules_by_part": dict(self.joules),
        }  # fmt: skip


def read_energy(
    arrays: Sequence[tuple[Chip, Circuitry, Floats, Floats]],
    *,
    most: int = MOST_READS,
    slices: int = 1,
) -> ReadEnergy:
    """The mean energy of the reads of some arrays, which are read at the same time.

    arrays : (chip, circuitry, states (rows, columns), word-line voltages (reads, rows) [V]) of each
    most : reads that are worked out, taken evenly; at most so many
    slices : how many rows of the voltages make one read, as `Chip.drive` gives them

    The energy is that of settled currents over the whole read. Ramps take less, and charging lines more:
    C V^2 of a line is left out.

    Raises
    ------
    InputError : as for `SettledArray.operating_point`.
    """
    joules: dict[str, float] = {}
    seconds, count = 0.0, 0
    for chip, circuitry, state, voltages in arrays:
        reads = len(voltages) // slices
        chosen = np.unique(np.linspace(0, reads - 1, min(most, reads)).round().astype(int))
        volts, count = voltages.reshape(reads, slices, -1)[chosen], len(chosen)
        seconds = max(seconds, read_seconds(chip, circuitry))
        for name, watts in read_power(chip, circuitry, state, np.vstack(volts)).items():
            joules[name] = joules.get(name, 0.0) + float(watts.mean())
    seconds *= slices
    return ReadEnergy(
        reads=count, seconds=seconds, joules={name: watts * seconds for name, watts in joules.items()}
    )


def read_power(chip: Chip, circuitry: Circuitry, state: Floats, voltages: Floats) -> dict[str, Floats]:
    """(reads,) [W] of settled reads by part; feedback resistors are fed by their amplifiers."""
    found: dict[str, Floats] = {}
    rows, columns = chip.crossbar.shape
    at_once = max(1, _MOST_CELLS // (rows * columns))
    for start in range(0, len(voltages), at_once):
        seen = circuitry.settled(chip.crossbar, state, chip.read_device)
        point = seen.operating_point(voltages[start : start + at_once])
        parts = dict(point.power)
        if circuitry.amplifier:
            share, r = circuitry.amplifier.share, circuitry.amplifier.r_feedback
            parts["feedback"] = share * r * (point.sensed**2).sum(axis=-1)
        for name, watts in parts.items():
            found[name] = np.concatenate([found.get(name, np.zeros(0)), watts])
    return found


def read_seconds(chip: Chip, circuitry: Circuitry) -> float:
    """How long one read takes, from one sample to the next [s]."""
    return circuitry.read_edge + read_hold(chip.crossbar, chip.device, circuitry)


_MOST_CELLS = 1_000_000  # of all reads that are solved at once
