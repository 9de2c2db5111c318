"""Components of an array beside its cells: the amplifiers of bit lines, the transistors of cells.

bit line --+-- r_feedback --+                 word line
           |                |                     |
           +-- (-) >--------+-- out       gate --||     n-MOS, SPICE's level 1
      offset -- (+)                               |
        out = offset - r_feedback I              te, and the cell
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.errors import InputError
from roa_circuit.records import check

Floats = NDArray[np.float64]

UNITS = {
    "r_feedback": "Ohm", "gain": "-", "gain_bandwidth": "Hz", "offset": "V",
    "width_over_length": "-", "threshold": "V", "kp": "A/V^2", "gate_on": "V", "gate_off": "V",
}  # fmt: skip

NOMINAL_TEMPERATURE = 300.15
"""27 degrees Celsius [K]: what resistances, constants and SPICE's models are given at."""


@dataclass(frozen=True, kw_only=True)
class Amplifier:
    """A transimpedance amplifier on each bit line, in place of the sense resistor, for reads.

    gain : open-loop, at DC; None is an ideal amplifier, whose input is at ground
    gain_bandwidth : frequency where a single pole has brought the gain down to 1 [Hz]; None: no pole
    offset : at the input [V], one for all bit lines or one for each; random offsets are an
        imperfection, `amplifier_mismatch`

    The output is `(offset - r_feedback I) gain / (1 + gain)`. The last factor is known, and
    calibrated away. The offset is not: it also drives the bit line, from behind `input_resistance`.

    Raises
    ------
    InputError : a value out of its range, or a pole of an ideal amplifier.
    """

    r_feedback: float
    gain: float | None = None
    gain_bandwidth: float | None = None
    offset: float | Sequence[float] = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.offset, list):
            object.__setattr__(self, "offset", tuple(self.offset))
        positive = "r_feedback", "gain", "gain_bandwidth"
        check(self, UNITS, positive=positive, signed=("offset",), listed=("offset",))
        if self.gain_bandwidth is not None and self.gain is None:
            raise InputError("gain_bandwidth needs a gain: an ideal amplifier has no pole")

    @property
    def input_resistance(self) -> float:
        """The resistance that ends a settled bit line [Ohm]: r_feedback / (1 + gain)."""
        return 0.0 if self.gain is None else self.r_feedback / (1.0 + self.gain)

    @property
    def pole(self) -> float:
        """Time constant of the open loop's pole [s]; 0 without one."""
        if self.gain is None or self.gain_bandwidth is None:
            return 0.0
        return self.gain / (2.0 * math.pi * self.gain_bandwidth)

    @property
    def share(self) -> float:
        """The share of the offset that a bit line ends in: gain / (1 + gain)."""
        return 1.0 if self.gain is None else self.gain / (1.0 + self.gain)

    def offsets(self, columns: int) -> tuple[float, ...]:
        """The offsets [V], one for each bit line; empty if all are 0.

        Raises
        ------
        InputError : another number of offsets than bit lines.
        """
        each = self.offset if isinstance(self.offset, Sequence) else (self.offset,) * columns
        if len(each) != columns:
            raise InputError(
                f"[amplifier] has {len(each)} offsets, the array {columns} bit lines: give one for all,"
                " or one for each"
            )
        return tuple(each) if any(each) else ()

    def current(self, volts: Floats) -> Floats:
        """Currents [A] that output voltages [V] are read as: the bit lines' less offset / r_feedback."""
        return np.asarray(-volts / (self.share * self.r_feedback))


@dataclass(frozen=True, kw_only=True)
class Transistor:
    """The access transistor of each cell, between word line and te: an n-MOS, SPICE's level 1.

    kp : transconductance parameter [A/V^2]
    gate_on, gate_off : voltages of a row's gates [V]. Reads turn on all rows, writes the pulsed one.
            The bulk is at gate_off, too.

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
        check(
            self,
            UNITS,
            positive=("width_over_length", "kp"),
            signed=("threshold", "gate_on", "gate_off"),
        )
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
