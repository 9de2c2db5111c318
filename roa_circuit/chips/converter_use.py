"""How converters are used: how many of their codes, and how many readings lie beyond their range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.units import engineering, percent
from roa_circuit.chips import read_disturb
from roa_circuit.chips.chip import Chip
from roa_circuit.circuit.periphery import last_code

Floats = NDArray[np.float64]

SATURATED = 0.01
"""The share of readings beyond the range from which it is said."""

FEW = 32
"""Codes below which a converter with more is said to be hardly used."""

_ENOUGH = 128
"""Different readings that are told apart; evenly spread, half of the codes that they meet are `FEW`."""

KINDS = {"DAC": "V", "ADC": "A"}
"""The kinds of converters, and the units of what they are given."""

UNKNOWN = -1.0
"""What `numbers_of` has for how far reads move states where the law says nothing of it."""

_ROUNDED = 0.5  # of a step: what lies no further beyond the last code is no worse than rounded
_COUNTED = 16  # bits of which all codes can be counted one by one


@dataclass(frozen=True, kw_only=True)
class Use:
    """What some readings use of one kind of converter.

    used, codes : codes that occur, and that there are
    lowest, highest : shares of the readings at the first and the last code
    clipped : of the readings that lie beyond the last code by more than rounding, half a step
    largest : of the readings' sizes [V or A]; a range that suits them
    values : how many readings differ, if they are few: these cannot meet more codes
    signed : whether codes go from below 0 as far above it
    found : whether its range is found from sample inputs
    """

    name: str
    used: int
    codes: int
    lowest: float
    highest: float
    clipped: float
    largest: float
    signed: bool = False
    found: bool = False
    values: int = _ENOUGH

    @property
    def unit(self) -> str:
        """Of `largest`."""
        return KINDS[self.name]

    @property
    def warning(self) -> str:
        """What is wrong with it and what to change, or nothing."""
        low, high = percent(self.lowest), percent(self.highest)
        ends = f"{low} of readings at the lowest code, {high} at the highest"
        fitting = f"these readings reach {engineering(self.largest, self.unit)}"
        if self.clipped > SATURATED:
            lost = f"{percent(self.clipped)} of readings lie beyond its range"
            which = "percentile" if self.found else "range"
            return f"{self.name} saturates: {lost}; raise {self.name.lower()}_{which}, {fitting}"
        if self.used < min(FEW, self._met / 2):
            few = f"{self.name} uses {self.used} of its {self.codes} codes: {ends}"
            if self.found:
                return f"{few}; lower {self.name.lower()}_percentile, {fitting}"
            return f"{few}; set {self.name.lower()}_range nearer to them, {fitting}"
        return ""

    @property
    def _met(self) -> float:
        """How many codes as many readings would meet if they were drawn evenly over the range."""
        missed: float = (1.0 - 1.0 / self.codes) ** self.values
        return self.codes * (1.0 - missed)

    @property
    def badness(self) -> tuple[bool, float, int]:
        """The larger, the worse: something is wrong, readings beyond the range, few codes."""
        return self.warning != "", self.clipped, -self.used

    def to_dict(self) -> dict[str, Any]:
        """As in JSON reports, with the warning."""
        return {**vars(self), "unit": self.unit, "warning": self.warning}

    def numbers(self) -> dict[str, float]:
        """As numbers with names, such as 'adc_used', which stores of sweeps keep beside metrics."""
        return {f"{self.name.lower()}_{key}": float(vars(self)[key]) for key in _NUMBERS}

    @classmethod
    def of_numbers(cls, numbers: Mapping[str, float]) -> list[Self]:
        """What `numbers` of one kind of converter, or of both, were made of."""
        found = []
        for name in KINDS:
            values = {key: numbers.get(f"{name.lower()}_{key}") for key in _NUMBERS}
            known: dict[str, Any] = {k: _NUMBERS[k](v) for k, v in values.items() if v is not None}
            if known.keys() | {"values"} == _NUMBERS.keys():  # which stores of before do not have
                found.append(cls(name=name, **known))
        return found


_NUMBERS: dict[str, Any] = {
    "used": int, "codes": int, "lowest": float, "highest": float, "clipped": float, "largest": float,
    "signed": bool, "found": bool, "values": int,
}  # fmt: skip


class Tally:
    """What one kind of converter of so many bits has been given so far; ranges may differ."""

    def __init__(self, name: str, bits: int, *, signed: bool = False) -> None:
        self._name, self._signed = name, signed
        self._last = last_code(bits, signed=signed)
        self._first = -self._last if signed else 0
        self._met, self._values = np.zeros(0), np.zeros(0)
        self._count = self._lowest = self._highest = self._clipped = 0
        self._largest, self.found = 0.0, False

    @property
    def last(self) -> int:
        """The largest code."""
        return self._last

    def add(self, values: Floats, codes: Floats, full: Floats | float) -> None:
        """Take in values [V or A] that are yet to be converted, and the codes that they become.

        full : the range [V or A], or one for each column of the values
        """
        first, last, codes = self._first, self._last, codes.ravel()
        if last - first < 1 << _COUNTED:
            counts = np.bincount((codes - first).astype(np.intp), minlength=last - first + 1)
            met = np.flatnonzero(counts) + first
            ends = counts[0], counts[-1]
        else:
            met = np.unique(codes)
            ends = np.count_nonzero(codes == first), np.count_nonzero(codes == last)
        self._met = np.union1d(self._met, met)
        if len(self._values) < _ENOUGH:
            self._values = np.union1d(self._values, values)[:_ENOUGH]
        self._count += codes.size
        self._lowest += int(ends[0])
        self._highest += int(ends[1])
        sizes = np.abs(values) if self._signed else values
        self._clipped += int(np.count_nonzero(sizes > full * (1.0 + _ROUNDED / last)))
        self._largest = max(self._largest, float(np.max(sizes, initial=0.0)))

    def use(self) -> Use:
        """What has become of it."""
        return Use(
            name=self._name,
            used=len(self._met),
            codes=self._last - self._first + 1,
            lowest=self._lowest / max(self._count, 1),
            highest=self._highest / max(self._count, 1),
            clipped=self._clipped / max(self._count, 1),
            largest=self._largest,
            signed=self._signed,
            found=self.found,
            values=len(self._values),
        )


class Usage:
    """What the converters of chips have been given, read by read; chips have converters alike.

    moved : by how much one of these reads would move a state, and `volts` the largest of them [V]
    """

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self.moved = self.volts = 0.0

    def add(self, chip: Chip, asked: Floats, currents: Floats, *, alone: bool = False) -> None:
        """Take in reads: voltages asked for (reads, rows) [V], the array's currents (reads, columns).

        alone : every bit line is read by itself, as by `Chip.sense_alone`
        """
        x = chip.imperfections
        if x.dac_bits:
            tally = self._tally("DAC", x.dac_bits, signed=False)
            share = asked * (tally.last / chip.dac_range)
            codes = np.asarray(np.round(np.clip(share, 0.0, tally.last)), dtype=np.float64)
            tally.add(asked, codes, chip.dac_range)
        if x.adc_bits:
            sensed = currents * chip.sense_gain + chip.sense_offset
            values = chip.alone(sensed) if alone else chip.joined(sensed)
            adc = chip.adc.of(chip.mapping.channel_of(chip.crossbar.columns)) if alone else chip.adc
            tally = self._tally("ADC", x.adc_bits, signed=adc.signed)
            tally.found = isinstance(x.adc_range, str)
            tally.add(values, adc.codes(values), adc.step() * tally.last)

    def add_states(self, chip: Chip, state: Floats, volts: Floats) -> None:
        """Take in the states (rows, columns) that reads by these voltages (reads, rows) [V] meet."""
        moved = read_disturb.moved_by_a_read(state, volts, chip.device)
        self.moved = float(np.maximum(self.moved, moved))
        self.volts = max(self.volts, float(np.abs(volts).max(initial=0.0)))

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the converters, and whether reads would move states."""
        found = [use.warning for use in self.uses()]
        found.append(read_disturb.warning(self.moved, np.array([self.volts])))
        return [text for text in found if text]

    def _tally(self, name: str, bits: int, *, signed: bool) -> Tally:
        return self._tallies.setdefault(name, Tally(name, bits, signed=signed))

    def uses(self) -> list[Use]:
        """What each kind of converter makes of it; none where there is none."""
        return [tally.use() for tally in self._tallies.values()]


def uses(chips: Iterable[tuple[Chip, Floats, Floats]]) -> list[Use]:
    """What the converters of chips make of their reads; chips of one layer have converters alike.

    chips : (chip, voltages asked for (reads, rows) [V], currents of the array (reads, columns) [A])
    """
    usage = Usage()
    for chip, volts, currents in chips:
        if currents.size:
            usage.add(chip, volts, currents)
    return usage.uses()


def worst(used: Iterable[Use]) -> list[Use]:
    """Of each kind of converter, the use that has most wrong with it."""
    found: dict[str, Use] = {}
    for use in used:
        if use.name not in found or found[use.name].badness < use.badness:
            found[use.name] = use
    return list(found.values())


def numbers_of(usages: Iterable[Usage]) -> dict[str, float]:
    """What is worth keeping of chips' reads beside their metrics, by name: of each kind the worst."""
    every = list(usages)
    used = worst(use for one in every for use in one.uses())
    found = {name: value for use in used for name, value in use.numbers().items()}
    moved = float(np.max([one.moved for one in every], initial=0.0))
    if not moved < read_disturb.NOTICED:  # which it may be unknown whether it is
        found |= {"moved": UNKNOWN if np.isnan(moved) else moved, "volts": max(u.volts for u in every)}
    return found


def transposed(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Numbers by name, one of each row; 0 where a row has none of that name."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, 0.0) for row in rows] for name in names}
