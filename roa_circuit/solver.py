"""The fast solver: currents and voltages of a crossbar with all four resistances.

Unknowns are the cell currents y. Kirchhoff's voltage law round every cell's loop reads

    v(y) + Z y = e,        e = word drive - bit drive of the cell,

where v(y) is the cell's own voltage and Z y what the lines drop: a dense but structured,
positive semi-definite matrix whose entries are resistances, so that any of them may be 0.

Linear cells (v = y / g) are solved directly, by elimination row by row: the word-line ladder of
a row gives the admittance its cells show to the bit lines (`_Ladder`), and a sweep down the bit
lines joins the rows. Every quantity is a sum or product of positive terms, so tiny currents
keep their relative accuracy. Cells with the I-V of Eq. 2 take Newton steps; each is solved by
conjugate gradients with the linear network as preconditioner, whose condition number is
at most the spread of the cells' differential conductances about it, whatever the wires.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from roa_circuit.crossbar import Crossbar
from roa_circuit.errors import ConvergenceError, InputError
from roa_circuit.memristor import conductance, current, differential_conductance
from roa_circuit.parameters import Device, Memristor

Floats = NDArray[np.float64]

TOLERANCE = 1e-12
"""Newton stops when every loop's voltage error is below this fraction of the largest drive."""

_NEWTON_STEPS = 50
_CG_STEPS = 200
_DENSE_CELLS = 1024  # up to here a network keeps its inverse, 8 MB at most


def read_currents(
    crossbar: Crossbar, state: Floats, voltages: Floats, device: Device, *, exact: bool = True
) -> Floats:
    """The sensed currents (reads, columns) [A] of word-line voltages (reads, rows) [V].

    state : (rows, columns) omega in [0, 1]
    exact : Eq. 2 at every cell; else its conductance at the device's read voltage (Eq. 3).

    Raises
    ------
    InputError : shapes that do not fit the crossbar, or states outside [0, 1].
    ConvergenceError : Newton stopped short of its tolerance.
    """
    check_read(crossbar, state, voltages)
    g = conductance(state, device.pulses.read_voltage, device.memristor)
    network = Network.analyse(crossbar, g)
    if not exact:
        return np.asarray(voltages @ network.effective_weights())
    e = np.broadcast_to(voltages[:, :, None], (len(voltages), *crossbar.shape))
    cells = solve_cells(network, state, e, device.memristor)
    return np.asarray(cells.currents.sum(axis=-2))


def effective_weights(crossbar: Crossbar, state: Floats, device: Device) -> Floats:
    """The matrix W (rows, columns) [S] with currents = voltages @ W, linear cells."""
    g = conductance(state, device.pulses.read_voltage, device.memristor)
    return Network.analyse(crossbar, g).effective_weights()


def check_read(crossbar: Crossbar, state: Floats, voltages: Floats) -> None:
    """Raise InputError unless state and voltages fit the crossbar and are finite."""
    if state.shape != crossbar.shape:
        raise InputError(f"states have shape {state.shape}, the crossbar is {crossbar.shape}")
    if voltages.ndim != 2 or voltages.shape[1] != crossbar.rows:
        raise InputError(f"inputs have shape {voltages.shape}, expected (reads, {crossbar.rows})")
    if not np.isfinite(voltages).all():
        raise InputError("inputs must be finite voltages")
    if not ((state >= 0) & (state <= 1)).all():
        raise InputError("states must lie in [0, 1]")


@dataclass(frozen=True)
class Cells:
    """The solution at every cell, both (..., rows, columns)."""

    voltages: Floats  # [V], word line minus bit line
    currents: Floats  # [A], into the bit line


def solve_cells(
    network: Network, state: Floats, e: Floats, p: Memristor, guess: Floats | None = None
) -> Cells:
    """Cell voltages and currents under loop drives e (..., rows, columns), Eq. 2 at every cell.

    Newton on u + Z i(u) = e. The network's conductances should be near the cells'; they set
    the speed, not the result. `guess` are cell voltages to start from.
    """
    u = network.cell_voltages(e) if guess is None else np.array(guess)
    limit = TOLERANCE * max(float(np.abs(e).max(initial=0.0)), 1e-300)
    for _ in range(_NEWTON_STEPS):
        i = current(state, u, p)
        residual = e - u - network.line_drops(i)
        slope = differential_conductance(state, u, p)
        y = solve_linear(network, slope, residual, tolerance=1e-4)
        u = u + y / slope
        if np.abs(residual).max(initial=0.0) <= limit:
            return Cells(u, i + y)
    worst = np.abs(residual).max()
    raise ConvergenceError(f"the crossbar solve stopped at a voltage error of {worst:.2e} V")


def solve_linear(
    network: Network, conductances: Floats, e: Floats, *, tolerance: float = TOLERANCE
) -> Floats:
    """Cell currents y [A] with (1/g + Z) y = e, for conductances of their own in every drive.

    conductances, e : (..., rows, columns) [S] and [V], all leading dimensions at once
    tolerance : largest loop residual, as a fraction of the largest drive

    Conjugate gradients with `network` as preconditioner: what it was analysed for need only
    be near.

    Raises
    ------
    ConvergenceError : stopped short of the tolerance.
    """
    limit = tolerance * np.abs(e).max(initial=0.0)
    y, r = np.zeros_like(e), e
    z = network.solve(r)
    direction = z
    rz = _dot(r, z)
    for _ in range(_CG_STEPS):
        product = direction / conductances + network.line_drops(direction)
        step = rz / np.maximum(_dot(direction, product), 1e-300)
        y = y + step * direction
        r = r - step * product
        if np.abs(r).max(initial=0.0) <= limit:
            return y
        z = network.solve(r)
        before, rz = rz, _dot(r, z)
        direction = z + (rz / np.maximum(before, 1e-300)) * direction
    raise ConvergenceError(f"the linear crossbar solve stopped at a residual of {np.abs(r).max():.2e} V")


def _dot(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.sum(a * b, axis=(-2, -1), keepdims=True))


@dataclass(frozen=True)
class Network:
    """A crossbar of linear cells, analysed once for any number of solves.

    conductances : (rows, columns) [S]
    flipped : rows and columns exchanged inside, so that the sweep runs over the longer side
    """

    crossbar: Crossbar
    conductances: Floats
    flipped: bool
    ladder: _Ladder
    cross: Floats  # (rows, n, n): current passed on per current arriving, each bit-line segment
    above: Floats  # (rows, n, n): admittance [S] of everything above, seen at each row's bit nodes

    @classmethod
    def analyse(cls, crossbar: Crossbar, conductances: Floats) -> Network:
        """Eliminate all nodes but the drives; O(rows columns^2 + rows columns^3)."""
        flipped = crossbar.columns > crossbar.rows
        c, g = (_flip_crossbar(crossbar), _flip(conductances)) if flipped else (crossbar, conductances)
        ladder = _Ladder.of(c, g)
        cross = np.empty((c.rows, c.columns, c.columns))
        above = np.empty_like(cross)
        passed = np.zeros((c.columns, c.columns))
        to_source = np.zeros(c.columns)
        for row in range(c.rows):
            above[row] = passed + ladder.admittance[row]
            to_source = to_source + ladder.to_source[row]
            r = c.r_bit + (c.r_sense if row == c.rows - 1 else 0.0)
            cross[row] = np.linalg.inv(np.eye(c.columns) + r * above[row])
            to_source = cross[row] @ to_source
            passed = _through(above[row], cross[row], r, to_source)
        return cls(crossbar, conductances, flipped, ladder, cross, above)

    def solve(self, e: Floats) -> Floats:
        """Cell currents (..., rows, columns) [A] under loop drives e of the same shape [V]."""
        if self.conductances.size <= _DENSE_CELLS:
            flat = e.reshape(*e.shape[:-2], -1) @ self._inverse
            return np.asarray(flat).reshape(e.shape)
        return self._sweep(e)

    @functools.cached_property
    def _inverse(self) -> Floats:
        """(1/g + Z)^-1 (cells, cells) [S] of a small array: one product beats a loop over rows."""
        cells = self.conductances.size
        unit_drives = np.eye(cells).reshape(cells, *self.crossbar.shape)
        return self._sweep(unit_drives).reshape(cells, cells)

    def _sweep(self, e: Floats) -> Floats:
        return _flip(self._solve(_flip(e))) if self.flipped else self._solve(e)

    def cell_voltages(self, e: Floats) -> Floats:
        """The cells' own voltages [V] under loop drives e."""
        return np.asarray(self.solve(e) / self.conductances)

    def _solve(self, e: Floats) -> Floats:
        """Down the rows with Norton currents, up again with the bit lines' voltages."""
        rows, r_bit, r_sense = self._sweep_resistances()
        short: Floats = np.einsum("inm,...im->...in", self.ladder.admittance, e)
        norton = np.empty_like(short)
        passed = np.zeros_like(short[..., 0, :])
        for row in range(rows):
            norton[..., row, :] = passed + short[..., row, :]
            passed = norton[..., row, :] @ self.cross[row].T
        y = np.empty_like(short)
        down = passed  # the sensed currents
        bit = (r_bit + r_sense) * down
        for row in range(rows - 1, -1, -1):
            y[..., row, :] = short[..., row, :] - bit @ self.ladder.admittance[row].T
            if row:
                down = (norton[..., row - 1, :] - bit @ self.above[row - 1].T) @ self.cross[row - 1].T
                bit = bit + r_bit * down
        return y

    def effective_weights(self) -> Floats:
        """W (rows, columns) [S]: sensed currents = word voltages @ W; O(rows columns^3)."""
        if self.flipped:
            return self._flipped_effective_weights()
        weights: Floats = np.empty(self.crossbar.shape)
        onward = np.eye(self.crossbar.columns)
        for row in range(self.crossbar.rows - 1, -1, -1):
            onward = onward @ self.cross[row]
            weights[row] = onward @ self.ladder.to_source[row]
        return weights

    def _flipped_effective_weights(self) -> Floats:
        """By reciprocity: what reaches the word drives when a bit line is driven instead.

        Inside, word and bit lines are exchanged, so the transfer from inside drive to inside
        sense is the transposed one.
        """
        inside = replace(self, flipped=False, crossbar=_flip_crossbar(self.crossbar))
        return _flip(inside.effective_weights())

    def line_drops(self, i: Floats) -> Floats:
        """Z i: the voltage [V] that wires, source and sense resistors drop in each cell's loop."""
        c = self.crossbar
        right = np.cumsum(i[..., ::-1], axis=-1)[..., ::-1]  # current in each word-line segment
        below = np.cumsum(i, axis=-2)  # current in each bit-line segment
        word = c.r_source * right[..., :1] + c.r_word * np.cumsum(right, axis=-1)
        bit = c.r_bit * np.cumsum(below[..., ::-1, :], axis=-2)[..., ::-1, :]
        return word + bit + c.r_sense * below[..., -1:, :]

    def _sweep_resistances(self) -> tuple[int, float, float]:
        c = _flip_crossbar(self.crossbar) if self.flipped else self.crossbar
        return c.rows, c.r_bit, c.r_sense


@dataclass(frozen=True)
class _Ladder:
    """What every row's word line and cells show to the bit lines, the source grounded.

    admittance : (rows, n, n) [S] between the bit nodes; rows sum to `to_source`
    to_source : (rows, n) [S] short-circuit bit currents per volt of the source
    """

    admittance: Floats
    to_source: Floats

    @classmethod
    def of(cls, c: Crossbar, g: Floats) -> _Ladder:
        """Driving-point recursions from both ends; every term is positive."""
        rows, n = g.shape
        right = np.zeros((rows, n + 1))  # admittance at a node, looking right, its cell included
        share = np.ones((rows, n + 1))  # voltage at a node over that of its left neighbour
        for k in range(n - 1, -1, -1):
            onward = right[:, k + 1] / (1.0 + c.r_word * right[:, k + 1]) if k < n - 1 else 0.0
            right[:, k] = g[:, k] + onward
            share[:, k] = 1.0 / (1.0 + c.r_word * right[:, k])
        left = np.empty((rows, n))  # impedance at a node, looking left
        left[:, 0] = c.r_source + c.r_word
        for k in range(1, n):
            left[:, k] = c.r_word + left[:, k - 1] / (1.0 + left[:, k - 1] * g[:, k - 1])
        node = np.zeros((rows, n, n))  # word-line node impedances
        from_source = np.empty((rows, n))
        from_source[:, 0] = 1.0 / (1.0 + left[:, 0] * right[:, 0])
        for k in range(n):
            node[:, k, k] = left[:, k] / (1.0 + left[:, k] * right[:, k])
            if k < n - 1:
                from_source[:, k + 1] = from_source[:, k] * share[:, k + 1]
                node[:, : k + 1, k + 1] = node[:, : k + 1, k] * share[:, k + 1, None]
        node = node + np.swapaxes(np.triu(node, 1), 1, 2)
        admittance = -g[:, :, None] * node * g[:, None, :]
        to_source = g * from_source
        return cls(_with_row_sums(admittance, to_source), to_source)


def _with_row_sums(matrix: Floats, sums: Floats) -> Floats:
    """Set the diagonal so that rows sum to `sums`, without cancellation; off-diagonals are <= 0."""
    n = matrix.shape[-1]
    diagonal = np.arange(n)
    matrix[..., diagonal, diagonal] = 0.0
    matrix[..., diagonal, diagonal] = sums - matrix.sum(axis=-1)
    return matrix


def _through(above: Floats, cross: Floats, r: float, to_source: Floats) -> Floats:
    """The admittance (1 + r Y)^-1 Y after a bit-line segment, exact for r = 0 as well."""
    if r == 0.0:
        return above
    return _with_row_sums(-cross / r, to_source)


def _flip(array: Floats) -> Floats:
    """Exchange the two line directions: transpose, driven end to driven end."""
    return np.swapaxes(array[..., ::-1, ::-1], -2, -1)


def _flip_crossbar(c: Crossbar) -> Crossbar:
    return replace(
        c,
        rows=c.columns,
        columns=c.rows,
        r_source=c.r_sense,
        r_word=c.r_bit,
        r_bit=c.r_word,
        r_sense=c.r_source,
    )
