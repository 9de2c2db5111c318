"""Linear crossbars: every cell a conductance, solved directly by elimination row by row.

Unknowns are the cell currents y. Kirchhoff's voltage law round every cell's loop reads

    y / g + Z y = e,        e = word drive - bit drive of the cell,

where Z y is what the lines drop: a dense but structured, positive semi-definite matrix whose
entries are resistances, so that any of them may be 0. The word-line ladder of a row gives the
admittance its cells show to the bit lines (`_ladder`); a sweep down the bit lines joins the
rows. Every quantity is a sum or product of positive terms, so tiny currents keep their
relative accuracy.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from roa_circuit import _ladder, merging
from roa_circuit.crossbar import Crossbar

Floats = NDArray[np.float64]

_NARROW = 40  # lines in the shorter direction; beyond, blocks of cells merge faster than rows
_DENSE_CELLS = 1024  # up to here a network keeps its inverse, 8 MB at most


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """One row and the bit-line segments below it.

    row : what the row shows to the bit lines
    above : (n, n) [S] everything down to this row, seen at its bit nodes
    cross : (n, n) current leaving the segments below, per current arriving from above
    """

    row: _ladder.Row
    above: Floats
    cross: Floats


@dataclass(frozen=True)
class LinearNetwork:
    """A crossbar of conductances (rows, columns) [S], analysed once for any number of solves."""

    crossbar: Crossbar
    conductances: Floats

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
        wide = min(self.crossbar.shape) > _NARROW
        if wide or self._flipped or len(voltages) >= self.crossbar.rows:
            return np.asarray(voltages @ self.effective_weights())
        down = np.zeros((self.crossbar.columns, len(voltages)))
        for stage, volts in zip(self._stages(), voltages.T, strict=True):
            down = stage.cross @ (down + np.outer(stage.row.to_source, volts))
        return down.T

    def effective_weights(self) -> Floats:
        """W (rows, columns) [S]: sensed currents = word voltages @ W.

        Row by row O(rows columns^3 + rows^2 columns^2) time; wide arrays by `merging`.
        """
        if min(self.crossbar.shape) > _NARROW:
            return merging.effective_weights(self.crossbar, self.conductances)
        return self.swept_weights()

    def swept_weights(self) -> Floats:
        """The effective weights by elimination row by row, whatever the shape."""
        if self._flipped:  # by reciprocity, drives and senses exchanged
            return flip(LinearNetwork(*self._inside).swept_weights())
        weights = np.empty(self.crossbar.shape)
        for index, stage in enumerate(self._stages()):
            weights[index] = stage.row.to_source
            weights[: index + 1] = weights[: index + 1] @ stage.cross  # cross is symmetric
        return weights

    def line_drops(self, i: Floats) -> Floats:
        """Z i: the voltage [V] that wires, source and sense resistors drop in each cell's loop."""
        c = self.crossbar
        right = np.cumsum(i[..., ::-1], axis=-1)[..., ::-1]  # current in each word-line segment
        below = np.cumsum(i, axis=-2)  # current in each bit-line segment
        word = c.r_source * right[..., :1] + c.r_word * np.cumsum(right, axis=-1)
        bit = c.r_bit * np.cumsum(below[..., ::-1, :], axis=-2)[..., ::-1, :]
        return word + bit + c.r_sense * below[..., -1:, :]

    @property
    def _flipped(self) -> bool:
        """Whether the sweep exchanges the lines, to run over the longer side."""
        return self.crossbar.columns > self.crossbar.rows

    @property
    def _inside(self) -> tuple[Crossbar, Floats]:
        """The array as the sweep sees it."""
        if self._flipped:
            return flip_crossbar(self.crossbar), flip(self.conductances)
        return self.crossbar, self.conductances

    @functools.cached_property
    def _kept_stages(self) -> list[_Stage]:
        return list(self._stages())

    def _stages(self) -> Iterator[_Stage]:
        """From the top row to the sense resistors."""
        c, g = self._inside
        passed, to_source = np.zeros((c.columns, c.columns)), np.zeros(c.columns)
        for index, row in enumerate(_ladder.rows(c, g)):
            above = passed + row.admittance
            r = c.r_bit + (c.r_sense if index == c.rows - 1 else 0.0)
            cross = _inverse_of_one_plus(r * above)
            to_source = cross @ (to_source + row.to_source)
            passed = above if r == 0.0 else _ladder.with_row_sums(-cross / r, to_source)
            yield _Stage(row=row, above=above, cross=cross)

    @functools.cached_property
    def _inverse(self) -> Floats:
        """(1/g + Z)^-1 (cells, cells) [S] of a small array: one product beats a loop over rows."""
        cells = self.conductances.size
        unit_drives = np.eye(cells).reshape(cells, *self.crossbar.shape)
        return self._sweep(unit_drives).reshape(cells, cells)

    def _sweep(self, e: Floats) -> Floats:
        if self._flipped:
            return flip(self._down_and_up(flip(e)))
        return self._down_and_up(e)

    def _down_and_up(self, e: Floats) -> Floats:
        """Down the rows with Norton currents, up again with the bit lines' voltages."""
        c, stages = self._inside[0], self._kept_stages
        y = np.empty(e.shape)
        norton = np.empty(e.shape)
        down = np.zeros(e.shape[:-2] + e.shape[-1:])
        for index, stage in enumerate(stages):
            y[..., index, :] = e[..., index, :] @ stage.row.admittance
            norton[..., index, :] = down + y[..., index, :]
            down = norton[..., index, :] @ stage.cross
        bit = (c.r_bit + c.r_sense) * down
        for index in range(c.rows - 1, -1, -1):
            y[..., index, :] -= bit @ stages[index].row.admittance
            if index:
                stage = stages[index - 1]
                down = (norton[..., index - 1, :] - bit @ stage.above) @ stage.cross
                bit = bit + c.r_bit * down
        return y


def _inverse_of_one_plus(matrix: Floats) -> Floats:
    """(1 + M)^-1 of a symmetric, positive semi-definite M, symmetric to the last digit.

    By numpy's own BLAS like the products round it: scipy's Cholesky halves the work, but the
    threads of two BLAS libraries then wait for each other (2 to 8 times slower on two cores).
    """
    inverse = np.linalg.inv(np.eye(len(matrix)) + matrix)
    return 0.5 * (inverse + inverse.T)


def flip(array: Floats) -> Floats:
    """Exchange the two line directions: transpose, driven end to driven end."""
    return np.swapaxes(array[..., ::-1, ::-1], -2, -1)


def flip_crossbar(c: Crossbar) -> Crossbar:
    """The crossbar whose states and drives are `flip`ped."""
    return replace(
        c,
        rows=c.columns,
        columns=c.rows,
        r_source=c.r_sense,
        r_word=c.r_bit,
        r_bit=c.r_word,
        r_sense=c.r_source,
        breaks=(),
        word_gain=(),
        bit_gain=(),
    )
