"""What surrounds the cells of an array: capacitance, amplifiers, transistors, temperature.

     word line --+-- c_word -- ground              bit line -- r_bit --+-- r_feedback --+
                 |                                                     |                |
                 +-- transistor -- cell --+-- bit line                 +-- (-) >--------+-- out
                 |                        |                      offset -- (+)
                 +------- c_cell ---------+-- c_bit -- ground           out = -r_feedback I + offset

One description serves the surrogate and the decks. The surrogate computes settled reads. In these an
amplifier is exactly its input resistance and its offset, capacitance plays no part, and temperature
changes resistances and the switching rate. Writes, and reads with Eq. 2 at every cell, follow
transistors as SPICE's level 1 has them (`roa_circuit.solver.access`); effective weights take them for
resistances, an approximation.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics import records, toml
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit import components
from roa_circuit.circuit.components import BOLTZMANN_EV, NOMINAL_TEMPERATURE, Amplifier, Transistor
from roa_circuit.circuit.contents import GROUND
from roa_circuit.circuit.crossbar import Crossbar, said
from roa_circuit.circuit.waveforms import READ_EDGE
from roa_circuit.circuit.wiring import AS_IT_IS, Wiring
from roa_circuit.device.parameters import Device
from roa_circuit.solver.settled import SettledArray

Floats = NDArray[np.float64]

UNITS = {
    "c_word": "F", "c_bit": "F", "c_cell": "F", "read_edge": "s", "read_hold": "s",
    "temperature": "K", "wire_coefficient": "1/K", "activation_energy": "eV",
}  # fmt: skip

_LARGEST_EXPONENT = 300.0  # of Arrhenius; what is beyond is no device

COPPER = 3.9e-3
"""How much more copper resists per kelvin [1/K], near room temperature."""

_PARTS: dict[str, type[Amplifier | Transistor]] = {"amplifier": Amplifier, "transistor": Transistor}


@dataclass(frozen=True, kw_only=True)
class Circuitry:
    """What surrounds the cells of an array; by default nothing.

    c_word, c_bit : capacitance of a line segment to ground [F]; c_cell : across a cell [F]
    read_edge : ramp from one read to the next [s]; writes ramp as the pulses' `edge_fraction` says
    read_hold : how long a read is held [s]; None is 1 us, or longer where lines need it
    lines : resistances, drivers and readout, where the circuit's file gives them
    temperature : of wires, cells and transistors [K]
    wire_coefficient : temperature coefficient of the segments' resistances [1/K]
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
        records.check(self, UNITS, positive=("temperature", "read_edge", "read_hold"))
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
        """(crossbar, device) with the circuit's lines, both at its temperature.

        asked : lines of a command's options, which win over those of the file. Where there are
            transistors, these select the rows of a write.
        """
        crossbar = (asked or AS_IT_IS).over(self.lines).on(crossbar)
        warm = {name: np.multiply(getattr(crossbar, name), self._warmth) for name in ("r_word", "r_bit")}
        scheme = "ideal" if self.transistor else crossbar.scheme
        kelvins = 1.0 / NOMINAL_TEMPERATURE - 1.0 / self.temperature
        exponent = self.activation_energy / BOLTZMANN_EV * kelvins
        if abs(exponent) > _LARGEST_EXPONENT:
            raise InputError(
                f"temperature = {self.temperature:g} K and activation_energy ="
                f" {self.activation_energy:g} eV change the rate k by a factor of e^{exponent:.3g}"
            )
        speed = math.exp(exponent)
        cells = device.memristor.paced(device.memristor.pace * speed)
        placed = dataclasses.replace(
            crossbar,
            **warm,
            scheme=scheme,
            temperature=self.temperature,
            amplifier_offset=self.amplifier.offsets(crossbar.columns) if self.amplifier else (),
        )
        return placed, dataclasses.replace(device, memristor=cells)

    def settled(self, crossbar: Crossbar, state: Floats, device: Device) -> SettledArray:
        """An array with these states (rows, columns), as a settled read sees it.

        Raises
        ------
        InputError : offsets without amplifiers.
        """
        offsets, ends, added = np.array(self.offsets(crossbar)), GROUND, np.zeros(1)
        if self.amplifier and len(offsets):
            ends, added = self.amplifier.share * offsets, -offsets / self.amplifier.r_feedback
        return SettledArray(
            crossbar=self.read_out(crossbar),
            state=state,
            device=device,
            transistor=self.transistor,
            ends=ends,
            added=added,
        )

    def offsets(self, crossbar: Crossbar) -> tuple[float, ...]:
        """The amplifiers' input offsets (columns,) [V]: those drawn, or else their own; empty for none.

        Raises
        ------
        InputError : offsets without amplifiers.
        """
        if self.amplifier:
            return crossbar.amplifier_offset or self.amplifier.offsets(crossbar.columns)
        if crossbar.amplifier_offset:
            raise InputError(NO_AMPLIFIERS)
        return ()

    def read_out(self, crossbar: Crossbar) -> Crossbar:
        """The crossbar in a settled read: each bit line ends in its amplifier's input resistance."""
        if self.amplifier is None:
            return crossbar
        return dataclasses.replace(crossbar, r_sense=self.amplifier.input_resistance)

    def seen(self, G: Floats) -> Floats:
        """Conductances [S] that the lines see of cells with these, behind their transistors."""
        return G / (1.0 + G * self._series)

    def unseen(self, G: Floats) -> Floats:
        """Conductances [S] of cells that the lines see as these: undoes `seen`."""
        return G / (1.0 - G * self._series)

    @property
    def _series(self) -> float:
        """The resistance [Ohm] that a transistor puts in series with a cell."""
        return self.transistor.on_resistance(self.temperature) if self.transistor else 0.0

    @property
    def _warmth(self) -> float:
        """The factor by which the temperature changes the resistance of wires."""
        return 1.0 + self.wire_coefficient * (self.temperature - NOMINAL_TEMPERATURE)

    def to_dict(self) -> dict[str, Any]:
        """What is present, as in the TOML file; keys carry units."""
        found = records.document(self, UNITS)
        if lines := self.lines.to_dict():
            found["lines"] = lines
        for name in _PARTS:
            if (part := getattr(self, name)) is not None:
                found[name] = records.document(part, components.UNITS, whole=True)
        return found

    @classmethod
    def from_toml(cls, text: str, *, source: str = "circuit") -> Circuitry:
        """Read a description.

        Raises
        ------
        InputError : not TOML, an unknown key, another unit, a value out of range.
        """
        document = toml.loads(text, source=source)
        try:
            for name in document.keys() & {"lines", *_PARTS}:
                if not isinstance(document[name], dict):
                    raise InputError(f"{name} = {document[name]!r} must be a section [{name}]")
            parts: dict[str, Any] = {
                name: kind(**records.values(kind, document.pop(name), components.UNITS, section=name))
                for name, kind in _PARTS.items()
                if name in document
            }
            parts["lines"] = Wiring.from_dict(document.pop("lines", {}))
            return cls(**records.values(cls, document, UNITS), **parts)
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
    """`Circuitry.to_dict` as a line: 'c_word 1e-15 F, amplifier: r_feedback 10000 Ohm'."""
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


NO_AMPLIFIERS = (
    "amplifier_mismatch: the circuit has no amplifiers; give --circuit a file with a section [amplifier]"
)

BARE = Circuitry()
"""Nothing of it: cells and resistances alone."""
