"""The noise of a chip: random numbers that go on from one write or read to the next.

A stream is a seed and how far it has come. Sixteen batches of one read have the noise of one batch of
sixteen, so that averages over reads fall as they do on a bench.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.periphery import Pink

Floats = NDArray[np.float64]

STREAMS = ("write_noise", "read_noise", "flicker", "dither")


class Noise:
    """The streams of one chip, each from a seed of its own."""

    def __init__(self, seeds: Mapping[str, int]) -> None:
        self.seeds = dict(seeds)
        direct = [name for name in STREAMS if name != "flicker"]
        self._generators = {name: np.random.default_rng(self.seeds[name]) for name in direct}
        self._slow: Pink | None = None

    def afresh(self) -> Noise:
        """The same streams from their beginning."""
        return Noise(self.seeds)

    @property
    def writes(self) -> np.random.Generator:
        """Draws the noise of writes, Eq. 7."""
        return self._generators["write_noise"]

    def white(self, reads: int, lines: int) -> Floats:
        """White noise (reads, lines) of the next reads, of variance 1."""
        return self._generators["read_noise"].standard_normal((reads, lines))

    def dither(self, reads: int, lines: int) -> Floats:
        """Numbers (reads, lines) in (-1, 1) for calibration to add before converters [LSB].

        Each is the sum of two even ones, so that neither the mean of a reading nor its variance depends
        on where between two codes it lies.
        """
        return np.asarray(self._generators["dither"].random((reads, lines, 2)).sum(axis=-1) - 1.0)

    def slow(self, reads: int, lines: int) -> Floats:
        """1/f noise (reads, lines) of the next reads, of variance 1, which remembers earlier batches."""
        if self._slow is None:
            self._slow = Pink(np.random.default_rng(self.seeds["flicker"]), lines)
        return self._slow.next(reads)
