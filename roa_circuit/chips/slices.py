"""Bit slices of inputs: a DAC of few bits reads an input in parts, which are shifted and added.

An input of B bits is c = sum_k 2^(b k) c_k, in n slices of b = B / n bits. Slice k drives the line with
c_k / (2^b - 1) of the full voltage, and is a read of its own: drivers, cells, noise and converters
meet it like any other. What converters report of all slices is added with 2^(b k), digitally. With b = 1
drivers are on or off, and no cell is read below the full voltage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.periphery import convert, last_code
from roa_circuit.device.parameters import Device

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Slices:
    """How a DAC drives its inputs.

    bits : of an input; 0 for no DAC
    count : slices of an input; 1 drives it as a whole
    largest : the voltage of the largest code, of an input as of a slice [V]
    """

    bits: int
    count: int
    largest: float

    @classmethod
    def of(cls, x: Imperfections, device: Device) -> Self:
        """Those that imperfections and a device's full scale ask for."""
        largest = x.dac_range or device.pulses.full_scale
        return cls(bits=x.dac_bits, count=max(x.dac_slices, 1), largest=largest)

    @property
    def shares(self) -> Floats:
        """(count,) of an input at full voltage, what slices at full voltage are; the least first."""
        each = self.bits // self.count
        weights = 2.0 ** (each * np.arange(self.count))
        return np.asarray(weights / weights.sum())

    def made(self, voltages: Floats) -> Floats:
        """The voltages [V] that codes stand for, where these are asked for."""
        return convert(voltages, self.bits, self.largest)

    def driven(self, voltages: Floats) -> Floats:
        """Voltages (reads * count, rows) [V] of (reads, rows); an input's slices follow each other."""
        whole = self.made(voltages)
        if self.count == 1:
            return whole
        each, last = self.bits // self.count, last_code(self.bits, signed=False)
        codes = np.round(whole * (last / self.largest)).astype(np.int64)
        shifts = each * np.arange(self.count)[:, None]
        parts = (codes[:, None, :] >> shifts) & last_code(each, signed=False)
        volts = parts * (self.largest / last_code(each, signed=False))
        return np.asarray(volts.reshape(-1, voltages.shape[-1]))

    def added(self, parts: Floats) -> Floats:
        """(reads, ...) of (reads * count, ...): what slices make together."""
        if self.count == 1:
            return parts
        apart = parts.reshape(-1, self.count, *parts.shape[1:])
        return np.asarray(np.tensordot(self.shares, apart, axes=(0, 1)))
