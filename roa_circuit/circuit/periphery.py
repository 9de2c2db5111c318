"""The periphery of an array as pure functions: converters, and the noise of a read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BOLTZMANN = 1.380649e-23  # [J/K]
ELEMENTARY_CHARGE = 1.602176634e-19  # [C]
FLICKER_DECADES = 6
"""How many decades of reads, from one on, 1/f noise spans."""


def convert(values: Floats, bits: int, largest: float | Floats, *, signed: bool = False) -> Floats:
    """Round to the nearest of 2^bits levels from 0 to `largest`; 0 bits change nothing.

    signed : 2^bits - 1 levels from -largest to largest, with one at 0
    """
    if not bits:
        return values
    step = largest / last_code(bits, signed=signed)
    return np.asarray(step * np.round(np.clip(values, -largest if signed else 0.0, largest) / step))


def last_code(bits: int, *, signed: bool) -> int:
    """The largest code of a converter; the smallest is 0, or as far below 0 if it is signed."""
    return 2 ** (bits - 1) - 1 if signed else int(2**bits - 1)


def thermal_deviation(conductance: Floats, temperature: float, bandwidth: float) -> Floats:
    """sqrt(4 k T G B), the rms current [A] of a conductance [S]; T in [K], B in [Hz]."""
    return np.sqrt(4 * BOLTZMANN * temperature * bandwidth * conductance)


def shot_deviation(current: Floats, bandwidth: float) -> Floats:
    """sqrt(2 q |I| B), the rms deviation [A] of a current [A]."""
    return np.sqrt(2 * ELEMENTARY_CHARGE * bandwidth * np.abs(current))


class Pink:
    """Noise of variance 1 whose power falls as 1/f from read to read, on so many lines.

    It is the sum of one relaxation a decade, with time constants from a third of a read to some 10^5
    reads and equal variances. It is stationary: a single read is as noisy as one of many. However
    many reads are asked for at a time, the sequence is the same.
    """

    def __init__(self, rng: np.random.Generator, lines: int) -> None:
        self._kicks = rng.spawn(FLICKER_DECADES)
        self._last = [one.standard_normal((1, lines)) for one in self._kicks]

    def next(self, reads: int) -> Floats:
        """The noise (reads, lines) of the next reads."""
        from scipy.signal import lfilter  # as slow to load as all the rest together

        total = np.zeros((reads, self._last[0].shape[1]))
        for decade, rng in enumerate(self._kicks):
            keep = np.exp(-3.0 * 10.0**-decade)
            kicks = np.sqrt(1.0 - keep**2) * rng.standard_normal(total.shape)
            start = keep * self._last[decade]
            relaxed, _ = lfilter([1.0], [1.0, -keep], kicks, axis=0, zi=start)
            if reads:
                self._last[decade] = relaxed[-1:]
            total += relaxed
        return np.asarray(total / np.sqrt(FLICKER_DECADES))
