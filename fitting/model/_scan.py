"""Scans: the state before every run of pulses, for all runs of all trains in a few passes.

A run maps the odds omega / (1 - omega) = a / b of a state by a matrix without a negative entry: up
a <- a + A b, down b <- b + |A| a. Products of such matrices lose no digits. A prefix scan (Hillis
and Steele 1986) finds all of them in log2(runs) passes, where going along a train of thousands of
runs would take thousands of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The order of the runs, in which those of a train stand together.

    `first` (trains,) is each train's first run; `passes` are (how far back, the runs with another run
    so far back in their train).
    """

    first: NDArray[np.int64]
    passes: tuple[tuple[int, NDArray[np.int64]], ...]

    @classmethod
    def of(cls, number: NDArray[np.int64]) -> Scan:
        """The scan for runs that have these numbers (runs,) within their trains."""
        shifts = 2 ** np.arange(int(number.max()).bit_length())
        passes = tuple((int(back), np.flatnonzero(number >= back)) for back in shifts)
        return cls(first=np.flatnonzero(number == 0), passes=passes)

    def states(self, start: FloatArray, dose: FloatArray) -> FloatArray:
        """omega (runs,) before every run, from that before its train, `start` (runs,), and all doses."""
        M = np.stack(
            [np.ones_like(dose), np.maximum(dose, 0.0), np.maximum(-dose, 0.0), np.ones_like(dose)]
        )
        M /= M.max(axis=0)
        for back, runs in self.passes:
            a, b, c, d = M[:, runs]
            e, f, g, h = M[:, runs - back]
            product = np.stack([a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h])
            M[:, runs] = product / product.max(axis=0)
        up, down = start, 1.0 - start
        up, down = M[0] * up + M[1] * down, M[2] * up + M[3] * down
        return self._before(up / (up + down), start)

    def slopes(self, keep: FloatArray, gain: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(K (runs,), x (n, runs)) before every run: x <- keep x + gain, K <- keep K, from 0 and 1."""
        K, x = keep.copy(), gain.copy()
        for back, runs in self.passes:
            x[:, runs] += K[runs] * x[:, runs - back]
            K[runs] *= K[runs - back]
        return self._before(K, np.ones_like(K)), self._before(x, np.zeros_like(K))

    def _before(self, after: FloatArray, first: FloatArray) -> FloatArray:
        """The values that the run before left, or `first` (runs,) where there is none."""
        result = np.empty_like(after)
        result[..., 1:] = after[..., :-1]
        result[..., self.first] = first[self.first]
        return result
