"""How converters are used: how many of their codes, and how many readings lie at either end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.units import engineering, percent
from roa_circuit.chips.adc import Adc
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
    def of(cls, name: str, unit: str, values: Floats, *, bits: int, full: float) -> Use:
        """The use that a converter of so many bits from 0 to `full` makes of values, yet unconverted."""
        last = last_code(bits, signed=False)
        codes = np.round(np.clip(values, 0.0, full) * (last / full))
        return cls(
            name=name,
            unit=unit,
            used=len(np.unique(codes)),
            codes=last + 1,
            lowest=float(np.mean(codes == 0)),
            highest=float(np.mean(codes == last)),
            largest=float(np.max(values, initial=0.0)),
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
    asked, sensed, codes, found = [], [], list[Floats](), list[Use]()
    for chip, volts, currents in chips:
        asked.append(volts.ravel())
        seen = chip.mapping.joined(currents * chip.sense_gain + chip.sense_offset)
        sensed.append(seen.ravel())
        if chip.adc.bits and seen.size:
            codes.append(chip.adc.codes(seen).ravel())
    if not asked or not sensed[0].size:
        return found
    x = chip.imperfections
    if x.dac_bits:
        values = np.concatenate(asked)
        found.append(Use.of("DAC", "V", values, bits=x.dac_bits, full=chip.dac_range))
    if x.adc_bits:
        found.append(_of_adcs(np.concatenate(codes), np.concatenate(sensed), chip.adc))
    return found


def _of_adcs(codes: Floats, values: Floats, adc: Adc) -> Use:
    """What readings use of the converters of chips, whose ranges may differ."""
    first, last = adc.ends
    return Use(
        name="ADC",
        unit="A",
        used=len(np.unique(codes)),
        codes=last - first + 1,
        lowest=float(np.mean(codes == first)),
        highest=float(np.mean(codes == last)),
        largest=float(np.max(np.abs(values) if adc.signed else values, initial=0.0)),
        signed=adc.signed,
    )
