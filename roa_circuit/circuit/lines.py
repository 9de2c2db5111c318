"""The lines of a crossbar as its solvers see them: driven at the left, sensed at the bottom.

An array driven at the right or sensed at the top is a mirror image of such an array. Exchanging
word and bit lines transposes it, so that driven end meets driven end. `turn` lays an array
(..., rows, columns) out as the solver wants it, `back` undoes that.

A word line driven at both ends is one driven at the left whose far end is tied to the driver:

    V -- source -- word --*-- word --*-- ... --*-- far -- V,    far = 1 / (word + source)

Measured against V nothing else changes: one more conductance reduces the drop of every node.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.crossbar import Crossbar, Ohms

Floats = NDArray[np.float64]

NO_RESISTANCE = 1e-30
"""[Ohm]; small enough to change no digit, large enough to divide by."""


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Every line's own resistances [Ohm], in the order in which the solver meets the lines.

    source, word : (rows,) of the driver, of each word-line segment
    bit, sense : (columns,) of each bit-line segment, of the readout
    far : (rows,) [S] between a word line's far end and its driver, 0 without a second driver
    top : (columns,) [S] the same for bit lines, where these are a crossbar's word lines
    steps : (rows, columns), -1 where the solver counts them from the other end
    exchanged : whether rows are the crossbar's columns
    """

    source: Floats
    word: Floats
    bit: Floats
    sense: Floats
    far: Floats
    top: Floats
    steps: tuple[int, int]
    exchanged: bool = False

    @classmethod
    @functools.lru_cache(maxsize=16)
    def of(cls, c: Crossbar) -> Lines:
        """The lines of a crossbar, as if none were broken."""
        steps = (-1 if c.sense == "top" else 1), (-1 if c.drive == "right" else 1)
        source, word = (_each(ohms, c.rows)[:: steps[0]] for ohms in (c.r_source, c.r_word))
        bit, sense = (_each(ohms, c.columns)[:: steps[1]] for ohms in (c.r_bit, c.r_sense))
        far, last = np.zeros(c.rows), source + word
        if c.drive == "both":  # of a perfect line, one driver does it all
            np.divide(1.0, last, out=far, where=last > NO_RESISTANCE)
        top = np.zeros(c.columns)
        return cls(source=source, word=word, bit=bit, sense=sense, far=far, top=top, steps=steps)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) as the solver counts them."""
        return len(self.source), len(self.bit)

    def exchange(self) -> Lines:
        """The same lines with word and bit lines exchanged."""
        return Lines(
            source=self.sense[::-1],
            word=self.bit[::-1],
            bit=self.word[::-1],
            sense=self.source[::-1],
            far=self.top[::-1],
            top=self.far[::-1],
            steps=(-self.steps[0], -self.steps[1]),
            exchanged=not self.exchanged,
        )

    def turn(self, array: Floats) -> Floats:
        """Lay a crossbar's (..., rows, columns) out as the solver wants it."""
        turned: Floats = array[..., :: self.steps[0], :: self.steps[1]]
        return np.swapaxes(turned, -2, -1) if self.exchanged else turned

    def back(self, array: Floats) -> Floats:
        """Lay the solver's (..., rows, columns) out as the crossbar has it."""
        turned = np.swapaxes(array, -2, -1) if self.exchanged else array
        found: Floats = turned[..., :: self.steps[0], :: self.steps[1]]
        return found

    @functools.cached_property
    def loop(self) -> Floats:
        """(rows,) resistance [Ohm] of a whole word line, from driver to driver."""
        return np.asarray(2.0 * self.source + (self.shape[1] + 1) * self.word)

    @functools.cached_property
    def share(self) -> Floats:
        """(rows, columns) share of each cell's current that the far driver delivers."""
        if not self.far.any():
            return np.zeros(self.shape)
        way = self.source[:, None] + self.word[:, None] * np.arange(1.0, self.shape[1] + 1)
        half = np.full(self.shape, 0.5)  # of a perfect line
        return np.asarray(np.divide(way, self.loop[:, None], out=half, where=way > 0.0))

    def currents(self, i: Floats) -> tuple[Floats, Floats]:
        """Currents [A] in (the word-line segment left of each cell, the bit-line segment below it).

        i : (..., rows, columns) cell currents [A]; only word lines may have a second driver.
        """
        word = np.cumsum(i[..., ::-1], axis=-1)[..., ::-1]
        if self.far.any():
            word = word - (self.share * i).sum(axis=-1, keepdims=True)
        return word, np.cumsum(i, axis=-2)

    def drops(self, word: Floats, bit: Floats) -> tuple[Floats, Floats]:
        """Voltages [V] that `currents` cause: (of word nodes below V, of bit nodes above ground)."""
        along = np.cumsum(word, axis=-1)
        below = np.cumsum(bit[..., ::-1, :], axis=-2)[..., ::-1, :]
        return (
            self.source[:, None] * word[..., :1] + self.word[:, None] * along,
            self.sense * bit[..., -1:, :] + self.bit * below,
        )


def _each(ohms: Ohms, count: int) -> Floats:
    return np.broadcast_to(np.asarray(ohms, dtype=np.float64), count)
