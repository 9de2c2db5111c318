"""What an array has beside cells and resistances: capacitance, amplifiers, transistors, temperature.

     word line --+-- c_word -- ground              bit line -- r_bit --+-- r_feedback --+
                 |                                                     |                |
                 +-- transistor -- cell --+-- bit line                 +-- (-) >--------+-- out
                 |                        |                      ground -- (+)
                 +------- c_cell ---------+-- c_bit -- ground                  out = -r_feedback I

One description serves the surrogate and the decks. The surrogate knows settled reads: there an
amplifier is its input resistance, capacitance nothing, temperature another resistance and another
rate, all exact; a transistor is a resistance, which is an approximation.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit import toml
from roa_circuit.crossbar import Crossbar, said
from roa_circuit.errors import InputError, nearest
from roa_circuit.memristor import conductance
from roa_circuit.parameters import Device
from roa_circuit.waveforms import READ_EDGE
from roa_circuit.wiring import AS_IT_IS, Wiring

UNITS = {
    "c_word": "F", "c_bit": "F", "c_cell": "F", "read_edge": "s", "read_hold": "s",
    "temperature": "K", "wire_coefficient": "1/K", "activation_energy": "eV",
    "r_feedback": "Ohm", "gain": "-", "gain_bandwidth": "Hz",
    "width_over_length": "-", "threshold": "V", "kp": "A/V^2", "gate_on": "V", "gate_off": "V",
}  # fmt: skip

NOMINAL_TEMPERATURE = 300.15
"""27 degrees Celsius [K]: what resistances, constants and SPICE's models are given at."""

BOLTZMANN_EV = 8.617333262e-5  # [eV/K]
COPPER = 3.9e-3
"""How much more copper resists per kelvin [1/K], near room temperature."""

_SIGNED = ("threshold", "gate_on", "gate_off")
_OPTIONAL = ("gain", "gain_bandwidth", "read_hold")
_POSITIVE = ("temperature", "read_edge", "r_feedback", "width_over_length", "kp", *_OPTIONAL)


@dataclass(frozen=True, kw_only=True)
class Amplifier:
    """A transimpedance amplifier on each bit line, in place of the sense resistor, for reads.

    gain : at DC; None is an ideal amplifier, whose input is ground
    gain_bandwidth : where a single pole has brought the gain down to 1 [Hz]; None has no pole

    In volts it gives `-r_feedback I gain / (1 + gain)`; the last factor is known, and calibrated away.

    Raises
    ------
    InputError : a value out of its range, or a pole of an ideal amplifier.
    """

    r_feedback: float
    gain: float | None = None
    gain_bandwidth: float | None = None

    def __post_init__(self) -> None:
        _check(self)
        if self.gain_bandwidth is not None and self.gain is None:
            raise InputError("gain_bandwidth needs a gain: an ideal amplifier has no pole")

    @property
    def input_resistance(self) -> float:
        """What ends a bit line, settled [Ohm]: r_feedback / (1 + gain)."""
        return 0.0 if self.gain is None else self.r_feedback / (1.0 + self.gain)

    @property
    def pole(self) -> float:
        """The time constant of the open loop [s]; 0 without a pole."""
        if self.gain is None or self.gain_bandwidth is None:
            return 0.0
        return self.gain / (2.0 * math.pi * self.gain_bandwidth)

    def current(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The bit lines' currents [A] of output voltages [V]."""
        return np.asarray(-volts * (1.0 + 1.0 / (self.gain or math.inf)) / self.r_feedback)


@dataclass(frozen=True, kw_only=True)
class Transistor:
    """The access transistor of each cell, between word line and te: an n-MOS, SPICE's level 1.

    kp : transconductance parameter [A/V^2]
    gate_on, gate_off : of a row's gates. All are on in reads, those of the pulsed row in writes.
        gate_off is the bulk's voltage, too.

    Raises
    ------
    InputError : a value out of its range, or gates that never open or never close.
    """

    width_over_length: float = 10.0
    threshold: float = 0.5
    kp: float = 2e-4
    gate_on: float = 2.5
    gate_off: float = -1.0

    def __post_init__(self) -> None:
        _check(self)
        if not self.gate_off < self.threshold < self.gate_on:
            raise InputError(
                f"threshold = {self.threshold:g} V must lie between gate_off = {self.gate_off:g} V"
                f" and gate_on = {self.gate_on:g} V"
            )

    def on_resistance(self, temperature: float = NOMINAL_TEMPERATURE) -> float:
        """1 / (kp W/L (V_on - V_th)) [Ohm] about 0 V; mobility falls as T^-1.5."""
        mobility = math.pow(temperature / NOMINAL_TEMPERATURE, -1.5)
        strength = self.kp * self.width_over_length * mobility
        return 1.0 / (strength * (self.gate_on - self.threshold))


@dataclass(frozen=True, kw_only=True)
class Circuitry:
    """What surrounds the cells of an array; by default nothing.

    c_word, c_bit : of a segment to ground [F]; c_cell : across a cell [F]
    read_edge : the ramp from one read to the next [s]; that of writes is the pulses' `edge_fraction`
    read_hold : how long a read is held [s]; None is 1 us, or longer where lines need it
    lines : resistances, drivers and readout, where the file gives them
    temperature : of wires, cells and transistors [K]
    wire_coefficient : of the segments' resistances [1/K]
    activation_energy : of the rate k of Eq. 1, after Arrhenius [eV]. The paper says nothing of
        temperature: 0 leaves its cells as they were measured.

    Raises
    ------
    InputError : a value out of its range.
    """

    c_word: float = 0.0
    c_bit: float = 0.0
    c_cell: float = 0.0
    read_edge: float = READ_EDGE
    read_hold: float | None = None
    temperature: float = NOMINAL_TEMPERATURE
    wire_coefficient: float = COPPER
    activation_energy: float = 0.0
    lines: Wiring = AS_IT_IS
    amplifier: Amplifier | None = None
    transistor: Transistor | None = None

    def __post_init__(self) -> None:
        _check(self)
        if self._warmth <= 0:
            raise InputError(
                f"wire_coefficient = {self.wire_coefficient:g} 1/K makes wires of {self.temperature:g} K"
                " conduct without resistance: it holds near room temperature alone"
            )

    @property
    def stores_charge(self) -> bool:
        """Whether a read takes time to settle."""
        return self.loads_lines or (self.amplifier is not None and self.amplifier.pole > 0)

    @property
    def loads_lines(self) -> bool:
        """Whether lines have capacitance."""
        return max(self.c_word, self.c_bit, self.c_cell) > 0

    def applied(
        self, crossbar: Crossbar, device: Device, asked: Wiring | None = None
    ) -> tuple[Crossbar, Device]:
        """The array with these lines and its cells, both at this temperature.

        asked : lines that win over the file's. Rows with transistors are selected by them.
        """
        crossbar = (asked or AS_IT_IS).on(self.lines.on(crossbar))
        warm = {name: np.multiply(getattr(crossbar, name), self._warmth) for name in ("r_word", "r_bit")}
        scheme = "ideal" if self.transistor else crossbar.scheme
        kelvins = 1.0 / NOMINAL_TEMPERATURE - 1.0 / self.temperature
        speed = math.exp(self.activation_energy / BOLTZMANN_EV * kelvins)
        cells = dataclasses.replace(device.memristor, k=device.memristor.k * speed)
        return (
            dataclasses.replace(crossbar, **warm, scheme=scheme),
            dataclasses.replace(device, memristor=cells),
        )

    def settled(
        self, crossbar: Crossbar, state: NDArray[np.float64], device: Device
    ) -> tuple[Crossbar, Device]:
        """What a settled read sees of an array with these states (rows, columns).

        An amplifier ends bit lines with its input resistance. A transistor is `on_resistance` in
        series with each cell's conductance at the read voltage: the currents scale by 1 / (1 + G r).
        """
        if self.amplifier:
            crossbar = dataclasses.replace(crossbar, r_sense=self.amplifier.input_resistance)
        if self.transistor:
            p = device.memristor
            G = conductance(state, device.pulses.read_voltage, p)
            series = 1.0 + G * self.transistor.on_resistance(self.temperature)
            device = device.scaled(p.current_scale / series)
        return crossbar, device

    @property
    def _warmth(self) -> float:
        """Resistance of a wire over that at the nominal temperature."""
        return 1.0 + self.wire_coefficient * (self.temperature - NOMINAL_TEMPERATURE)

    def to_dict(self) -> dict[str, Any]:
        """What is present, as in the TOML file; keys carry units."""
        return _document(self)

    @classmethod
    def from_toml(cls, text: str, *, source: str = "circuit") -> Circuitry:
        """Read a description.

        Raises
        ------
        InputError : not TOML, an unknown key, another unit, a value out of range.
        """
        document = toml.loads(text, source=source)
        sections: dict[str, type] = {"amplifier": Amplifier, "transistor": Transistor}
        try:
            for key in document.keys() & {*sections, "lines"}:
                if not isinstance(document[key], dict):
                    raise InputError(f"{key} = {document[key]!r} must be a section [{key}]")
            parts = {
                key: kind(**_values(kind, document[key], f"[{key}] has an "))
                for key, kind in sections.items()
                if key in document
            }
            parts["lines"] = Wiring.from_dict(document.pop("lines", {}))
            plain = {key: value for key, value in document.items() if key not in parts}
            return cls(**_values(cls, plain, ""), **parts)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None


def load(path: str | Path) -> Circuitry:
    """The description in a TOML file.

    Raises
    ------
    InputError : unreadable, or its content is unusable.
    """
    return Circuitry.from_toml(toml.read(path), source=str(path))


def described(document: dict[str, Any]) -> str:
    """What `Circuitry.to_dict` gave as a line: 'c_word 1e-15 F, amplifier: r_feedback 10000 Ohm'."""
    parts = []
    for key, value in document.items():
        if isinstance(value, dict):
            parts.append(f"{key}: {described(value)}" if value else key)
        elif isinstance(value, str):
            parts.append(f"{key} {value}")
        else:
            name, unit = key.removesuffix("]").split(" [")
            parts.append(f"{name} {said(value)}" + ("" if unit == "-" else f" {unit}"))
    return ", ".join(parts)


def _values(kind: type, table: dict[str, Any], where: str) -> dict[str, Any]:
    """Fields by name, of keys with units."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    names = {f"{name} [{UNITS[name]}]": name for name in fields if name in UNITS}
    known = [*names, *(name for name in fields if name not in UNITS)]
    for key in table:
        if key not in names:
            raise InputError(f"{where}unknown key {key!r}; {nearest(key, known)}")
    for key, name in names.items():
        if fields[name].default is dataclasses.MISSING and key not in table:
            raise InputError(f"[{kind.__name__.lower()}] lacks {key!r}")
    return {names[key]: value for key, value in table.items()}


def _document(record: Any, *, whole: bool = False) -> dict[str, Any]:
    """What differs from the default, or is there at all; of sections `whole`."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Wiring):
            found |= {field.name: value.to_dict()} if value.to_dict() else {}
        elif field.name not in UNITS:
            found |= {field.name: _document(value, whole=True)} if value else {}
        elif value is not None and (whole or value != field.default):
            found[f"{field.name} [{UNITS[field.name]}]"] = value
    return found


def _check(record: Any) -> None:
    for name in (field.name for field in dataclasses.fields(record) if field.name in UNITS):
        value, unit = getattr(record, name), UNITS[name]
        if value is None and name in _OPTIONAL:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{name} = {value!r} must be a finite number [{unit}]")
        if value < 0 and name not in _SIGNED:
            raise InputError(f"{name} = {value:g} {unit} must not be negative")
        if value == 0 and name in _POSITIVE:
            raise InputError(f"{name} = 0 {unit} must be greater than 0")


BARE = Circuitry()
"""Nothing of it: cells and resistances alone."""
