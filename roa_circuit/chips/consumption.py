"""What stands beside an array and takes energy and time: converters, drivers, digital circuits.

The numbers are published ones, each with its source (`published.toml`); a file of one's own replaces
any of them.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from roa_circuit.basics import records, toml
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.shown import Facts, Shown

UNITS = {
    "adc_step": "J", "adc_bits": "-", "adc_rate": "1/s", "columns_per_adc": "-", "dac_bit": "J",
    "dac_bits": "-", "driver_efficiency": "-", "digital_mac": "J", "digital_rate": "1/s",
}  # fmt: skip

_WHOLE = {"adc_bits": 32, "dac_bits": 32, "columns_per_adc": 100_000}
OWN = "given in {}"


@dataclass(frozen=True, kw_only=True, repr=False)
class Consumption(Shown):
    """Energies and rates of what surrounds an array.

    adc_step : of a conversion, for each of its 2^bits steps (Walden's figure of merit) [J]
    adc_bits, dac_bits : resolutions; 0 converts nothing
    adc_rate : conversions a second of one converter [1/s]
    columns_per_adc : channels that share one converter
    dac_bit : of a word line's DAC, for each bit of an input [J]
    driver_efficiency : of write drivers: energy of the pulses over what is drawn for them
    digital_mac : of a digital multiply-accumulate [J]; digital_rate : how many a second [1/s]
    sources : where each number comes from, by field

    Raises
    ------
    InputError : a value out of its range.
    """

    adc_step: float
    adc_bits: int
    adc_rate: float
    columns_per_adc: int
    dac_bit: float
    dac_bits: int
    driver_efficiency: float
    digital_mac: float
    digital_rate: float
    sources: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        positive = ("adc_rate", "columns_per_adc", "driver_efficiency", "digital_rate")
        records.check(self, UNITS, positive=positive)
        for name, most in _WHOLE.items():
            value = getattr(self, name)
            if not (isinstance(value, int) and value <= most):
                raise InputError(f"{name} = {value!r} must be a whole number, at most {most:,}")
        if self.driver_efficiency > 1:
            raise InputError(f"driver_efficiency = {self.driver_efficiency:g} must be at most 1")

    @property
    def adc(self) -> float:
        """The energy of one conversion of a channel [J]."""
        return self.adc_step * 2.0**self.adc_bits if self.adc_bits else 0.0

    @property
    def dac(self) -> float:
        """The energy of one conversion of an input [J]."""
        return self.dac_bit * self.dac_bits

    def conversion_seconds(self, channels: int) -> float:
        """How long the converters of one array take for one read of so many channels [s]."""
        return min(channels, self.columns_per_adc) / self.adc_rate if self.adc_bits else 0.0

    def digital_seconds(self, macs: float) -> float:
        """How long so many multiply-accumulates take [s]."""
        return macs / self.digital_rate

    def facts(self) -> Facts:
        """Every number with its source."""
        head = ("", "value", "source")
        rows = [
            (name, f"{getattr(self, name):g} {unit}".removesuffix(" -"), self.sources.get(name, ""))
            for name, unit in UNITS.items()
        ]
        return Facts(title="Consumption", head=head, rows=rows)

    def to_dict(self) -> dict[str, Any]:
        """As in the TOML file."""
        numbers = {records.with_unit(name, UNITS): getattr(self, name) for name in UNITS}
        return {**numbers, "sources": dict(self.sources)}


def published() -> Consumption:
    """The published numbers."""
    text = (resources.files("roa_circuit.chips") / "published.toml").read_text(encoding="utf-8")
    document = toml.loads(text, source="published.toml")
    sources = {name: str(source) for name, source in document.pop("sources").items()}
    return Consumption(**records.values(Consumption, document, UNITS), sources=sources)


def load(path: str | Path) -> Consumption:
    """The published numbers with those of a TOML file in their place.

    Its section [sources] says where its numbers come from; without it, they come from the file.

    Raises
    ------
    InputError : unreadable, or its content is unusable.
    """
    document = toml.loads(toml.read(path), source=str(path))
    try:
        given = document.pop("sources", {})
        if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
            raise InputError("[sources] must be a section of texts")
        for name in given:
            if name not in UNITS:
                raise InputError(f"[sources] has an unknown key {name!r}; {nearest(name, UNITS)}")
        own = _values(document)
        sources = {**published().sources, **dict.fromkeys(own, OWN.format(path)), **given}
        return dataclasses.replace(published(), **own, sources=sources)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _values(document: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a file by field; none needs to be there."""
    known = {records.with_unit(name, UNITS): name for name in UNITS}
    for key, value in document.items():
        if key not in known:
            raise InputError(f"unknown key {key!r}; {nearest(key, known)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{key} = {value!r} must be a finite number")
    return {
        name: records.number(document[key], key, UNITS[name])
        for key, name in known.items()
        if key in document
    }
