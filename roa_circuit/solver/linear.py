"""Linear crossbars: every cell a conductance, solved directly by elimination row by row.

Unknowns are the cell currents y. Kirchhoff's voltage law round every cell's loop reads

    y / g + Z y = e,        e = word drive - bit drive of the cell,

where Z y are the voltages that the lines drop. Z is dense but structured and positive semi-definite,
and its entries are resistances, so that any of them may be 0. The word-line ladder of a row gives the
admittance its cells show to the bit lines (`_ladder`); a sweep down the bit lines joins the
rows. Every quantity is a sum or product of positive terms, so tiny currents keep their
relative accuracy.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.lines import NO_RESISTANCE, Lines
from roa_circuit.solver import _ladder, merging

Floats = NDArray[np.float64]

_NARROW = 40  # lines in the shorter direction; beyond, blocks of cells merge faster than rows
_DENSE_CELLS = 1024  # up to here a network keeps its inverse, 8 MB at most


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """One row and the bit-line segments below it.

    row : what the row shows to the bit lines
    above : (n, n) [S] everything down to this row, seen at its bit nodes
    cross : (n, n) currents leaving below = currents arriving from above @ cross
    """

    row: _ladder.Row
    above: Floats
    cross: Floats


@dataclass(frozen=True)
class LinearNetwork:
    """A crossbar of conductances (rows, columns) [S], analysed once for any number of solves."""

    crossbar: Crossbar
    conductances: Floats

    @functools.cached_property
    def lines(self) -> Lines:
        """The crossbar's lines, breaks left out."""
        return Lines.of(self.crossbar)

    def solve(self, e: Floats) -> Floats:
        """Cell currents (..., rows, columns) [A] under loop drives e of the same shape [V]."""
        if self.conductances.size <= _DENSE_CELLS:
            flat = e.reshape(*e.shape[:-2], -1) @ self._inverse
            return np.asarray(flat).reshape(e.shape)
        return self._sweep(e)

    def cell_voltages(self, e: Floats) -> Floats:
        """The cells' own voltages [V] under loop drives e."""
        return np.asarray(self.solve(e) / self.conductances)

    def currents(self, voltages: Floats) -> Floats:
        """The sensed currents (reads, columns) [A] of word-line voltages (reads, rows) [V]."""
        wide, rows = min(self.crossbar.shape) > _NARROW, self.crossbar.rows
        if wide or self._inside.exchanged or len(voltages) >= rows:
            return np.asarray(voltages @ self.effective_weights())
        of_rows, of_columns = self.lines.steps
        down = np.zeros((len(voltages), self.crossbar.columns))
        for stage, volts in zip(self._stages(self.lines), voltages.T[::of_rows], strict=True):
            down = (down + np.outer(volts, stage.row.to_source)) @ stage.cross
        return down[:, ::of_columns]

    def effective_weights(self) -> Floats:
        """W (rows, columns) [S]: sensed currents = word voltages @ W.

        Row by row this takes O(rows columns^3 + rows^2 columns^2) time; `merging` serves wide arrays.
        """
        if min(self.crossbar.shape) > _NARROW or self._inside.top.any():
            lines = self.lines
            return lines.back(merging.effective_weights(lines, lines.turn(self.conductances)))
        return self.swept_weights()

    def swept_weights(self) -> Floats:
        """The effective weights by elimination row by row, whatever the shape.

        Exchanging word and bit lines leaves them the same, by reciprocity, unless lines are driven at
        both ends.
        """
        lines = self.lines if self._inside.top.any() else self._inside
        weights = np.empty(lines.shape)
        for index, stage in enumerate(self._stages(lines)):
            weights[index] = stage.row.to_source
            weights[: index + 1] = weights[: index + 1] @ stage.cross
        return lines.back(weights)

    def line_drops(self, i: Floats) -> Floats:
        """Z i: the voltage [V] that wires, source and sense resistors take from each cell's loop."""
        lines = self.lines
        word, bit = lines.drops(*lines.currents(lines.turn(i)))
        return lines.back(word + bit)

    def word_drops(self, i: Floats) -> Floats:
        """The part [V] that a cell's word line and its driver drop, as if no line were broken."""
        word, _ = self.lines.drops(*self.lines.currents(self.lines.turn(i)))
        return self.lines.back(word)

    @functools.cached_property
    def _inside(self) -> Lines:
        """The lines as the sweep sees them: it runs along the longer side."""
        rows, columns = self.crossbar.shape
        return self.lines.exchange() if columns > rows else self.lines

    @functools.cached_property
    def _kept_stages(self) -> list[_Stage]:
        return list(self._stages(self._inside))

    def _stages(self, lines: Lines) -> Iterator[_Stage]:
        """From the top row to the sense resistors."""
        passed, grounded = np.diag(lines.top), lines.top
        inner, last = _scales(lines.bit), _scales(lines.bit + lines.sense)
        for index, row in enumerate(_ladder.rows(lines, lines.turn(self.conductances))):
            above = passed + row.admittance
            r, ratio = last if index == lines.shape[0] - 1 else inner
            inverse = _inverse_of_one_plus(r * above)
            cross = ratio * inverse
            grounded = (grounded + row.to_source) @ cross
            passed = _ladder.with_row_sums(-inverse / r, grounded)
            yield _Stage(row=row, above=above, cross=cross)

    @functools.cached_property
    def _inverse(self) -> Floats:
        """(1/g + Z)^-1 (cells, cells) [S] of a small array, where a product beats a sweep."""
        cells = self.conductances.size
        unit_drives = np.eye(cells).reshape(cells, *self.crossbar.shape)
        return self._sweep(unit_drives).reshape(cells, cells)

    def _sweep(self, e: Floats) -> Floats:
        """Sweep down the rows with Norton currents, and up again with the bit lines' voltages."""
        lines, stages = self._inside, self._kept_stages
        e = lines.turn(e)
        y = np.empty(e.shape)
        norton = np.empty(e.shape)
        down = np.zeros(e.shape[:-2] + e.shape[-1:])
        for index, stage in enumerate(stages):
            y[..., index, :] = e[..., index, :] @ stage.row.admittance
            norton[..., index, :] = down + y[..., index, :]
            down = norton[..., index, :] @ stage.cross
        bit = (lines.bit + lines.sense) * down
        for index in range(len(stages) - 1, -1, -1):
            y[..., index, :] -= bit @ stages[index].row.admittance
            if index:
                stage = stages[index - 1]
                down = (norton[..., index - 1, :] - bit @ stage.above) @ stage.cross
                bit = bit + lines.bit * down
        return lines.back(y)


def _scales(ohms: Floats) -> tuple[Floats, Floats]:
    """sqrt(r_j r_k) and sqrt(r_j / r_k) of resistances (n,), numbers if all are the same.

    With D = diag(r), D^(1/2) (1 + D^(1/2) Y D^(1/2))^-1 D^(-1/2) is (1 + D Y)^-1 and loses no digits.
    """
    r = np.sqrt(np.maximum(ohms, NO_RESISTANCE))
    r = r[:1] if (r == r[0]).all() else r
    return r[:, None] * r, r[:, None] / r


def _inverse_of_one_plus(matrix: Floats) -> Floats:
    """(1 + M)^-1 of a symmetric, positive semi-definite M, symmetric to the last digit.

    By numpy's own BLAS like the products round it: scipy's Cholesky halves the work, but the
    threads of two BLAS libraries then wait for each other (2 to 8 times slower on two cores).
    """
    inverse = np.linalg.inv(np.eye(len(matrix)) + matrix)
    return np.asarray(0.5 * (inverse + inverse.T))
