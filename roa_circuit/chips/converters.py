"""How converters are used: how many of their codes, and how many readings lie at either end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.units import engineering, percent
from roa_circuit.chips.chip import Chip
from roa_circuit.circuit.periphery import last_code

Floats = NDArray[np.float64]

SATURATED = 0.01
"""The share of readings at the highest code from which it is said."""

FEW = 32
"""Codes below which a converter with more is said to be hardly used."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """What some readings use of one kind of converter.

    used, codes : codes that occur, and that there are
    lowest, highest : shares of the readings at the first and the last code
    largest : of the readings' sizes [V or A]; a range that suits them
    signed : whether codes go from below 0 as far above it
    """

    name: str
    unit: str
    used: int
    codes: int
    lowest: float
    highest: float
    largest: float
    signed: bool = False

    @classmethod
    def of(
        cls, name: str, unit: str, values: Floats, *, bits: int, full: float, signed: bool = False
    ) -> Use:
        """The use that a converter of so many bits and this range makes of values, yet unconverted."""
        last = last_code(bits, signed=signed)
        first = -last if signed else 0
        codes = np.round(np.clip(values * (last / full), first, last))
        return cls(
            name=name,
            unit=unit,
            used=len(np.unique(codes)),
            codes=last - first + 1,
            lowest=float(np.mean(codes == first)),
            highest=float(np.mean(codes == last)),
            largest=float(np.max(np.abs(values) if signed else values, initial=0.0)),
            signed=signed,
        )

    @property
    def warning(self) -> str:
        """What is wrong with it and what to change, or nothing."""
        low, high = percent(self.lowest), percent(self.highest)
        ends = f"{low} of readings at the lowest code, {high} at the highest"
        fitting = f"these readings reach {engineering(self.largest, self.unit)}"
        if self.highest + (self.lowest if self.signed else 0.0) > SATURATED:
            return f"{self.name} saturates: {ends}; raise {self.name.lower()}_range, {fitting}"
        if self.used < min(FEW, self.codes):
            few = f"{self.name} uses {self.used} of its {self.codes} codes: {ends}"
            return f"{few}; set {self.name.lower()}_range nearer to them, {fitting}"
        return ""

    def to_dict(self) -> dict[str, Any]:
        """As in JSON reports, with the warning."""
        return {**vars(self), "warning": self.warning}


def uses(chips: Iterable[tuple[Chip, Floats, Floats]]) -> list[Use]:
    """What the converters of chips make of their reads; chips of one layer have converters alike.

    chips : (chip, voltages asked for (reads, rows) [V], currents of the array (reads, columns) [A])
    """
    asked, sensed, found = [], [], list[Use]()
    for chip, volts, currents in chips:
        asked.append(volts.ravel())
        sensed.append(chip.mapping.joined(currents * chip.sense_gain + chip.sense_offset).ravel())
    if not asked or not sensed[0].size:
        return found
    x = chip.imperfections
    if x.dac_bits:
        values = np.concatenate(asked)
        found.append(Use.of("DAC", "V", values, bits=x.dac_bits, full=chip.dac_range))
    if x.adc_bits:
        values = np.concatenate(sensed)
        signed = not chip.mapping.apart
        found.append(Use.of("ADC", "A", values, bits=x.adc_bits, full=x.adc_range, signed=signed))
    return found
