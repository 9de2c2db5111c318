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

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.records import check, out_of_range

Floats = NDArray[np.float64]

UNITS = {
    "r_feedback": "Ohm", "gain": "-", "gain_bandwidth": "Hz", "offset": "V",
    "width_over_length": "-", "threshold": "V", "kp": "A/V^2", "gate_on": "V", "gate_off": "V",
}  # fmt: skip

BOLTZMANN_EV = 8.617333262e-5  # [eV/K]
_POTENTIAL = 0.6  # [V], surface potential of a channel
_PINCHED = 0.05  # of the overdrive: where a channel is taken to be pinched off
LARGEST_OFFSET = 0.5
"""Of an amplifier [V]; a microsecond of as much moves Table 1's cells by 1e-6 of omega."""

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
        each = self.offset if isinstance(self.offset, Sequence) else (self.offset,)
        largest = max(map(abs, each), default=0.0)
        if largest > LARGEST_OFFSET:
            limit = f"lie within +-{LARGEST_OFFSET:g} V: beyond, it would write the cells that it reads"
            raise out_of_range("offset", largest, "V", limit)
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
        return 1.0 / (self.strength(temperature) * (self.gate_on - self.threshold_at(temperature)))

    def threshold_at(self, temperature: float) -> float:
        """V_th [V], which falls by some 1 mV a kelvin: level 1 without body effect.

        The gap of silicon narrows, and with it the surface potential, 0.6 V at the nominal temperature.
        """
        warmth, kT = temperature / NOMINAL_TEMPERATURE, BOLTZMANN_EV * temperature
        gap, nominal = (_gap(one) for one in (temperature, NOMINAL_TEMPERATURE))
        potential = warmth * (_POTENTIAL - nominal) - 3.0 * kT * math.log(warmth) + gap
        return self.threshold + 0.5 * (nominal - gap) + 0.5 * (potential - _POTENTIAL)

    def drop(
        self, current: Floats, word: Floats, temperature: float = NOMINAL_TEMPERATURE
    ) -> tuple[Floats, Floats, Floats]:
        """(voltage across it [V], its slope [Ohm], share of the overdrive that its channel has left).

        current : of its cell [A], from a word line at `word` [V]; in the linear region of level 1
            I = kp W/L (V_on - V_th - (word + te) / 2) (word - te); a share of 0 is saturation, beyond
            which no current passes.
        """
        strength = self.strength(temperature)
        overdrive = self.gate_on - self.threshold_at(temperature) - word
        squared = overdrive**2 + 2.0 * current / strength
        channel = np.sqrt(np.maximum(squared, (_PINCHED * overdrive) ** 2))
        return channel - overdrive, 1.0 / (strength * channel), channel / overdrive

    def strength(self, temperature: float) -> float:
        """kp W/L [A/V^2] at a temperature [K]; mobility falls as T^-1.5."""
        return self.kp * self.width_over_length * math.pow(temperature / NOMINAL_TEMPERATURE, -1.5)


def _gap(temperature: float) -> float:
    """Of silicon [eV], after Varshni with the constants of SPICE."""
    return 1.16 - 7.02e-4 * temperature**2 / (temperature + 1108.0)
