"""Broken lines, solved exactly on top of any solver of whole lines.

No current passes an open segment, whatever the voltage across it. That voltage is one unknown for
each break; it lowers the loop drive of every cell that the break cuts off from its line's terminal:

    u + Z i + H lambda = e,    H^T i = Y lambda,    H[b] = 1 at the cells behind break b

What is cut off floats (Y = 0): it still joins the cells on it, so that currents sneak from one
crossing line to the next. A word line with two drivers falls apart instead: the voltage of its
first break drives a current round the loop through both, whose conductance is Y. Its further
breaks are counted from the first, and leave floating what lies between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.lines import Lines

Floats = NDArray[np.float64]

_INSULATED = 1e-9  # of the largest admittance: open cells, or what rounding leaves of none


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """The breaks of one array.

    H : (breaks, rows, columns), word lines first
    Y : (breaks,) [S], 0 but for the first break of a line with two drivers
    words : how many are on word lines
    """

    H: Floats
    Y: Floats
    words: int

    @classmethod
    def of(cls, c: Crossbar) -> Cuts:
        """The cuts that a crossbar's breaks make."""
        words = list(_apart(c) if c.drive == "both" else _cut_words(c))
        found = [*words, *_cut_bits(c)]
        H = np.array([pattern for pattern, _ in found], dtype=np.float64).reshape(-1, *c.shape)
        return cls(H=H, Y=np.array([loop for _, loop in found]), words=len(words))

    def through(self, currents: Floats) -> Floats:
        """H^T i (..., breaks) [A]: what cell currents (..., rows, columns) send through each break."""
        return np.asarray(np.einsum("...rc,brc->...b", currents, self.H))

    def voltages(self, passing: Floats, responses: Floats) -> Floats:
        """By how much break voltages lambda (..., breaks) [V] must rise to stop the currents `passing`.

        responses : (..., breaks, rows, columns) [S] cell currents under the loop drives H, one a break.
            A piece of line whose cells do not conduct stays where it is.
        """
        admittance = self.through(responses)
        largest = np.abs(admittance).max(axis=(-2, -1), initial=1e-300)[..., None]
        scale = np.sqrt(largest / (largest + self.Y))  # wires would make all cells seem insulators
        scaled = scale[..., :, None] * (admittance + np.diag(self.Y)) * scale[..., None, :]
        inverse = np.linalg.pinv(scaled, rcond=_INSULATED, hermitian=True)
        return np.asarray(scale * (inverse @ (scale * passing)[..., None])[..., 0])

    def drives(self, voltages: Floats) -> Floats:
        """H lambda: break voltages (..., breaks) as loop drives (..., rows, columns) [V]."""
        return np.asarray(np.einsum("...b,brc->...rc", voltages, self.H))

    def of_words(self, voltages: Floats) -> Floats:
        """The part of `drives` that word lines have: how much lower their nodes beyond breaks are."""
        across, patterns = voltages[..., : self.words], self.H[: self.words]
        return np.asarray(np.einsum("...b,brc->...rc", across, patterns))


Cut = tuple[Floats, float]
"""(pattern (rows, columns), conductance [S] of the loop) of one break."""


def _cut_words(c: Crossbar) -> Iterator[Cut]:
    for one in c.breaks:
        if one.line == "word":
            cells = slice(one.column + 1) if c.drive == "right" else slice(one.column, None)
            yield _at(c, one.row, cells), 0.0


def _cut_bits(c: Crossbar) -> Iterator[Cut]:
    for one in c.breaks:
        if one.line == "bit":
            cells = slice(one.row, None) if c.sense == "top" else slice(one.row + 1)
            yield _at(c, cells, one.column), 0.0


def _apart(c: Crossbar) -> Iterator[Cut]:
    """Cut word lines with two drivers, whose outer parts keep one driver each."""
    lines, first = Lines.of(c), dict[int, int]()
    share, loop = lines.back(lines.share), lines.loop[:: lines.steps[0]]
    for row, column in sorted((one.row, one.column) for one in c.breaks if one.line == "word"):
        if row in first:
            yield _at(c, row, slice(first[row], column)), 0.0
        elif loop[row] > 0.0:
            behind = _at(c, row, slice(column, None))
            behind[row] -= share[row]
            yield behind, 1.0 / float(loop[row])
        else:  # one break in a perfect line changes nothing
            yield np.zeros(c.shape), 0.0
        first.setdefault(row, column)


def _at(c: Crossbar, rows: int | slice, columns: int | slice) -> Floats:
    pattern = np.zeros(c.shape)
    pattern[rows, columns] = 1.0
    return pattern
