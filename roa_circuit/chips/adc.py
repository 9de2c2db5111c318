"""The analog-to-digital converters of one chip: ranges, codes, and how each strays from a ruler.

A converter of differences is signed: 2^bits - 1 codes, one of them 0, as many above it as below. All
others go from 0 up, with 2^bits codes. Errors are in steps of the last bit (LSB), fixed for each one:

    offset   shifts all of it
    inl      a bow, worst in the middle of each sign and nothing at its ends
    dnl      each step is longer or shorter at random, the whole range as long as it should be
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.periphery import convert, last_code

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Adc:
    """The converters of a chip, one a channel.

    bits : 0 for none, which change nothing
    full : (channels,) or (1,) the current of the largest code [A]; None where it is still to be found
    offset, bow : (channels,) [LSB], or empty
    steps : (channels, codes - 1) where each code begins, in LSB; or empty
    """

    bits: int
    signed: bool
    full: Floats | None
    offset: Floats = field(default_factory=_none)
    bow: Floats = field(default_factory=_none)
    steps: Floats = field(default_factory=_none)

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last code."""
        last = last_code(self.bits, signed=self.signed)
        return (-last if self.signed else 0), last

    def ranged(self, full: Floats) -> Adc:
        """The same converters with these ranges (channels,) or (1,) [A]."""
        return dataclasses.replace(self, full=full)

    def of(self, channels: Indices) -> Adc:
        """The converters of some channels, in their order."""
        names = ("full", "offset", "bow", "steps")
        own = {name: getattr(self, name) for name in names}
        lone = not channels.any()  # one channel, whose values are no others' as well
        chosen = {
            n: v[channels] for n, v in own.items() if v is not None and len(v) and (len(v) > 1 or lone)
        }
        return dataclasses.replace(self, **chosen)

    def step(self) -> Floats:
        """The current of one step (channels,) or (1,) [A].

        Raises
        ------
        InputError : ranges that nobody has found.
        """
        if self.full is None:
            raise InputError(
                "adc_range = 'layer' or 'column' is found from a layer's inputs, and there is no layer"
                " here; give adc_range in amperes"
            )
        return np.asarray(self.full / self.ends[1])

    def ends_of(self, currents: Floats) -> NDArray[np.bool_]:
        """Which of these (reads, channels) [A] lie so far out that dither may reach an end."""
        if not self.bits:
            return np.zeros(currents.shape, dtype=bool)
        return np.abs(currents) > self.step() * (self.ends[1] - 1.5)

    @property
    def dithered_variance(self) -> Floats:
        """Mean square error (channels,) or (1,) of a dithered reading [A^2]; 0 without converters.

        Rounding has a twelfth of a squared step, dither of two steps' width two.
        """
        return self.step() ** 2 / 4.0 if self.bits else np.zeros(1)

    def convert(self, currents: Floats, dither: Floats | None = None) -> Floats:
        """The currents (reads, channels) [A] that codes stand for.

        dither : (reads, channels) [LSB] added before the conversion; None adds nothing
        """
        if not self.bits:
            return currents
        step = self.step()
        if dither is None and not (len(self.offset) or len(self.bow) or len(self.steps)):
            assert self.full is not None
            full = float(self.full[0]) if self.full.size == 1 else self.full
            return convert(currents, self.bits, full, signed=self.signed)
        return np.asarray(step * self.codes(currents, dither))

    def codes(self, currents: Floats, dither: Floats | None = None) -> Floats:
        """The codes (reads, channels) of currents (reads, channels) [A], as whole numbers."""
        first, last = self.ends
        seen = currents / self.step() + (0.0 if dither is None else dither)
        if len(self.offset):
            seen = seen + self.offset
        if len(self.bow):
            share = np.abs(seen) / last
            seen = seen + self.bow * 4.0 * share * np.clip(1.0 - share, 0.0, None)
        if not len(self.steps):
            return np.asarray(np.round(np.clip(seen, first, last)))
        found = [np.searchsorted(self.steps[j], seen[:, j], side="right") for j in range(seen.shape[1])]
        return np.asarray(first + np.stack(found, axis=1), dtype=np.float64)


def uneven_steps(deviations: Floats, ends: tuple[int, int]) -> Floats:
    """(channels, codes - 1) where codes begin, of steps whose lengths stray by as many deviations.

    The first and the last step begin where they should: what strays beyond is gain and offset.
    """
    first, last = ends
    even = np.arange(first + 0.5, last, 1.0)
    strayed = np.cumsum(deviations, axis=1)
    line = np.linspace(0.0, 1.0, strayed.shape[1]) if strayed.shape[1] > 1 else np.ones(1)
    strayed = strayed - (strayed[:, :1] + (strayed[:, -1:] - strayed[:, :1]) * line)
    return np.sort(even + strayed, axis=1)  # a step shorter than nothing is a code that never comes
