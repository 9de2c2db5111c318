"""Compensation: three things an engineer does about wires, before and after a read.

Calibration corrects each column's reading digitally. Pre-distortion maps other conductances, so
that the readout sees the wanted ones through the wires. Permutation puts the lines that carry the
largest currents where they lose least. `roa_circuit.layers.recovery` measures what each gives back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import weights_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A digital correction of each column: wanted current = gain * measured + offset.

    gain (columns,) [-], offset (columns,) [A]
    """

    gain: Floats
    offset: Floats


def calibrate(
    measured: Floats, wanted: Floats, at_rest: Floats, *, noise: Floats | float = 0.0
) -> Calibration:
    """Take each column's offset from reads without input, and its gain from test reads.

    measured, wanted : (reads, columns) [A] currents of the test inputs, as read and in theory. NaN is a
        reading at an end of its converter's range, and is left out
    at_rest : (reads, columns) [A] currents of inputs that are all 0, where theory has none
    noise : mean square error (columns,) of a reading [A^2], such as that of a dithered converter. It
        makes readings larger on average, which is taken away. An offset that does not rise above it
        is taken for none, and a column whose test reads do not tell its gain keeps it.

    Raises
    ------
    InputError : no reads, or shapes that differ.
    """
    if measured.shape != wanted.shape or measured.shape[1:] != at_rest.shape[1:] or not measured.size:
        raise InputError(
            f"calibration needs test reads, measured {measured.shape}, wanted {wanted.shape}, at rest"
            f" {at_rest.shape}, all (reads, columns)"
        )
    told = np.isfinite(at_rest)
    rest = np.where(told, at_rest, 0.0).sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    rest = np.where(rest**2 < _SEEN**2 * np.asarray(noise) / max(len(at_rest), 1), 0.0, rest)
    within = np.isfinite(measured)
    rise = np.where(within, measured - rest, 0.0)
    # A column that always reads the same, such as a broken one, is left without gain.
    size, stray = (rise**2).sum(axis=0), within.sum(axis=0) * np.broadcast_to(noise, rest.shape)
    gain = (rise * wanted).sum(axis=0) / np.maximum(size - stray, 1e-300)
    gain = np.where(within.any(axis=0), gain, 1.0)
    gain = np.where((stray > 0) & (size - stray < _TOLD * np.asarray(noise)), 1.0, gain)
    return Calibration(gain=gain, offset=-gain * rest)


_SEEN = 3.0
"""How many standard errors large a column's offset must be, or it is taken for noise of its reads."""

_TOLD = 2500.0
"""How many times one reading's noise a column's test reads together must be in power: then its gain is
told to a fiftieth, and otherwise not told."""


@dataclass(frozen=True, kw_only=True)
class Predistortion:
    """Conductances whose effective weights are the wanted ones, up to one gain for each column.

    conductances : (rows, columns) [S] to be mapped
    gain : (columns,) [-] factor on the sensed currents
    error : rms deviation of gain * effective weights from the wanted conductances [S]
    clipped : share of cells at the end of their range
    """

    conductances: Floats
    gain: Floats
    error: float
    clipped: float
    iterations: int


def predistort(
    crossbar: Crossbar,
    wanted: Floats,
    smallest: Floats | float,
    largest: Floats | float,
    *,
    groups: NDArray[np.intp] | None = None,
    tolerance: float = 1e-6,
    most: int = 50,
) -> Predistortion:
    """Find conductances in [smallest, largest] [S] that the readout sees as `wanted` (rows, columns).

    groups : (columns,) a number for each column, alike where columns are subtracted from each other
        before the converter and must share a gain; by default each has its own

    Each step multiplies every cell by what its effective weight lacks, until the rms deviation over
    the largest wanted conductance is below `tolerance` or no longer falls. Each column's gain makes
    up for its average loss, which would otherwise cost range; every step takes the best one.
    Where nothing is clipped the wanted weights are met. Otherwise the deviation ends 10 to 50 %
    above the bounded least-squares optimum, in a tenth of its time (benchmarks/compensation.py).
    """
    conductances, best = np.clip(wanted, smallest, largest), None
    for iteration in range(1, most + 1):
        weights = weights_of(LinearNetwork(crossbar, conductances))
        gain = _shared((weights * wanted).sum(axis=0), groups) / np.maximum(
            _shared((weights**2).sum(axis=0), groups), 1e-300
        )
        error = float(np.sqrt(np.mean((gain * weights - wanted) ** 2)))
        if best is not None and error > 0.99 * best.error:
            break
        at_end = (conductances <= smallest) | (conductances >= largest)
        best = Predistortion(
            conductances=conductances,
            gain=gain,
            error=error,
            clipped=float(at_end.mean()),
            iterations=iteration,
        )
        if error <= tolerance * float(wanted.max()):
            break
        seen = np.maximum(gain * weights, 1e-12 * wanted)
        conductances = np.clip(conductances * wanted / seen, smallest, largest)
    assert best is not None
    return best


def _shared(sums: Floats, groups: NDArray[np.intp] | None) -> Floats:
    """Each column's sum (columns,), or that of its whole group."""
    return sums if groups is None else np.asarray(np.bincount(groups, sums)[groups], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which line of the network lies on which line of the array.

    rows, columns : the network's line on each line of the array, from the top or the left
    channels : the network's channel on each channel of the readout
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    channels: NDArray[np.intp]

    def place(self, matrix: Floats) -> Floats:
        """Reorder the network's (rows, columns) as they lie on the array."""
        return matrix[np.ix_(self.rows, self.columns)]

    def restore(self, matrix: Floats) -> Floats:
        """Reorder the readout's (rows, channels) as the network knows them."""
        restored = np.empty_like(matrix)
        restored[np.ix_(self.rows, self.channels)] = matrix
        return restored

    def place_channels(self, currents: Floats) -> Floats:
        """Reorder the network's (reads, channels) as those of the readout lie: undoes `outputs`."""
        return currents[:, self.channels]

    def inputs(self, voltages: Floats) -> Floats:
        """Reorder the network's inputs (reads, rows) as the array's word lines lie."""
        return voltages[:, self.rows]

    def outputs(self, currents: Floats) -> Floats:
        """Reorder the readout's currents (reads, channels) as the network knows them."""
        restored = np.empty_like(currents)
        restored[:, self.channels] = currents
        return restored


def as_it_is(shape: tuple[int, int], mapping: Mapping = REFERENCE) -> Order:
    """The order that leaves every line where it is."""
    channels = np.arange(mapping.channels(shape[1]))
    return Order(rows=np.arange(shape[0]), columns=np.arange(shape[1]), channels=channels)


def heaviest_nearest(
    crossbar: Crossbar, conductances: Floats, voltages: Floats, mapping: Mapping = REFERENCE
) -> Order:
    """Put the rows that carry most current nearest the sensed end, such columns nearest the drivers.

    What is subtracted before the converter stays together: pairs are moved as pairs, and weight columns
    change places with each other, but not with references of groups.

    conductances : (rows, columns) [S]; voltages : (reads, rows) [V] of typical inputs
    """
    carried = np.abs(voltages).mean(axis=0)[:, None] * conductances
    rows, columns = (np.arange(count) for count in crossbar.shape)
    to_sense = rows if crossbar.sense == "top" else rows[::-1]
    to_driver = {"left": columns, "right": columns[::-1], "both": np.minimum(columns, columns[::-1])}
    by_column, far = carried.sum(axis=0), to_driver[crossbar.drive]
    lines = _placed(carried.sum(axis=1), to_sense)
    if mapping.apart:
        placed = _placed(by_column, far)
        return Order(rows=lines, columns=placed, channels=placed)
    plus, minus = mapping.plus(crossbar.columns), mapping.minus(crossbar.columns)
    own = by_column[plus] + (by_column[minus] if mapping.paired else 0.0)
    outputs = _placed(own, far[plus])
    moved = columns.copy()
    moved[plus] = plus[outputs]
    if mapping.paired:
        moved[minus] = minus[outputs]
    return Order(rows=lines, columns=moved, channels=outputs)


def _placed(carried: Floats, distance: NDArray[np.intp]) -> NDArray[np.intp]:
    """The line that goes to each place, the heaviest to the one at the smallest distance."""
    lines = np.empty_like(distance)
    lines[np.argsort(distance, kind="stable")] = np.argsort(-carried, kind="stable")
    return lines
