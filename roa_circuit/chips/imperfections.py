"""Imperfections: one description of a real array's faults, for surrogate, decks and sweeps alike.

All are absent by default. `roa_circuit.chips.chip` draws an instance; docs/imperfections.md defines
each field, with its formula and typical values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roa_circuit.basics import records, toml
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.circuit.components import LARGEST_OFFSET
from roa_circuit.circuit.subtractors import LARGEST_MISMATCH
from roa_circuit.device.spread import Spread

UNITS = {
    "sigma_wn": "-", "stuck_on": "-", "stuck_off": "-", "open": "-", "stuck_on_resistance": "Ohm",
    "broken_word": "-", "broken_bit": "-", "read_disturb": "-", "age": "s", "drift_exponent": "-",
    "drift_spread": "-", "drift_start": "s", "retention_time": "s", "retention_energy": "eV",
    "write_gain": "-",
    "edge_fraction": "-", "dac_bits": "-", "dac_slices": "-", "dac_range": "V", "driver_gain": "-",
    "driver_offset": "V", "amplifier_mismatch": "V", "sense_gain": "-", "sense_offset": "A",
    "subtractor_mismatch": "-", "subtractor_offset": "A", "bandwidth": "Hz",
    "temperature": "K", "flicker": "-", "adc_bits": "-", "adc_range": "A", "adc_percentile": "-",
    "adc_offset": "LSB", "adc_inl": "LSB", "adc_dnl": "LSB",
}  # fmt: skip

_PROBABILITIES = ("stuck_on", "stuck_off", "open", "broken_word", "broken_bit")
_BITS = ("dac_bits", "dac_slices", "adc_bits")
_MAY_BE_NONE = ("sigma_wn", "temperature", "dac_range", "drift_start", "adc_percentile")
DRAWN = (
    *_PROBABILITIES, "drift_spread", "sigma_wn", "write_gain", "driver_gain", "driver_offset",
    "sense_gain", "amplifier_mismatch", "sense_offset", "bandwidth", "flicker",
    "adc_offset", "adc_inl", "adc_dnl", "subtractor_mismatch", "subtractor_offset",
)  # fmt: skip
"""Those whose sizes, beside a spread, are those of random draws."""

OF_THE_DEVICE = "device"
RANGES = ("layer", "column")
"""What an ADC's range may be in place of a number: one for a layer, or one for each converter."""

USUAL_PERCENTILE = 99.9

MOST_UNEVEN_BITS = 14
"""Of a converter whose every step has a length of its own."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Imperfections(Shown):
    """How an array differs from the ideal one; an imperfection of value 0 (or None) is absent.

    Cells
        spread : device to device, with the write noise that was measured beside it; 'device' takes
            that of the parameter set
        sigma_wn : write noise of Eq. 7; None takes that of the spread
        stuck_on, stuck_off, open : probability that a cell is so; an open cell is not stuck as well
        stuck_on_resistance : resistance of every stuck-on cell [Ohm], such as 1 kOhm of a short;
            0 leaves each cell its own at omega = 1
        read_disturb : number of full-scale reads since the array was written
        age : time since the array was written [s]
        drift_exponent, drift_spread, drift_start : of G(t) = G0 (t / t0)^-nu: nu, its standard deviation
            over cells, and t0 [s], at which conductances are those that were written; None is 1 s
        retention_time, retention_energy : tau of omega exp(-t / tau) at 300.15 K [s], 0 keeps states;
            and the activation energy by which the circuit's temperature changes it [eV]
    Lines
        broken_word, broken_bit : probability that a line is open, at one of its segments
    Drivers and readout (standard deviations over lines, unless said otherwise)
        write_gain : of each line's write driver, over 1
        edge_fraction : each edge of a write pulse over its flat top; 0 takes that of the parameter set
        dac_bits, dac_range : resolution, and the voltage of the largest code [V]; None is the device's
            full scale
        dac_slices : into how many reads an input of `dac_bits` is parted, whose outputs are shifted and
            added (`roa_circuit.chips.slices`); 0 and 1 drive it as a whole
        driver_gain, driver_offset : of each word line's read driver, over 1 and [V]
        amplifier_mismatch : of the offset at each amplifier's input [V], about the circuit's own
        sense_gain, sense_offset : of each bit line's readout, over 1 and [A]
        subtractor_mismatch, subtractor_offset : of each difference formed before its converter: how much
            more its plus side counts than its minus side [-], and what is added to it [A]
        bandwidth, temperature : of the readout, for thermal and shot noise [Hz], [K]; None takes
            the circuit's temperature
        flicker : rms of a cell's current over itself, 1/f-like from read to read
        adc_bits, adc_range : resolution, and the current of the largest code [A]; 'layer' or 'column'
            finds it from sample inputs, one for all converters of a layer or for each
        adc_percentile : of the currents that sample inputs give, what such a range covers [%]; None
            is 99.9
        adc_offset, adc_inl, adc_dnl : of each converter, in steps of its last bit: offset, the bow's
            height, and how uneven steps are

    Raises
    ------
    InputError : a value out of its range.
    """

    spread: Spread | str | None = None
    sigma_wn: float | None = None
    stuck_on: float = 0.0
    stuck_off: float = 0.0
    open: float = 0.0
    stuck_on_resistance: float = 0.0
    broken_word: float = 0.0
    broken_bit: float = 0.0
    read_disturb: float = 0.0
    age: float = 0.0
    drift_exponent: float = 0.0
    drift_spread: float = 0.0
    drift_start: float | None = None
    retention_time: float = 0.0
    retention_energy: float = 0.0
    write_gain: float = 0.0
    edge_fraction: float = 0.0
    dac_bits: int = 0
    dac_slices: int = 0
    dac_range: float | None = None
    driver_gain: float = 0.0
    driver_offset: float = 0.0
    amplifier_mismatch: float = 0.0
    sense_gain: float = 0.0
    sense_offset: float = 0.0
    subtractor_mismatch: float = 0.0
    subtractor_offset: float = 0.0
    bandwidth: float = 0.0
    temperature: float | None = None
    flicker: float = 0.0
    adc_bits: int = 0
    adc_range: float | str = 0.0
    adc_percentile: float | None = None
    adc_offset: float = 0.0
    adc_inl: float = 0.0
    adc_dnl: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.spread, str) and self.spread != OF_THE_DEVICE:
            raise InputError(
                f"spread = {self.spread!r} must be '{OF_THE_DEVICE}', of the parameter set, or a section"
            )
        for name, unit in UNITS.items():
            _require(name, getattr(self, name), unit)
        if self.stuck_on + self.stuck_off > 1:
            raise InputError("stuck_on and stuck_off add up to more than 1: no cell is both")
        if self.adc_percentile is not None and not isinstance(self.adc_range, str):
            raise InputError(
                "adc_percentile: a range in amperes covers what it covers; give adc_range = 'layer' or"
                " 'column', or leave the percentile out"
            )
        if self.adc_bits and not self.adc_range:
            raise InputError(
                "adc_bits needs adc_range: the current of the largest code [A], 'layer' or 'column'"
            )
        if self.dac_slices > 1 and (not self.dac_bits or self.dac_bits % self.dac_slices):
            raise InputError(
                f"dac_slices = {self.dac_slices} must part dac_bits = {self.dac_bits} into equal parts;"
                " 8 bits make 2, 4 or 8"
            )
        if not 0 < self.percentile <= 100:
            raise InputError(f"adc_percentile = {self.adc_percentile:g} must lie in (0, 100]")
        if self.adc_dnl and self.adc_bits > MOST_UNEVEN_BITS:
            raise InputError(
                f"adc_dnl draws every step of a converter: adc_bits = {self.adc_bits} must be at most"
                f" {MOST_UNEVEN_BITS}"
            )
        self._require_ages()
        if self.dac_range == 0 or self.temperature == 0:
            raise InputError("dac_range and temperature must be greater than 0")

    def _require_ages(self) -> None:
        if self.drift_start == 0:
            raise InputError("drift_start must be greater than 0 s")
        if self.retention_energy and not self.retention_time:
            raise InputError("retention_energy needs retention_time [s], that at 300.15 K")
        if not self.age:
            return
        if not (self.drifts or self.retention_time):
            raise InputError(
                f"age = {self.age:g} s changes nothing: say how cells age with drift_exponent, or with"
                " retention_time [s]"
            )
        if self.drifts and self.age < self.drifts_from:
            raise InputError(
                f"age = {self.age:g} s lies before drift_start = {self.drifts_from:g} s, from which on"
                " drift is known; raise age, or lower drift_start"
            )

    @property
    def drifts(self) -> bool:
        """Whether conductances fall with time."""
        return self.drift_exponent > 0 or self.drift_spread > 0

    @property
    def drifts_from(self) -> float:
        """t0 of the drift [s]."""
        return 1.0 if self.drift_start is None else self.drift_start

    @property
    def percentile(self) -> float:
        """Of the currents that sample inputs give, what a range found from them covers [%]."""
        return USUAL_PERCENTILE if self.adc_percentile is None else self.adc_percentile

    @property
    def drawn(self) -> bool:
        """Whether chips differ, that is, whether chance decides anything about them."""
        return self.spread is not None or any(getattr(self, name) for name in DRAWN)

    def facts(self) -> Facts:
        """What is present, as in the TOML file."""
        rows = [(key, f"{value}") for key, value in self.to_dict().items()]
        return Facts(title="Imperfections" if rows else "Imperfections: none", rows=rows)

    def to_dict(self) -> dict[str, Any]:
        """What is present, as in the TOML file; keys carry units."""
        document = records.document(self, UNITS)
        if isinstance(self.adc_range, str):
            del document["adc_range [A]"]
            document["adc_range"] = self.adc_range
        if isinstance(self.spread, Spread):
            return {**document, "spread": self.spread.to_dict()}
        return document if self.spread is None else {"spread": self.spread, **document}

    def to_toml(self) -> str:
        """The description as TOML text; `from_toml` reads it back exactly."""
        return toml.dumps(self.to_dict())

    @classmethod
    def from_toml(cls, text: str, *, source: str = "imperfections") -> Imperfections:
        """Read a description.

        Raises
        ------
        InputError : not TOML, an unknown key, another unit, a value out of range.
        """
        document = toml.loads(text, source=source)
        try:
            return cls.from_dict(document)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Imperfections:
        """As `from_toml`, from the parsed document."""
        spread = document.get("spread")
        if isinstance(spread, dict):
            spread = Spread.from_dict(spread)
        numbers = {key: v for key, v in document.items() if key not in ("spread", "adc_range")}
        values = records.values(cls, numbers, UNITS)
        if "adc_range" in document:  # a word, which has no unit
            if "adc_range" in values:
                raise InputError("'adc_range' and 'adc_range [A]': give one of them")
            values["adc_range"] = document["adc_range"]
        return cls(spread=spread, **values)


def load(path: str | Path) -> Imperfections:
    """The description in a TOML file.

    Raises
    ------
    InputError : unreadable, or its content is unusable.
    """
    return Imperfections.from_toml(toml.read(path), source=str(path))


_GAINS = ("write_gain", "driver_gain", "sense_gain")


def _require(name: str, value: object, unit: str) -> None:
    if name == "adc_range" and isinstance(value, str):
        if value not in RANGES:
            raise InputError(
                f"adc_range = {value!r} is unknown; {nearest(value, RANGES)}, or give amperes by the"
                " key 'adc_range [A]'"
            )
        return
    if value is None and name in _MAY_BE_NONE:
        return
    number = records.require_finite(name, value, unit)
    if number < 0:
        raise records.out_of_range(name, number, unit, "not be negative")
    if name in _PROBABILITIES and number > 1:
        raise InputError(f"{name} = {number:g} must be a probability, at most 1")
    if name in _GAINS and number > 1:
        raise records.out_of_range(name, number, unit, "be at most 1, which is 100 %; 5 % is 0.05")
    if name == "amplifier_mismatch" and number > LARGEST_OFFSET / 5:
        limit = f"be at most {LARGEST_OFFSET / 5:g} V, a fifth of what an offset may be"
        raise records.out_of_range(name, number, unit, limit)
    if name == "subtractor_mismatch" and number > LARGEST_MISMATCH:
        limit = f"be at most {LARGEST_MISMATCH:g}, a rejection of 14 dB; 0.1 % is 0.001"
        raise records.out_of_range(name, number, unit, limit)
    if name in _BITS and not (isinstance(number, int) and number <= 32):
        raise InputError(f"{name} = {number!r} must be a whole number, at most 32")
